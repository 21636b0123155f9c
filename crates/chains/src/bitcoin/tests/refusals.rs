//! A lying gateway, and every field that it or a client could change.

use super::{FEE, TO, case, funding, input};
use crate::bitcoin::{Change, MAX_INPUTS, MAX_PREVIOUS_BYTES, Plan as BitcoinPlan, Sequence};
use crate::testing::{DEVNET, MAINNET, REGTEST, Whole, transfer};
use crate::{Built, ChainError, Plan, WalletKey, address, attach, build};
use ::bitcoin::{Amount, ScriptBuf, Transaction, TxOut, consensus};
use quorate_intent::{Asset, BitcoinNetwork, Network, Transfer};

fn run(key: &WalletKey, wish: &Transfer, plan: &BitcoinPlan) -> Result<Built, ChainError> {
    build(key, wish, &Plan::Bitcoin(plan.clone()))
}

/// Changes the case and gives the error that it must be refused with.
fn refused(change: impl Fn(&mut Transfer, &mut BitcoinPlan)) -> ChainError {
    let mut errors = [Whole::ecdsa(41), Whole::bip340(41)].map(|wallet| {
        let key = wallet.key();
        let (mut wish, mut plan) = case(&key);
        change(&mut wish, &mut plan);
        run(&key, &wish, &plan).unwrap_err()
    });
    // Both suites refuse it for the same kind of reason.
    assert_eq!(std::mem::discriminant(&errors[0]), std::mem::discriminant(&errors[1]));
    std::mem::replace(&mut errors[0], ChainError::field("", ""))
}

/// What the gateway wins by altering an amount in a previous transaction: another txid, so nothing that exists.
#[test]
fn an_altered_previous_amount_names_another_transaction() {
    for wallet in [Whole::ecdsa(41), Whole::bip340(41)] {
        let key = wallet.key();
        let (wish, plan) = case(&key);
        let honest = run(&key, &wish, &plan).unwrap();
        let mut lie = plan.clone();
        let mut previous: Transaction = consensus::deserialize(&lie.inputs[1].previous).unwrap();
        previous.output[0].value -= Amount::from_sat(500);
        lie.inputs[1].previous = consensus::serialize(&previous);
        let built = run(&key, &wish, &lie).unwrap();
        assert_ne!(built.resources[1], honest.resources[1]);
        assert_eq!(built.resources[0], honest.resources[0]);
        assert_ne!(built.form, honest.form);
        assert!(built.to_sign.iter().zip(&honest.to_sign).all(|(a, b)| a.payload != b.payload));
        // Signatures for the lie are worthless on the real transaction.
        let signatures = wallet.sign_all(&built);
        assert!(matches!(attach(&honest, &key, &signatures), Err(ChainError::Signature { index: 0, .. })));
    }
    // Understated so far that the fee looks negative, or overstated beyond all coins: refused outright.
    let shrink = |value: u64| {
        move |_: &mut Transfer, plan: &mut BitcoinPlan| {
            let mut previous: Transaction = consensus::deserialize(&plan.inputs[1].previous).unwrap();
            previous.output[0].value = Amount::from_sat(value);
            plan.inputs[1].previous = consensus::serialize(&previous);
        }
    };
    assert!(matches!(refused(shrink(38_999)), ChainError::Funds { inputs: 148_999, outputs: 149_000 }));
    assert!(matches!(refused(shrink(u64::MAX)), ChainError::Input { index: 1, .. }));
    assert!(matches!(refused(shrink(2_100_000_000_000_000)), ChainError::Input { .. }));
    assert!(matches!(refused(shrink(40_001)), ChainError::Fee { .. }));
}

#[test]
fn fee_burn_is_refused() {
    let burn = refused(|_, plan| plan.change.as_mut().unwrap().amount -= 1);
    assert_eq!(burn, ChainError::Fee { fee: (FEE + 1).into(), max: FEE.into() });
    assert!(matches!(refused(|_, plan| plan.change = None), ChainError::Fee { .. }));
    assert!(matches!(refused(|wish, _| wish.max_fee = (FEE - 1).into()), ChainError::Fee { .. }));
    assert!(matches!(
        refused(|_, plan| plan.change.as_mut().unwrap().amount += FEE + 1),
        ChainError::Funds { inputs: 150_000, outputs: 150_001 }
    ));
}

