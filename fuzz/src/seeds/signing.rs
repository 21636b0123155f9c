//! A signing call in Ed25519 with real commitments and partial signatures, and its files.

use super::{Seeds, scene, transfers};
use quorate_coordination::disputes::{Accusation, Report, Shown};
use quorate_coordination::file::Signer;
use quorate_coordination::rpc::{Frame, NodeRequest, NodeResponse, SignCall};
use quorate_coordination::{
    Assignment, CallFile, Certificate, EvidenceFile, Item, KeySet, Material, OwnedCommitment, Part, Partial,
    Proof, SignedAssignment, SigningRequest, WalletRecord,
};
use quorate_intent::keys::{public, sign};
use quorate_intent::{Body, Hash, OrderKind, Suite};
use quorate_protocols::frost::{self, Bip340, Ed25519Schnorr, Nonces};
use quorate_session::statement_digest;
use quorate_sharing::Ed25519;

/// A certificate of generation for the Ed25519 key.
pub(super) fn certificate() -> Certificate {
    let kind = OrderKind::Generate {
        suite: Suite::Ed25519,
        threshold: 2,
        parties: scene::parties(),
        label: "vault".into(),
    };
    let order = scene::order(1, kind);
    let record = WalletRecord { order: order.intent.hash(), ..scene::records()[2].clone() };
    let domain = quorate_coordination::certificate::CERTIFICATE_DOMAIN;
    let statement = statement_digest(domain, &record.statement());
    let signatures = (0..3).map(|at| sign(&scene::party_key(at), &statement)).collect();
    let approvals = scene::approvals(&order, &[scene::ADMIN]);
    Certificate { record, order, approvals, proof: Proof::Generate { signatures } }
}

struct Made {
    call: SignCall,
    nonces: Vec<(u16, Nonces<Ed25519Schnorr>)>,
    owned: Vec<OwnedCommitment>,
}

fn call(certificate: &Certificate) -> Made {
    let case = &transfers::cases()[4];
    let keys = KeySet::Ed25519(scene::publics::<Ed25519>());
    let built = quorate_chains::build(&case.key, &case.transfer, &case.plan).expect("the scene builds");
    let intent = scene::intent(Body::Transfer(case.transfer.clone()));
    let request = SigningRequest {
        wallet: scene::WALLET,
        record: certificate.record.hash(),
        intent: intent.intent.hash(),
        items: Item::all(&keys, &built).expect("derivable"),
        policy: scene::genesis().hash(),
        nonce: [1; 32],
        expires: 1_700_000_300,
        attempts: 4,
    };
    let (mut nonces, mut owned) = (Vec::new(), Vec::new());
    for signer in [1u16, 2] {
        let share = scene::share::<Ed25519>(signer);
        let (secret, commitments) =
            frost::nonces::<Ed25519Schnorr>(&share, &mut scene::rng(6, usize::from(signer))).expect("nonces");
        let (boot, commitments) = ([signer as u8; 16], commitments.as_bytes().to_vec());
        let statement = OwnedCommitment::digest(&certificate.record.hash(), signer, &boot, &commitments);
        let signature = sign(&scene::party_key(usize::from(signer) - 1), &statement);
        owned.push(OwnedCommitment { signer, boot, commitments, signature });
        nonces.push((signer, secret));
    }
    let material = Material::Frost(owned.clone());
    let digest = material.digest(Suite::Ed25519).expect("good");
    let assignment = Assignment { request: request.hash(), attempt: 0, index: 0, material: digest };
    let signature = sign(&scene::key(scene::GATEWAY), &assignment.digest());
    let part = Part { assignment: SignedAssignment { assignment, signature }, material };
    let approvals = scene::approvals(&intent, &[11, 12]);
    Made {
        call: SignCall {
            intent,
            approvals,
            plan: case.plan.encode(),
            request,
            parts: vec![part],
            recorded: vec![],
        },
        nonces,
        owned,
    }
}

