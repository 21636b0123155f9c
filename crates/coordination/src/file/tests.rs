//! Files of real partial signatures (FROST, Ed25519, a Solana transfer): what holds, and everything that must not.

mod parts;
mod records;

use super::*;
use crate::disputes::Shown;
use crate::rpc::SignCall;
use crate::{
    Assignment, CallFile, Item, KeySet, Material, OwnedCommitment, Part, SignedAssignment, SigningRequest,
    WalletRecord,
};
use ed25519_dalek::SigningKey;
use quorate_audit::Attempt;
use quorate_chains::{Plan, solana};
use quorate_intent::keys::{public, sign};
use quorate_intent::*;
use quorate_protocols::derive::ExtendedKey;
use quorate_protocols::frost::{self, Ed25519Schnorr, Nonces};
use quorate_protocols::key::{KeyShare, PublicShares};
use quorate_sharing::{Curve, Ed25519, Index, Indices, SecretScalar, Transcript};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

const WALLET: WalletId = WalletId([9; 16]);
const GATEWAY: u8 = 50;
const NAMES: [&str; 3] = ["ada", "bob", "cyd"];

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn digest(domain: &str, digest: &[u8; 32]) -> [u8; 32] {
    Transcript::new("test/statement").field("domain", domain.as_bytes()).field("digest", digest).digest()
}

/// Party seeds in ascending order of their public keys.
pub(crate) fn seeds() -> [u8; 3] {
    let mut seeds = [1, 2, 3];
    seeds.sort_by_key(|seed| public(&key(*seed)));
    seeds
}