#[test]
fn foreign_and_duplicate_inputs_are_refused() {
    let index = |error| match error {
        ChainError::Input { index, .. } => index,
        other => panic!("{other}"),
    };
    // Somebody else's output under a path of ours; our own under another of our paths; beyond the last output.
    let stranger = funding(&Whole::ecdsa(99).key(), 7, &[([0, 0, 5], 60_000)]);
    assert_eq!(index(refused(|_, plan| plan.inputs[0] = input(&stranger, 0, [0, 0, 5]))), 0);
    assert_eq!(index(refused(|_, plan| plan.inputs[0].path = vec![0, 0, 6])), 0);
    assert_eq!(index(refused(|_, plan| plan.inputs[2].vout = 2)), 2);
    assert_eq!(index(refused(|_, plan| plan.inputs[2].vout = u32::MAX)), 2);
    assert_eq!(index(refused(|_, plan| plan.inputs[2] = plan.inputs[0].clone())), 2);
    // Paths of another account, of another branch, of another length.
    for path in [vec![1, 0, 5], vec![0, 2, 5], vec![0, 0], vec![], vec![0, 0, 5, 0]] {
        assert_eq!(index(refused(|_, plan| plan.inputs[0].path.clone_from(&path))), 0);
    }
    assert!(matches!(refused(|_, plan| plan.inputs[0].path[2] = 1 << 31), ChainError::Derive(_)));
    // The other account's wish with this account's inputs.
    assert_eq!(index(refused(|wish, _| wish.account = 1)), 0);
}

#[test]
fn malformed_and_oversized_inputs_are_refused() {
    let is_input = |error| assert!(matches!(error, ChainError::Input { index: 1, .. }), "{error}");
    is_input(refused(|_, plan| plan.inputs[1].previous.clear()));
    is_input(refused(|_, plan| plan.inputs[1].previous.push(0)));
    is_input(refused(|_, plan| plan.inputs[1].previous.truncate(30)));
    is_input(refused(|_, plan| plan.inputs[1].previous = vec![0; MAX_PREVIOUS_BYTES + 1]));
    // It is what it says and holds our coins, and is longer than any that a node relays.
    let long = refused(|_, plan| {
        let mut previous: Transaction = consensus::deserialize(&plan.inputs[1].previous).unwrap();
        let script_pubkey = ScriptBuf::from_bytes(vec![0x6a; MAX_PREVIOUS_BYTES]);
        previous.output.push(TxOut { value: Amount::ZERO, script_pubkey });
        plan.inputs[1].previous = consensus::serialize(&previous);
    });
    assert!(long.to_string().contains("at most 400000 are allowed"), "{long}");
    is_input(long);
    let is_inputs = |error| assert!(matches!(error, ChainError::Field { field: "inputs", .. }), "{error}");
    is_inputs(refused(|_, plan| plan.inputs.clear()));
    is_inputs(refused(|_, plan| plan.inputs = vec![plan.inputs[0].clone(); MAX_INPUTS + 1]));
    is_inputs(refused(|_, plan| {
        plan.inputs = vec![plan.inputs[0].clone(); 20];
        plan.inputs.iter_mut().for_each(|input| input.previous = vec![0; MAX_PREVIOUS_BYTES]);
    }));
}

#[test]
fn change_goes_home_or_nowhere() {
    let is_change = |error| assert!(matches!(error, ChainError::Field { field: "change", .. }), "{error}");
    for path in [vec![0, 0, 4], vec![1, 1, 4], vec![0, 2, 4], vec![0, 1], vec![], vec![0, 1, 4, 0]] {
        is_change(refused(|_, plan| plan.change.as_mut().unwrap().path.clone_from(&path)));
    }
    assert!(matches!(
        refused(|_, plan| plan.change.as_mut().unwrap().path[2] = 1 << 31),
        ChainError::Derive(_)
    ));
    // Dust, all the coins there are, and overflow.
    for amount in [0, 293, 2_100_000_000_000_001, u64::MAX] {
        is_change(refused(|_, plan| plan.change.as_mut().unwrap().amount = amount));
    }
    // The change address as destination: the two outputs could not be told apart.
    for wallet in [Whole::ecdsa(41), Whole::bip340(41)] {
        let key = wallet.key();
        let (wish, plan) = case(&key);
        let home = address(&key, &REGTEST, &[0, 1, 4]).unwrap();
        is_change(run(&key, &Transfer { to: home, ..wish }, &plan).unwrap_err());
    }
}

