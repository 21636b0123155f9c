//! A real certificate: a Taproot key with a dealer's polynomial, real partial signatures (FROST), real logs and witnesses.

use ed25519_dalek::SigningKey;
use quorate_audit::checkpoint::cosign;
use quorate_audit::{
    Attempt, Body as Entry, Chain, Checkpoint, Head, Included, LogOf, Proven, Tree, WillSign,
};
use quorate_chains::{Plan, bitcoin};
use quorate_coordination::certificate::CERTIFICATE_DOMAIN;
use quorate_coordination::{
    Assignment, Certificate, Item, KeySet, Material, OwnedCommitment, Part, Partial, Proof, SignedAssignment,
    SigningRequest, WalletRecord, combine,
};
use quorate_intent::keys::{public, sign};
use quorate_intent::*;
use quorate_protocols::derive::ExtendedKey;
use quorate_protocols::frost::{self, Bip340, Nonces};
use quorate_protocols::key::{KeyShare, PublicShares};
use quorate_session::statement_digest;
use quorate_sharing::{Curve, Index, Indices, Secp256k1, SecretScalar, Transcript};
use quorate_verify::{Signing, TransactionCertificate, Verdict, certificate};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

const WALLET: WalletId = WalletId([9; 16]);
const GATEWAY: u8 = 50;
const REGTEST: Network = Network::Bitcoin { network: BitcoinNetwork::Regtest };
pub const NOW: u64 = 1_700_000_100;

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// Party seeds in ascending order of their public keys.
pub fn seeds() -> [u8; 3] {
    let mut seeds = [1, 2, 3];
    seeds.sort_by_key(|seed| public(&key(*seed)));
    seeds
}

pub fn genesis() -> Genesis {
    let member = |name: &str, seed| Member { name: name.into(), key: public(&key(seed)) };
    let party = |(seed, name): (u8, &str)| Party {
        name: name.into(),
        key: public(&key(seed)),
        address: format!("127.0.0.1:{seed}"),
    };
    let genesis = Genesis {
        version: quorate_intent::genesis::VERSION,
        name: "test".into(),
        parties: seeds().into_iter().zip(["ada", "bob", "cyd"]).map(party).collect(),
        gateway: public(&key(GATEWAY)),
        approvers: Group { quorum: 2, members: vec![member("x", 11), member("y", 12), member("z", 13)] },
        administrators: Group { quorum: 1, members: vec![member("root", 14)] },
        clients: vec![member("api", 21)],
        follows: None,
        governed: None,
    };
    genesis.check().unwrap();
    genesis
}

pub fn intent(body: Body, nonce: u8) -> SignedIntent {
    let (created, expires) = (1_700_000_000, 1_700_000_600);
    let (governance, initiator) = (genesis().hash(), public(&key(21)));
    Intent { version: 1, governance, nonce: [nonce; 16], initiator, created, expires, body }.sign(&key(21))
}

fn scalar(n: u64) -> <Secp256k1 as Curve>::Scalar {
    <Secp256k1 as Curve>::Scalar::from(n)
}

/// x = 5000, x_i = 5000 + 11 i.
fn shares() -> PublicShares<Secp256k1> {
    let indices = Indices::new::<Secp256k1>([1, 2, 3]).unwrap();
    let shares = [1, 2, 3].map(|i| Secp256k1::mul_base_vartime(&scalar(5000 + 11 * i)));
    let key = ExtendedKey { key: Secp256k1::mul_base_vartime(&scalar(5000)), chain_code: [6; 32] };
    PublicShares::new(2, indices, shares.to_vec(), key).unwrap()
}

fn share(index: u16) -> KeyShare<Secp256k1> {
    let secret = SecretScalar::new(scalar(5000 + 11 * u64::from(index)));
    KeyShare::new(Index::new(index).unwrap(), secret, shares()).unwrap()
}