/// All seeds of this file.
pub(super) fn add(seeds: &mut Seeds) {
    let certificate = certificate();
    let keys = KeySet::Ed25519(scene::publics::<Ed25519>());
    let Made { call, nonces, owned } = call(&certificate);
    seeds.borsh("signing-call", &call);
    seeds.borsh("material", &Material::Frost(owned.clone()));
    seeds.add("frost-commitments-ed25519", owned[0].commitments.clone());
    let bip340 = scene::share::<quorate_sharing::Secp256k1>(1);
    let (_, commitments) = frost::nonces::<Bip340>(&bip340, &mut scene::rng(7, 0)).expect("nonces");
    seeds.add("frost-commitments-bip340", commitments.as_bytes());
    let names = vec!["ada".to_owned(), "bob".to_owned()];
    let file = CallFile::new(&certificate, &call, names, public(&scene::key(scene::GATEWAY)));
    seeds.json("file-call", &file);
    let checked = call.parts[0].check(&keys, &certificate.record.parties, &call.request).expect("good");
    let task = checked.task(Suite::Ed25519).expect("FROST");
    let mut partials = Vec::new();
    for (signer, nonces) in nonces {
        let body = frost::sign(&scene::share(signer), nonces, &task).expect("a share").as_bytes().to_vec();
        seeds.add("frost-share-ed25519", body.clone());
        seeds.add("frost-share-bip340", [0, 1].repeat(16));
        let at = usize::from(signer) - 1;
        let signature = sign(&scene::party_key(at), &checked.statement(signer, &body));
        let partial = Partial { signer, body, signature };
        let made = Signer { index: signer, name: ["ada", "bob"][at].into() };
        seeds.json("file-partial", &file.clone().answer(made, vec![partial.clone()]));
        partials.push(partial);
    }
    let report = report();
    seeds.borsh("report", &report);
    seeds.json("file-evidence", &EvidenceFile::new(&report, Some(&certificate.record)));
    frames(seeds, &certificate, call, partials, owned);
}

fn report() -> Report {
    let accusation = Accusation {
        cluster: scene::genesis().hash(),
        reporter: scene::parties()[0],
        accused: scene::parties()[1],
        severity: quorate_audit::Severity::Condemned,
        what: "it said two things".into(),
        time: scene::NOW,
        evidence: Hash([0; 32]),
    };
    let shown = Shown::Session(vec![1, 2, 3]);
    Report::sign(accusation, &shown, |digest| sign(&scene::party_key(0), digest))
}

fn frames(
    seeds: &mut Seeds,
    certificate: &Certificate,
    call: SignCall,
    partials: Vec<Partial>,
    next: Vec<OwnedCommitment>,
) {
    let generate = NodeRequest::Generate {
        ceremony: scene::CEREMONY,
        order: certificate.order.clone(),
        approvals: certificate.approvals.clone(),
    };
    let reshare = NodeRequest::Reshare {
        ceremony: scene::CEREMONY,
        order: certificate.order.clone(),
        approvals: certificate.approvals.clone(),
        base: certificate.clone(),
        dealers: vec![1, 2],
    };
    let presign =
        NodeRequest::Presign { ceremony: [1; 32], wallet: scene::WALLET, set: vec![1, 3], count: 4 };
    let requests = [
        NodeRequest::Status,
        generate,
        reshare,
        presign,
        NodeRequest::Sign(call),
        NodeRequest::Pairs { peers: scene::parties() },
        NodeRequest::Certify(certificate.clone()),
    ];
    for request in requests {
        seeds.borsh("rpc-frame", &Frame::Call { id: 7, request });
    }
    for response in [
        NodeResponse::Signed { partials, next },
        NodeResponse::Disputes(vec![(1, report())]),
        NodeResponse::Presigned(vec![vec![1; 40]]),
    ] {
        seeds.borsh("rpc-frame", &Frame::Answer { id: 7, response: Ok(response) });
    }
    seeds.borsh("rpc-frame", &Frame::Session(vec![1, 2, 3]));
}
