//! Signing: the coordinator's request and what a party does with it (docs/spec §3.3, §4.4), in the order of a node: check,
//! take the material out of stock, record, sign.

use crate::World;
use crate::node::{Item, Share};
use crate::world::Plant;
use quorate_chains::RawSignature;
use quorate_coordination::partial::{Checked, CheckedKind};
use quorate_coordination::{
    Assignment, CombineError, Item as Asked, KeySet, Material, OwnedCommitment, Part, Partial,
    SignedAssignment, SigningRequest, WalletRecord,
};
use quorate_intent::{Hash, Suite, WalletId, keys};
use quorate_protocols::frost::{self, Bip340, Ed25519Schnorr};
use quorate_protocols::{Message, dkls};
use quorate_sharing::Transcript;
use quorate_vault::WillSign;

/// What the coordinator sends to each signer.
#[derive(Clone)]
pub struct Call {
    /// What is to be signed.
    pub request: SigningRequest,
    /// With which material.
    pub part: Part,
}

/// Makes nonces at a party, stocks them, and gives their signed commitments.
pub fn nonces(world: &mut World, at: usize, wallet: WalletId) -> Option<OwnedCommitment> {
    let node = &mut world.nodes[at];
    let up = node.up.as_mut()?;
    let key = up.keys.get(&wallet)?;
    let record = key.certificate.record.hash();
    let (item, commitments) = match &key.share {
        Share::Secp256k1(share) => {
            let (nonces, public) = frost::nonces::<Bip340>(share, &mut node.rng).ok()?;
            (Item::Bip340(nonces), public)
        }
        Share::Ed25519(share) => {
            let (nonces, public) = frost::nonces::<Ed25519Schnorr>(share, &mut node.rng).ok()?;
            (Item::Ed25519(nonces), public)
        }
        Share::Toy13(_) | Share::Toy199(_) => return None,
    };
    let signer = key.share.secret().0.get();
    let commitments = commitments.as_bytes().to_vec();
    up.stock.insert(commitments.clone(), item);
    let digest = OwnedCommitment::digest(&record, signer, &up.boot, &commitments);
    let signature = keys::sign(up.vault.identity().expose(), &digest);
    Some(OwnedCommitment { signer, boot: up.boot, commitments, signature })
}

/// The coordinator's call for one message with this material.
pub fn call(
    world: &World,
    keys_of: (&KeySet, Hash),
    wallet: WalletId,
    message: [u8; 32],
    intent: Hash,
    material: Material,
) -> Option<Call> {
    let (keyset, record) = keys_of;
    let key = keyset.child(&[]).ok()?.key;
    let request = SigningRequest {
        wallet,
        record,
        intent,
        items: vec![Asked { path: Vec::new(), key, message: message.to_vec() }],
        policy: world.people.genesis.hash(),
        nonce: message,
        expires: world.time() + 600,
        attempts: 8,
    };
    let digest = material.digest(keyset.suite()).ok()?;
    let assignment = Assignment { request: request.hash(), attempt: 0, index: 0, material: digest };
    let signature = keys::sign(&world.people.gateway, &assignment.digest());
    let assignment = SignedAssignment { assignment, signature };
    Some(Call { request, part: Part { assignment, material } })
}

/// What a party does with a call. The partial signature leaves only after the log has it.
///
/// # Errors
/// Why it does not sign.
pub fn sign(world: &mut World, at: usize, call: &Call) -> Result<Partial, String> {
    let wallet = call.request.wallet;
    let up = world.nodes[at].up.as_mut().ok_or("down")?;
    let key = up.keys.get(&wallet).ok_or("no share of this wallet")?;
    let record = &key.certificate.record;
    if call.request.record != record.hash() {
        return Err("another epoch".into());
    }
    let index = key.share.secret().0.get();
    let keyset = record.keys().map_err(|error| error.to_string())?;
    if !call.part.assignment.verifies(&world.people.genesis.gateway) {
        return Err("not the coordinator's assignment".into());
    }
    let checked = call.part.check(&keyset, &record.parties, &call.request).map_err(|e| e.to_string())?;
    if !call.part.material.signers().contains(&index) {
        return Err("not in the set".into());
    }
    let name = match &call.part.material {
        Material::Frost(list) => {
            let own = list.iter().find(|owned| owned.signer == index).ok_or("not in the set")?;
            own.commitments.clone()
        }
        Material::Ecdsa(_) => call.part.assignment.assignment.material.0.to_vec(),
    };
    let item = up.stock.remove(&name).ok_or("not in stock")?;
    let entry = will_sign(call);
    let (intent, form) = (entry.intent, entry.form);
    let vault = up.vault.clone();
    if world.plant != Some(Plant::SignsUnlogged) {
        let written = world.block(vault.will_sign(entry));
        if !world.still_up(at) {
            return Err("went down".into());
        }
        let head = written.map_err(|error| error.to_string())?;
        world.nodes[at].acknowledged = Some(head);
    }
    make(world, at, call, (&checked, item, name), (intent, form))
}