fn key_certificate() -> Certificate {
    let parties: Vec<PublicKey> = seeds().map(|seed| public(&key(seed))).to_vec();
    let kind = OrderKind::Generate {
        suite: Suite::Bip340,
        threshold: 2,
        parties: parties.clone(),
        label: "vault".into(),
    };
    let order = intent(Body::Order(Order { wallet: WALLET, number: 1, kind }), 3);
    let record = WalletRecord {
        wallet: WALLET,
        suite: Suite::Bip340,
        label: "vault".into(),
        attempt: Attempt { order_number: 1, attempt_try: 1, transcript: Hash([4; 32]) },
        order: order.intent.hash(),
        parties,
        public: KeySet::Bip340(shares()).encode(),
    };
    let statement = statement_digest(CERTIFICATE_DOMAIN, &record.statement());
    let signatures = seeds().map(|seed| sign(&key(seed), &statement)).to_vec();
    let approvals = vec![Approval::new(order.intent.hash(), quorate_intent::Verdict::Approve, &key(14))];
    Certificate { record, order, approvals, proof: Proof::Generate { signatures } }
}

/// A transaction with a witness that pays one coin to the wallet.
fn previous(keys: &KeySet) -> Vec<u8> {
    use ::bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};
    let address = quorate_chains::address(&keys.wallet_key(), &REGTEST, &[0, 0, 0]).unwrap();
    let address = address.parse::<::bitcoin::Address<_>>().unwrap().assume_checked();
    let input = TxIn {
        previous_output: OutPoint { vout: 7, ..OutPoint::null() },
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: Witness::from_slice(&[[5u8; 64]]),
    };
    let output = TxOut { value: Amount::from_sat(100_000_000), script_pubkey: address.script_pubkey() };
    let version = ::bitcoin::transaction::Version::TWO;
    let lock_time = ::bitcoin::absolute::LockTime::ZERO;
    ::bitcoin::consensus::serialize(&Transaction {
        version,
        lock_time,
        input: vec![input],
        output: vec![output],
    })
}

/// The plan as a gateway has it, with the earlier transaction's witness.
pub fn plan(keys: &KeySet) -> Plan {
    let input = bitcoin::Input { previous: previous(keys), vout: 0, path: vec![0, 0, 0] };
    let change = bitcoin::Change { path: vec![0, 1, 0], amount: 59_990_000 };
    Plan::Bitcoin(bitcoin::Plan {
        inputs: vec![input],
        change: Some(change),
        sequence: bitcoin::Sequence::Replaceable,
        lock_time: 0,
    })
}

/// Partial signatures of parties 1 and 2 over the one item.
fn partials(request: &SigningRequest, record: &WalletRecord, keys: &KeySet) -> (Part, Vec<Partial>) {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let mut nonces: Vec<(u16, Nonces<Bip340>)> = Vec::new();
    let mut owned = Vec::new();
    for signer in [1u16, 2] {
        let (secret, commitments) = frost::nonces::<Bip340>(&share(signer), &mut rng).unwrap();
        let commitments = commitments.as_bytes().to_vec();
        let boot = [signer as u8; 16];
        let statement = OwnedCommitment::digest(&record.hash(), signer, &boot, &commitments);
        let signature = sign(&key(seeds()[usize::from(signer) - 1]), &statement);
        owned.push(OwnedCommitment { signer, boot, commitments, signature });
        nonces.push((signer, secret));
    }
    let material = Material::Frost(owned);
    let digest = material.digest(Suite::Bip340).unwrap();
    let assignment = Assignment { request: request.hash(), attempt: 0, index: 0, material: digest };
    let signature = sign(&key(GATEWAY), &assignment.digest());
    let part = Part { assignment: SignedAssignment { assignment, signature }, material };
    let checked = part.check(keys, &record.parties, request).unwrap();
    let answer = |(signer, nonces): (u16, Nonces<Bip340>)| {
        let task = checked.task(Suite::Bip340).unwrap();
        let body = frost::sign(&share(signer), nonces, &task).unwrap().as_bytes().to_vec();
        let by = key(seeds()[usize::from(signer) - 1]);
        let signature = sign(&by, &checked.statement(signer, &body));
        Partial { signer, body, signature }
    };
    let partials = nonces.into_iter().map(answer).collect();
    (part, partials)
}