#[test]
fn transfers_that_cannot_be_are_refused() {
    let is_amount = |error| assert!(matches!(error, ChainError::Field { field: "amount", .. }), "{error}");
    for amount in [0, 293, 2_100_000_000_000_001, u64::MAX] {
        is_amount(refused(|wish, _| wish.amount = amount.into()));
    }
    is_amount(refused(|wish, _| wish.amount = "18446744073709551616".parse().unwrap()));
    let address = |error| assert!(matches!(error, ChainError::Address { .. }), "{error}");
    address(refused(|wish, _| wish.to = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4".into()));
    address(refused(|wish, _| wish.to.push('x')));
    address(refused(|wish, _| wish.to.clear()));
    assert!(matches!(
        refused(|wish, _| wish.asset = Asset::Token { contract: TO.into() }),
        ChainError::Unsupported { .. }
    ));
    // Another network: the inputs' scripts do not tell networks apart, the destination does.
    address(refused(|wish, _| wish.network = MAINNET));
    assert!(matches!(refused(|wish, _| wish.network = DEVNET), ChainError::OtherPlan { .. }));
    assert!(matches!(
        refused(|_, plan| plan.lock_time = 500_000_000),
        ChainError::Field { field: "lock_time", .. }
    ));
    let (wish, plan) = case(&Whole::ecdsa(41).key());
    let error = run(&Whole::ed25519(41).key(), &wish, &plan).unwrap_err();
    assert!(matches!(error, ChainError::Suite { .. }), "{error}");
    // The same coins under the other suite are not that wallet's.
    assert!(matches!(
        run(&Whole::bip340(41).key(), &wish, &plan).unwrap_err(),
        ChainError::Input { index: 0, .. }
    ));
}

/// Every change that is allowed is signed for: it alters each digest and the form.
#[test]
fn every_allowed_change_alters_every_digest() {
    for wallet in [Whole::ecdsa(41), Whole::bip340(41)] {
        let key = wallet.key();
        let (wish, plan) = case(&key);
        let base = run(&key, &wish, &plan).unwrap();
        assert_eq!(run(&key, &wish, &plan).unwrap(), base);
        let mut other = Vec::new();
        let mut vary = |change: &dyn Fn(&mut Transfer, &mut BitcoinPlan)| {
            let (mut wish, mut plan) = (wish.clone(), plan.clone());
            change(&mut wish, &mut plan);
            other.push(run(&key, &wish, &plan).unwrap());
        };
        vary(&|wish, _| wish.amount = 100_001.into());
        vary(&|wish, _| {
            wish.to = "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry".into();
        });
        vary(&|_, plan| plan.change.as_mut().unwrap().amount += 1);
        vary(&|_, plan| plan.change.as_mut().unwrap().path[2] += 1);
        vary(&|_, plan| plan.inputs.swap(0, 1));
        vary(&|_, plan| plan.sequence = Sequence::Final);
        vary(&|_, plan| plan.lock_time = 1);
        vary(&|wish, plan| {
            plan.change = None;
            wish.amount = 149_000.into();
        });
        for other in &other {
            assert_ne!(other.form, base.form);
            let digests = |built: &Built| built.to_sign.iter().map(|e| e.payload.clone()).collect::<Vec<_>>();
            assert!(digests(other).iter().all(|digest| !digests(&base).contains(digest)));
        }
        // A network with the same addresses: the same digests, another form and other resources.
        let testnet = Network::Bitcoin { network: BitcoinNetwork::Testnet };
        let signet = Network::Bitcoin { network: BitcoinNetwork::Signet };
        let to = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx".to_owned();
        let [one, two] = [testnet, signet]
            .map(|network| run(&key, &Transfer { network, to: to.clone(), ..wish.clone() }, &plan).unwrap());
        assert_ne!(one.form, two.form);
        assert_ne!(one.resources, two.resources);
        // What is on no chain leaves the transaction as it is.
        let memo = Transfer { memo: "other".into(), max_fee: 5_000.into(), ..wish.clone() };
        assert_eq!(run(&key, &memo, &plan).unwrap().form, base.form);
    }
}

#[test]
fn two_hundred_inputs_are_one_transaction() {
    let wallet = Whole::ecdsa(41);
    let key = wallet.key();
    let outputs: Vec<_> = (0..MAX_INPUTS as u32).map(|i| ([0, i % 2, i], 10_000)).collect();
    let previous = funding(&key, 3, &outputs);
    let plan = BitcoinPlan {
        inputs: (0..).zip(&outputs).map(|(vout, (path, _))| input(&previous, vout, *path)).collect(),
        change: Some(Change { path: vec![0, 1, 0], amount: 900_000 }),
        sequence: Sequence::Replaceable,
        lock_time: 0,
    };
    let built = run(&key, &transfer(REGTEST, TO, 1_000_000, 100_000), &plan).unwrap();
    let signed = attach(&built, &key, &wallet.sign_all(&built)).unwrap();
    super::consensus_accepts(&signed, &plan).unwrap();
}
