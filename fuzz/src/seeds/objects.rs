//! Intents, orders, governance, certificates, drills, API objects.

use super::{Seeds, scene, signing, transfers};
use quorate_audit::Attempt;
use quorate_coordination::api::{self, Funding, NewIntent, NewPlan, NewTransaction, State};
use quorate_coordination::drill::Challenge;
use quorate_coordination::{Certificate, Proof, Reshared, Resharing};
use quorate_intent::passkey::{Algorithm, Assertion, Passkey};
use quorate_intent::{
    Amount, Approval, Body, Change, Content, ContractCall, Hash, Lifted, Message, Network, OrderKind,
    Purpose, Repeat, Signature, SignedIntent, Step, Suite, Verdict, keys,
};
use quorate_session::statement_digest;

/// All seeds of this file.
pub(super) fn add(seeds: &mut Seeds) {
    let certificate = signing::certificate();
    let mut intents: Vec<SignedIntent> =
        transfers::cases().iter().map(|case| scene::intent(Body::Transfer(case.transfer.clone()))).collect();
    intents.extend(orders(&certificate));
    intents.push(certificate.order.clone());
    for intent in &intents {
        seeds.add("intent", intent.intent.encode());
        seeds.borsh("intent-signed", intent);
        if let Body::Order(order) = &intent.intent.body {
            seeds.borsh("intent-order", order);
        }
    }
    seeds.borsh("intent-approval", &scene::approvals(&intents[0], &[11])[0]);
    seeds.json("intent-genesis", &scene::genesis());
    seeds.borsh("intent-genesis", &scene::genesis());
    let change = Change::Move { party: scene::parties()[0], address: "10.0.0.1:4000".into() };
    let intent = scene::intent(Body::Governance(change));
    let step = Step { approvals: scene::approvals(&intent, &[scene::ADMIN]), intent };
    seeds.borsh("intent-governance", &step);
    texts(seeds, &intents[0]);
    scene::records().iter().for_each(|record| seeds.borsh("record", record));
    let reshared = reshared(&certificate);
    seeds.borsh("certificate", &certificate);
    seeds.borsh("certificate", &reshared);
    seeds.json("api-objects", &view(&certificate));
    let challenge = Challenge { nonce: [4; 32], certificates: vec![certificate] };
    seeds.borsh("drill-challenge", &challenge);
    let proof = vec![(scene::WALLET, vec![1; 64])];
    seeds.borsh("drill-answer", &challenge.answer(&scene::party_key(0), proof));
    api_objects(seeds, &intents[0]);
    calls_and_messages(seeds);
}

/// What a wallet's key signs besides transfers, and an approval as an authenticator gives it.
fn calls_and_messages(seeds: &mut Seeds) {
    let network = Network::Evm { chain_id: 1 };
    let (wallet, memo) = (scene::WALLET, "why".to_owned());
    let call = ContractCall {
        wallet,
        account: 0,
        network,
        contract: "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48".into(),
        method: "approve(address,uint256)".into(),
        arguments: vec!["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed".into(), "77".into()],
        value: Amount::default(),
        max_fee: Amount::from(10_000_000_000_000_000),
        memo: memo.clone(),
    };
    let content = Content::Personal { text: "I agree".into() };
    let message = Message { wallet, account: 0, network, content, memo };
    for body in [Body::Call(call), Body::Message(message)] {
        let intent = scene::intent(body);
        seeds.add("intent", intent.intent.encode());
        seeds.borsh("intent-signed", &intent);
        let passkey = Passkey {
            algorithm: Algorithm::Es256,
            public_key: vec![3; 33],
            credential: vec![4; 16],
            rp_id: "vault.example".into(),
            origins: vec!["https://vault.example".into()],
        };
        let assertion = Assertion { passkey, authenticator_data: vec![5; 37], client_data: b"{}".to_vec() };
        let approval =
            Approval::by_passkey(intent.intent.hash(), Verdict::Approve, assertion, Signature([7; 64]));
        seeds.borsh("intent-approval", &approval);
    }
}