fn genesis() -> Genesis {
    let member = |name: &str, seed| Member { name: name.into(), key: public(&key(seed)) };
    let party = |(seed, name): (u8, &str)| Party {
        name: name.into(),
        key: public(&key(seed)),
        address: format!("127.0.0.1:{seed}"),
    };
    let genesis = Genesis {
        version: 1,
        name: "test".into(),
        parties: seeds().into_iter().zip(NAMES).map(party).collect(),
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

fn intent(body: quorate_intent::Body) -> SignedIntent {
    let (created, expires) = (1_700_000_000, 1_700_000_600);
    let (governance, initiator) = (genesis().hash(), public(&key(21)));
    Intent { version: 1, governance, nonce: [3; 16], initiator, created, expires, body }.sign(&key(21))
}

fn scalar(n: u64) -> <Ed25519 as Curve>::Scalar {
    <Ed25519 as Curve>::Scalar::from(n)
}

/// x = 5000, x_i = 5000 + 11 i.
fn shares() -> PublicShares<Ed25519> {
    let indices = Indices::new::<Ed25519>([1, 2, 3]).unwrap();
    let shares = [1, 2, 3].map(|i| Ed25519::mul_base_vartime(&scalar(5000 + 11 * i)));
    let key = ExtendedKey { key: Ed25519::mul_base_vartime(&scalar(5000)), chain_code: [6; 32] };
    PublicShares::new(2, indices, shares.to_vec(), key).unwrap()
}

pub(crate) fn share(index: u16) -> KeyShare<Ed25519> {
    let secret = SecretScalar::new(scalar(5000 + 11 * u64::from(index)));
    KeyShare::new(Index::new(index).unwrap(), secret, shares()).unwrap()
}

pub(crate) fn certificate() -> Certificate {
    let parties: Vec<PublicKey> = seeds().map(|seed| public(&key(seed))).to_vec();
    let kind = OrderKind::Generate {
        suite: Suite::Ed25519,
        threshold: 2,
        parties: parties.clone(),
        label: "vault".into(),
    };
    let order = intent(quorate_intent::Body::Order(Order { wallet: WALLET, number: 1, kind }));
    let record = WalletRecord {
        wallet: WALLET,
        suite: Suite::Ed25519,
        label: "vault".into(),
        attempt: Attempt { order_number: 1, attempt_try: 1, transcript: Hash([4; 32]) },
        order: order.intent.hash(),
        parties,
        public: KeySet::Ed25519(shares()).encode(),
    };
    let statement = digest(crate::certificate::CERTIFICATE_DOMAIN, &record.statement());
    let signatures = seeds().map(|seed| sign(&key(seed), &statement)).to_vec();
    let approvals = vec![Approval::new(order.intent.hash(), Verdict::Approve, &key(14))];
    Certificate { record, order, approvals, proof: crate::Proof::Generate { signatures } }
}

/// A call to parties 1 and 2 and the files that they make; `tag` makes it another call.
struct Scene {
    call: SignCall,
    files: Vec<(String, PartialFile)>,
}

fn scene(tag: u8) -> Scene {
    let mut rng = ChaCha20Rng::seed_from_u64(tag.into());
    let (certificate, keys) = (certificate(), KeySet::Ed25519(shares()));
    let transfer = Transfer {
        wallet: WALLET,
        account: 0,
        network: Network::Solana { network: SolanaNetwork::Localnet },
        asset: Asset::Native,
        to: "83astBRguLMdt2h5U1Tpdq5tjFoJ6noeGwaY3mDLVcri".into(),
        amount: Amount::from(1_000_000),
        max_fee: Amount::from(5_000),
        memo: String::new(),
    };
    let plan = Plan::Solana(solana::Plan { recent_blockhash: [tag; 32] });
    let built = quorate_chains::build(&keys.wallet_key(), &transfer, &plan).unwrap();
    let intent = intent(quorate_intent::Body::Transfer(transfer));
    let request = SigningRequest {
        wallet: WALLET,
        record: certificate.record.hash(),
        intent: intent.intent.hash(),
        items: Item::all(&keys, &built).unwrap(),
        policy: genesis().hash(),
        nonce: [tag; 32],
        expires: 1_700_000_300,
        attempts: 4,
    };
    let mut nonces: Vec<(u16, Nonces<Ed25519Schnorr>)> = Vec::new();
    let mut owned = Vec::new();
    for signer in [1u16, 2] {
        let (secret, commitments) = frost::nonces::<Ed25519Schnorr>(&share(signer), &mut rng).unwrap();
        let commitments = commitments.as_bytes().to_vec();
        let statement =
            OwnedCommitment::digest(&certificate.record.hash(), signer, &[signer as u8; 16], &commitments);
        let signature = sign(&key(seeds()[usize::from(signer) - 1]), &statement);
        owned.push(OwnedCommitment { signer, boot: [signer as u8; 16], commitments, signature });
        nonces.push((signer, secret));
    }
    let material = Material::Frost(owned);
    let digest = material.digest(Suite::Ed25519).unwrap();
    let assignment = Assignment { request: request.hash(), attempt: 0, index: 0, material: digest };
    let signature = sign(&key(GATEWAY), &assignment.digest());
    let part = Part { assignment: SignedAssignment { assignment, signature }, material };
    let hash = intent.intent.hash();
    let approvals = [11, 12].map(|seed| Approval::new(hash, Verdict::Approve, &key(seed))).to_vec();
    let call =
        SignCall { intent, approvals, plan: plan.encode(), request, parts: vec![part], recorded: Vec::new() };
    let names = vec!["ada".to_owned(), "bob".to_owned()];
    let file = CallFile::new(&certificate, &call, names, public(&key(GATEWAY)));
    let file = CallFile::decode(&serde_json::to_vec(&file).unwrap()).unwrap();
    assert_eq!(file.open().unwrap(), (certificate.clone(), call.clone()));
    let answer = |(signer, nonces): (u16, Nonces<Ed25519Schnorr>)| {
        let checked = call.parts[0].check(&keys, &certificate.record.parties, &call.request).unwrap();
        let task = checked.task(Suite::Ed25519).unwrap();
        let body = frost::sign(&share(signer), nonces, &task).unwrap().as_bytes().to_vec();
        let at = usize::from(signer) - 1;
        let signature = sign(&key(seeds()[at]), &checked.statement(signer, &body));
        let made = Signer { index: signer, name: NAMES[at].into() };
        let file = file.clone().answer(made, vec![Partial { signer, body, signature }]);
        let read = PartialFile::decode(&serde_json::to_vec(&file).unwrap()).unwrap();
        assert_eq!(read, file);
        (format!("{}.json", NAMES[at]), file)
    };
    let files = nonces.into_iter().map(answer).collect();
    Scene { call, files }
}

fn both(files: &[(String, PartialFile)]) -> [Result<Combined, FileError>; 2] {
    [combine_files(files, Some(&genesis()), digest), combine_files(files, None, digest)]
}

/// What both ways of combining say, with `ada.json` changed: refused, by file name and maker.
fn refused(change: impl Fn(&mut PartialFile)) -> String {
    let mut files = scene(1).files;
    change(&mut files[0].1);
    let [with, without] = both(&files);
    for result in [&with, &without] {
        assert!(
            matches!(result, Err(FileError::Refused { file, .. }) if file == "ada.json"),
            "not refused as ada.json: {result:?}"
        );
    }
    let Err(FileError::Refused { maker, problem, .. }) = with else { panic!("refused") };
    assert_eq!(maker, "ada");
    problem
}

#[test]
fn files_give_the_transaction_with_and_without_a_genesis() {
    let files = scene(1).files;
    let [with, without] = both(&files).map(Result::unwrap);
    assert!(with.checked_against_genesis && !without.checked_against_genesis);
    assert_eq!(with.signers, ["ada", "bob"]);
    assert_eq!(without.signers[0], "party 1 (\"ada\" by its own word)");
    assert_eq!(with.transaction, without.transaction);
    // By other code: the signature over the message behind it, under the fee payer's key.
    let (signature, message) = with.transaction.raw[1..].split_at(64);
    let payer = ed25519_dalek::VerifyingKey::from_bytes(message[4..36].try_into().unwrap()).unwrap();
    let signature = ed25519_dalek::Signature::from_slice(signature).unwrap();
    payer.verify_strict(message, &signature).unwrap();
    let backwards: Vec<_> = files.into_iter().rev().collect();
    assert_eq!(combine_files(&backwards, Some(&genesis()), digest).unwrap(), with);
}

#[test]
fn an_altered_partial_names_its_maker() {
    let problem = refused(|file| file.partials[0].body[3] ^= 1);
    assert!(problem.contains("signature over partial signature 0"), "{problem}");
    refused(|file| file.partials[0].signature.0[9] ^= 1);
    let problem = refused(|file| file.partials.clear());
    assert!(problem.contains("0 partial signatures"), "{problem}");
    refused(|file| file.partials.push(file.partials[0].clone()));
}

/// Any single byte of the call: never combined. Where a byte cannot be caught without a genesis (the initiator's signature),
/// the other file of the same call still differs.
#[test]
fn an_altered_call_is_refused() {
    let scene = scene(1);
    let length = scene.files[0].1.call.len();
    for at in (0..length).step_by(7).chain([length - 1]) {
        let mut files = scene.files.clone();
        files[0].1.call[at] ^= 0x10;
        let [with, without] = both(&files);
        assert!(
            matches!(with, Err(FileError::Refused { ref maker, .. }) if maker == "ada"),
            "{at}: {with:?}"
        );
        assert!(
            matches!(without, Err(FileError::Refused { .. } | FileError::Mixed { .. })),
            "{at}: {without:?}"
        );
    }
    let with_call = |change: &dyn Fn(&mut SignCall)| {
        refused(|file| {
            let mut call = scene.call.clone();
            change(&mut call);
            file.call = borsh::to_vec(&call).unwrap();
        })
    };
    let plan = Plan::Solana(solana::Plan { recent_blockhash: [7; 32] }).encode();
    let problem = with_call(&|call| call.plan.clone_from(&plan));
    assert!(problem.contains("list of what is signed"), "{problem}");
    let problem = with_call(&|call| call.request.items[0].message[60] ^= 1);
    assert!(problem.contains("list of what is signed"), "{problem}");
    with_call(&|call| call.parts[0].assignment.assignment.attempt = 1);
    with_call(&|call| call.approvals[0].signature.0[1] ^= 1);
    with_call(&|call| call.request.nonce[0] ^= 1);
}

#[test]
fn an_altered_certificate_or_coordinator_is_refused() {
    let bytes = scene(1).files[0].1.certificate.len();
    for at in (0..bytes).step_by(11) {
        let mut files = scene(1).files;
        files[0].1.certificate[at] ^= 1;
        let [with, without] = both(&files);
        assert!(matches!(with, Err(FileError::Refused { .. })), "{at}: {with:?}");
        assert!(matches!(without, Err(FileError::Refused { .. } | FileError::Mixed { .. })), "{at}");
    }
    refused(|file| file.coordinator = public(&key(51)));
}

#[test]
fn a_genesis_must_know_coordinator_parties_and_approvers() {
    let files = scene(1).files;
    let mut other = genesis();
    other.gateway = public(&key(51));
    let result = combine_files(&files, Some(&other), digest);
    assert!(matches!(result, Err(FileError::Refused { .. })), "{result:?}");
    // One approval too few in every file: without a genesis nobody can know the quorum, with one it is refused.
    let mut few = files;
    for (_, file) in &mut few {
        let mut call: SignCall = borsh::from_slice(&file.call).unwrap();
        call.approvals.pop();
        file.call = borsh::to_vec(&call).unwrap();
    }
    let [with, without] = both(&few);
    assert!(matches!(with, Err(FileError::Refused { .. })), "{with:?}");
    assert!(without.is_ok());
}

#[test]
fn a_file_in_anothers_name_is_refused() {
    let mut files = scene(1).files;
    files[0].1.signer = Signer { index: 2, name: "bob".into() };
    let Err(FileError::Refused { file, maker, .. }) = combine_files(&files, Some(&genesis()), digest) else {
        panic!("taken")
    };
    assert_eq!((file.as_str(), maker.as_str()), ("ada.json", "bob"));
    for index in [0, 3, 4, u16::MAX] {
        let mut files = scene(1).files;
        files[0].1.signer.index = index;
        for result in both(&files) {
            let Err(FileError::Refused { problem, .. }) = result else { panic!("taken") };
            assert!(problem.contains("not among the signers"), "{problem}");
        }
    }
}

#[test]
fn mixed_missing_and_doubled_files_are_told_apart() {
    let (one, two) = (scene(1).files, scene(2).files);
    let mixed = [one[0].clone(), two[1].clone()];
    for result in both(&mixed) {
        let text = result.unwrap_err().to_string();
        assert!(
            text.contains("ada.json") && text.contains("bob.json") && text.contains("different"),
            "{text}"
        );
    }
    let missing = combine_files(&one[..1], Some(&genesis()), digest);
    assert_eq!(missing, Err(FileError::Missing(vec!["bob".into()])));
    let mut again = one[1].clone();
    again.0 = "copy.json".into();
    let twice = combine_files(&[one[0].clone(), one[1].clone(), again], Some(&genesis()), digest);
    let (first, second) = ("bob.json".to_owned(), "copy.json".to_owned());
    assert_eq!(twice, Err(FileError::Twice { maker: "bob".into(), first, second }));
    assert!(matches!(combine_files(&[], None, digest), Err(FileError::Format { .. })));
}

/// A maker that signs a wrong share is convicted by its own signature.
#[test]
fn a_wrong_share_that_its_maker_signed_is_evidence() {
    let scene = scene(1);
    let mut files = scene.files;
    let keys = KeySet::Ed25519(shares());
    let checked =
        scene.call.parts[0].check(&keys, &certificate().record.parties, &scene.call.request).unwrap();
    let partial = &mut files[1].1.partials[0];
    partial.body[0] ^= 1;
    partial.signature = sign(&key(seeds()[1]), &checked.statement(2, &partial.body));
    let Err(FileError::Wrong(wrong)) = combine_files(&files, Some(&genesis()), digest) else {
        panic!("a wrong share was combined, or refused for another reason");
    };
    let [wrong] = wrong.as_slice() else { panic!("one share is wrong") };
    let bob = public(&key(seeds()[1]));
    assert_eq!((wrong.maker.as_str(), wrong.accused), ("bob", bob));
    // As a file it stands by the maker's own signature, whoever reports it.
    let stranger = key(99);
    let file = wrong.evidence(genesis().hash(), public(&stranger), 7, |digest| sign(&stranger, digest));
    let (report, record) = EvidenceFile::decode(&serde_json::to_vec(&file).unwrap()).unwrap().open().unwrap();
    let Ok(Shown::Partial(shown)) = report.open(&genesis().hash()) else {
        panic!("the report does not hold")
    };
    assert_eq!(shown.check(&record.unwrap()), Ok(bob));
}

#[test]
fn only_the_one_form_is_read() {
    let file = scene(1).files.remove(0).1;
    let value = serde_json::to_value(&file).unwrap();
    let read = |value: &serde_json::Value| PartialFile::decode(&serde_json::to_vec(value).unwrap());
    assert!(read(&value).is_ok());
    let changed = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value = value.clone();
        change(&mut value);
        let error = read(&value).unwrap_err();
        assert!(matches!(error, FileError::Format { .. }), "{error}");
        error.to_string()
    };
    assert!(changed(&|v| v["quorate_partial"] = 2.into()).contains("version 2"));
    changed(&|v| v["extra"] = 1.into());
    changed(&|v| v["signer"]["extra"] = 1.into());
    changed(&|v| v["call"] = v["call"].as_str().unwrap().to_uppercase().into());
    changed(&|v| v["call"] = "0".into());
    changed(&|v| v["signer"]["name"] = "n".repeat(65).into());
    changed(&|v| v["partials"][0]["body"] = "00".repeat(1025).into());
    changed(&|v| v["partials"] = vec![v["partials"][0].clone(); 201].into());
    assert!(PartialFile::decode(&vec![b' '; MAX_FILE_BYTES + 1]).is_err());
    assert!(CallFile::decode(&serde_json::to_vec(&value).unwrap()).is_err());
    assert!(PartialFile::decode(b"{}").is_err() && PartialFile::decode(&[0xff]).is_err());
}