/// The entry in a log of `length` entries, under a head that these other nodes cosigned.
pub fn proven(seed: u8, will_sign: &WillSign, length: u64, witnesses: &[u8]) -> Proven {
    let node = public(&key(seed));
    let log = LogOf { cluster: genesis().hash(), node };
    let mut chain = Chain::new(Head::start(&node));
    let (mut tree, mut entry) = (Tree::new(), Vec::new());
    for at in 0..length {
        let body = if at == 3 { Entry::WillSign(will_sign.clone()) } else { Entry::Unlocked };
        let (_, bytes) = chain.append(NOW, body).unwrap();
        tree.append(&chain.head().hash.0);
        if at == 3 {
            entry = bytes;
        }
    }
    let origin = log.name();
    let checkpoint = Checkpoint::new(&origin, length, tree.root(length).unwrap()).unwrap();
    let mut note = checkpoint.sign(&log.log_key(&origin).unwrap(), &key(seed)).unwrap();
    for witness in witnesses.iter().filter(|witness| **witness != seed) {
        let by = LogOf { cluster: log.cluster, node: public(&key(*witness)) };
        cosign(&mut note, &by.witness_key().unwrap(), &key(*witness), NOW + 1);
    }
    let included = Included { entry, proof: tree.inclusion(3, length).unwrap() };
    Proven { included, checkpoint: note.encode() }
}

/// A complete certificate.
pub fn scene() -> TransactionCertificate {
    let (key_certificate, keys) = (key_certificate(), KeySet::Bip340(shares()));
    let record = key_certificate.record.clone();
    let transfer = Transfer {
        wallet: WALLET,
        account: 0,
        network: REGTEST,
        asset: Asset::Native,
        to: "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080".into(),
        amount: Amount::from(40_000_000),
        max_fee: Amount::from(20_000),
        memo: "rent".into(),
    };
    let plan = plan(&keys).bare().unwrap();
    let built = quorate_chains::build(&keys.wallet_key(), &transfer, &plan).unwrap();
    let intent = intent(Body::Transfer(transfer), 4);
    let request = SigningRequest {
        wallet: WALLET,
        record: record.hash(),
        intent: intent.intent.hash(),
        items: Item::all(&keys, &built).unwrap(),
        policy: genesis().hash(),
        nonce: [8; 32],
        expires: 1_700_000_300,
        attempts: 4,
    };
    let (part, partials) = partials(&request, &record, &keys);
    let signature = combine(&record, &keys, &public(&key(GATEWAY)), &request, &part, &partials).unwrap();
    let signatures = vec![signature];
    let transaction = quorate_chains::attach(&built, &keys.wallet_key(), &signatures).unwrap();
    let hash = intent.intent.hash();
    let mut approvals =
        [11, 12].map(|seed| Approval::new(hash, quorate_intent::Verdict::Approve, &key(seed))).to_vec();
    approvals.sort_by_key(|approval| approval.approver);
    let digest = |domain: &str, data: &[u8]| Hash(Transcript::new(domain).field("data", data).digest());
    let will_sign = WillSign {
        intent: hash,
        wallet: WALLET,
        form: Hash(built.form),
        resources: built.resources.iter().map(|one| digest("node/resource", one.as_bytes())).collect(),
        digests: request.items.iter().map(|item| digest("node/digest", &item.message)).collect(),
        governance: genesis().hash(),
        approvers: approvals.iter().map(|approval| approval.approver).collect(),
        rule: quorate_policy::RULE_TRANSFER.into(),
        judged: None,
    };
    let verdict = |(at, length): (usize, u64)| Verdict {
        party: public(&key(seeds()[at])),
        proven: proven(seeds()[at], &will_sign, length, &seeds()),
    };
    TransactionCertificate {
        version: certificate::VERSION,
        cluster: genesis().hash(),
        steps: Vec::new(),
        key: key_certificate,
        intent,
        approvals,
        plan: plan.encode(),
        signing: Signing { request, parts: vec![part], partials: vec![partials] },
        signatures,
        transaction,
        verdicts: [(0, 9), (1, 14)].map(verdict).to_vec(),
    }
}