fn will_sign(call: &Call) -> WillSign {
    let hash = |domain: &str, data: &[u8]| Hash(Transcript::new(domain).field("data", data).digest());
    let message = &call.request.items[0].message;
    WillSign {
        intent: call.request.intent,
        wallet: call.request.wallet,
        form: hash("sim/form", message),
        // All forms of one intent conflict, as those of one transaction's retries do.
        resources: vec![hash("sim/resource", &call.request.intent.0)],
        digests: vec![hash("sim/digest", message)],
        governance: call.request.policy,
        approvers: vec![quorate_intent::PublicKey([8; 32])],
        rule: "sim".into(),
        judged: None,
    }
}

fn make(
    world: &mut World,
    at: usize,
    call: &Call,
    (checked, item, name): (&Checked, Item, Vec<u8>),
    (intent, form): (Hash, Hash),
) -> Result<Partial, String> {
    let (vault, body, index) = {
        let up = world.nodes[at].up.as_ref().ok_or("down")?;
        let key = up.keys.get(&call.request.wallet).ok_or("no share of this wallet")?;
        let suite = key.certificate.record.suite;
        let body = body(&key.share, suite, checked, item)?;
        (up.vault.clone(), body, key.share.secret().0.get())
    };
    world.oracle.spend(at, name);
    let attempt = open_attempt(world, at, &call.request.wallet);
    world.oracle.signs(&world.nodes[at], call.request.wallet, &attempt);
    let logged = world.block(vault.signed_forms(&intent)).unwrap_or_default();
    if !logged.iter().any(|(_, entry)| entry.form == form) {
        world.oracle.violate("signatures have log entries", format!("party {at} signs what its log lacks"));
    }
    world.counts.signatures += 1;
    let now = world.now;
    world.log.add(now, Some(at), || "gives a partial signature".into());
    let signature = keys::sign(vault.identity().expose(), &checked.statement(index, &body));
    Ok(Partial { signer: index, body, signature })
}

fn open_attempt(world: &World, at: usize, wallet: &WalletId) -> Vec<u8> {
    let open = world.nodes[at].up.as_ref().and_then(|up| up.keys.get(wallet));
    open.map(|open| open.certificate.record.attempt.to_bytes().to_vec()).unwrap_or_default()
}

fn body(share: &Share, suite: Suite, checked: &Checked, item: Item) -> Result<Vec<u8>, String> {
    let task = checked.task(suite);
    match (share, item) {
        (Share::Secp256k1(share), Item::Bip340(nonces)) => {
            let signed = frost::sign(share, nonces, &task.ok_or("not a FROST part")?);
            Ok(signed.map_err(|error| error.to_string())?.as_bytes().to_vec())
        }
        (Share::Ed25519(share), Item::Ed25519(nonces)) => {
            let signed = frost::sign(share, nonces, &task.ok_or("not a FROST part")?);
            Ok(signed.map_err(|error| error.to_string())?.as_bytes().to_vec())
        }
        (_, Item::Ecdsa(presignature)) => {
            let CheckedKind::Ecdsa(_, request) = checked.kind() else {
                return Err("not an ECDSA part".into());
            };
            let partial = dkls::online::sign(*presignature, request).map_err(|error| error.to_string())?;
            Ok(partial.encode())
        }
        _ => Err("material of another suite".into()),
    }
}

/// Combines partials; the signature was verified against the key inside.
///
/// # Errors
/// What [`quorate_coordination::combine()`] says.
pub fn combine(
    world: &World,
    wallet: WalletId,
    call: &Call,
    partials: &[Partial],
) -> Result<RawSignature, CombineError> {
    let certificate = world.certificates.get(&wallet).ok_or_else(|| CombineError::Other("no key".into()))?;
    combine_in(world, &certificate.record, call, partials)
}

/// The same in the epoch of this record.
///
/// # Errors
/// What [`quorate_coordination::combine()`] says.
pub fn combine_in(
    world: &World,
    record: &WalletRecord,
    call: &Call,
    partials: &[Partial],
) -> Result<RawSignature, CombineError> {
    let keyset = record.keys().map_err(|error| CombineError::Other(error.to_string()))?;
    let gateway = &world.people.genesis.gateway;
    quorate_coordination::combine(record, &keyset, gateway, &call.request, &call.part, partials)
}