fn orders(certificate: &Certificate) -> Vec<SignedIntent> {
    let base = certificate.record.hash();
    let repeat = Repeat { interval: 86_400, end: scene::NOW + 10_000_000 };
    let kinds = [
        OrderKind::Reshare {
            base,
            recipients: scene::parties(),
            threshold: 3,
            purpose: Purpose::Change,
            schedule: Some(repeat),
        },
        OrderKind::Schedule { parties: scene::parties(), threshold: 2, repeat },
        OrderKind::Destroy { base },
        OrderKind::Lift { dispute: Lifted::Party { party: scene::parties()[0] } },
    ];
    kinds.into_iter().map(|kind| scene::order(2, kind)).collect()
}

/// A certificate of a refresh. The shares do not move, which its signatures do not show.
fn reshared(generated: &Certificate) -> Certificate {
    let base = generated.record.clone();
    let kind = OrderKind::Reshare {
        base: base.hash(),
        recipients: scene::parties(),
        threshold: 2,
        purpose: Purpose::Refresh,
        schedule: None,
    };
    let order = scene::order(2, kind);
    let plan = Resharing::new(&order, base.clone(), vec![1, 2]).expect("a good order");
    let attempt = Attempt { order_number: 2, attempt_try: 1, transcript: Hash([8; 32]) };
    let record = plan.record(attempt, base.public.clone());
    let statement = plan.statement(&record);
    let signed =
        |domain: &str, at: usize| keys::sign(&scene::party_key(at), &statement_digest(domain, &statement));
    use quorate_coordination::certificate::{DEALT_DOMAIN, PREPARED_DOMAIN};
    let dealers = [1u16, 2].map(|index| (index, signed(DEALT_DOMAIN, usize::from(index) - 1))).to_vec();
    let prepared = (0..3).map(|at| signed(PREPARED_DOMAIN, at)).collect();
    let approvals = scene::approvals(&order, &[scene::ADMIN]);
    Certificate {
        record,
        order,
        approvals,
        proof: Proof::Reshare(Box::new(Reshared { base, dealers, prepared })),
    }
}

fn texts(seeds: &mut Seeds, intent: &SignedIntent) {
    let transfer = &transfers::cases()[2].transfer;
    let words = [
        intent.intent.hash().to_string(),
        scene::WALLET.to_string(),
        scene::parties()[0].to_string(),
        intent.signature.to_string(),
        transfer.amount.to_string(),
        Suite::Bip340.to_string(),
        serde_json::to_string(&transfer.network).unwrap_or_default(),
        serde_json::to_string(&transfer.asset).unwrap_or_default(),
    ];
    words.into_iter().for_each(|word| seeds.add("intent-texts", word));
}

fn view(certificate: &Certificate) -> api::CertificateView {
    api::CertificateView {
        wallet: scene::WALLET,
        certificate: "00ff".into(),
        order: certificate.order.clone(),
        approvals: certificate.approvals.clone(),
        record: certificate.record.hash(),
        signatures: certificate.proof.signatures().to_vec(),
    }
}

fn api_objects(seeds: &mut Seeds, intent: &SignedIntent) {
    let plan = transfers::bitcoin().plan.clone();
    let built = &transfers::cases()[4];
    let signature = quorate_chains::RawSignature::Ed25519([7; 64]);
    let new =
        NewIntent { plan: Some(built.plan.clone()), fee_rate: Some(7), ..NewIntent::from(intent.clone()) };
    seeds.json("api-objects", &new);
    seeds.json("api-objects", &NewPlan { plan });
    seeds.json(
        "api-objects",
        &NewTransaction { signatures: vec![signature], signers: vec!["ada".into()], signing: None },
    );
    let (network, transactions) = (built.transfer.network, vec!["00".to_owned()]);
    seeds.json("api-objects", &Funding { network, transactions, account: 0, gap_limit: Some(20) });
    seeds.json("api-objects", intent);
    seeds.json("api-objects", &scene::approvals(intent, &[11])[0]);
    let view = api::IntentView {
        id: intent.intent.id(),
        state: State::PendingApproval,
        reason: None,
        deciding_rule: Some("transfer".into()),
        intent: intent.intent.clone(),
        signature: intent.signature,
        passkey: intent.passkey.clone(),
        approvals: scene::approvals(intent, &[11]),
        missing: None,
        summary: None,
        transaction: None,
        transaction_status: None,
        attempts: 1,
        timings: Vec::new(),
    };
    seeds.json("api-objects", &view);
}
