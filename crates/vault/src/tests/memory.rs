//! The database in memory: it does what SQLite does, and a crash at any write or sync leaves a state that was.

use super::crash::{state, step};
use super::*;
use crate::{Body, Disk, DisputeRecord, Fault, Leaves, Severity};

async fn create(disk: &Disk) -> Vault {
    Vault::create_on(disk, Zeroizing::new(KEY), Zeroizing::new([5; 32])).await.unwrap()
}

async fn open(disk: &Disk) -> Vault {
    Vault::open_on(disk, Zeroizing::new(KEY)).await.unwrap()
}

/// Small numbers that often meet.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// One call of any kind, and what it was answered with. Heads are named by their size: two vaults have two clocks.
async fn any_call(vault: &Vault, kind: u64, [a, b, c]: [u64; 3]) -> String {
    let wallet = WalletId([a as u8; 16]);
    let (number, tried, hash) = (1 + b % 3, 1 + c as u32 % 4, (b + c) as u8 % 2);
    match kind {
        0 => format!("{:?}", accept(vault, wallet, number, tried, Hash([hash; 32])).await),
        1 => {
            let share = share(attempt(number, tried, hash), &[c as u8; 40]);
            format!("{:?}", put(vault, wallet, share).await)
        }
        2 => format!("{:?}", vault.activate(wallet, attempt(number, tried, hash), vec![b as u8; 20]).await),
        3 => {
            let form = will_sign(a as u8, b as u8, &[c as u8, 1 + c as u8]);
            format!("{:?}", vault.will_sign(form).await.map(|head| head.size))
        }
        4 => {
            let (intent, form) = (Hash([a as u8; 32]), Hash([b as u8; 32]));
            let body = Body::Signed { intent, form, transaction: "x".into() };
            format!("{:?}", vault.append(body).await.map(|head| head.size))
        }
        5 => format!("{:?}", vault.set(&format!("s{a}"), &[b as u8]).await),
        6 => format!("{:?}", vault.count(&format!("c{a}")).await),
        7 => {
            let severity = if b % 2 == 0 { Severity::SoftEdge } else { Severity::HardEdge };
            let peer = PublicKey([a as u8; 32]);
            let edge = DisputeRecord { peer, severity, what: "w".into(), time: c, evidence: vec![1] };
            format!("{:?}", vault.dispute(edge).await)
        }
        _ => format!("{:?}", vault.renew_pair(PublicKey([a as u8; 32]), 10 * c, 25).await),
    }
}

/// What can be read, without what depends on clocks.
async fn view(vault: &Vault) -> String {
    let text = state(vault).await;
    let log = vault.log(0, 1000).await.unwrap();
    let bodies: Vec<_> = log.into_iter().map(|entry| entry.body).collect();
    format!("{} {bodies:?}", &text[text.find('}').unwrap_or(0)..])
}

#[tokio::test]
async fn memory_and_sqlite_answer_alike() {
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 0..12 {
        let (_folder, path, mut file) = fresh().await;
        let disk = Disk::default();
        let mut memory = create(&disk).await;
        let mut dice = Dice(seed);
        for _ in 0..60 {
            let (kind, args) = (dice.roll(9), [dice.roll(3), dice.roll(4), dice.roll(4)]);
            let one = any_call(&file, kind, args).await;
            let other = any_call(&memory, kind, args).await;
            assert_eq!(one, other, "seed {seed}: call {kind} {args:?}");
            kinds.insert((kind, one.starts_with("Ok")));
            if dice.roll(8) == 0 {
                file = reopen(file, &path).await;
                memory.close().await.unwrap();
                memory = open(&disk).await;
            }
        }
        assert_eq!(view(&file).await, view(&memory).await, "seed {seed}");
    }
    // Every call was both taken and, where a rule can say no, refused.
    assert!(kinds.len() >= 14, "{kinds:?}");
}

/// The lives of two vaults on equal disks, one of which goes down at a write or sync and is opened again.
#[tokio::test]
async fn every_crash_point_in_memory_gives_a_state_that_was() {
    const STEPS: u32 = 12;
    let sound = Disk::default();
    let vault = create(&sound).await;
    let start = sound.points();
    for n in 0..STEPS {
        step(&vault, n).await;
    }
    let points = sound.points();
    assert!(points - start > 40, "{points}");
    for point in start + 1..=points {
        for leaves in Leaves::ALL {
            let disk = Disk::default();
            let vault = create(&disk).await;
            disk.fail_at(point, Fault::Crash(leaves));
            let mut before = state(&vault).await;
            let mut n = 0;
            while !disk.is_down() {
                before = state(&vault).await;
                let twin = vault.clone();
                let _ = tokio::spawn(async move { step(&twin, n).await }).await;
                n += 1;
            }
            // The step that was cut off happened as a whole or not at all; the log's clock is not compared.
            let vault = open(&disk).await;
            let found = state(&vault).await;
            let cut = n - 1;
            if found != before {
                // An activation is done before its checkpoint.
                assert!(leaves != Leaves::Torn || cut % 6 == 2, "point {point}: a torn commit counts");
                let again = tokio::spawn(async move { step(&vault, cut).await }).await;
                let told_twice = matches!(cut % 6, 2..=5);
                assert_eq!(again.is_ok(), told_twice, "point {point} {leaves:?}: half of step {cut}");
            } else {
                step(&vault, cut).await;
            }
        }
    }
}

#[tokio::test]
async fn an_error_stops_the_vault_and_a_restart_knows_what_is_there() {
    let disk = Disk::default();
    let vault = create(&disk).await;
    step(&vault, 0).await;
    let before = disk.points();
    vault.set("n", &[1]).await.unwrap();
    let each = disk.points() - before;
    // A write that fails undoes the transaction, and the next one is taken.
    disk.fail_at(disk.points() + 1, Fault::Error);
    assert!(matches!(vault.set("n", &[2]).await, Err(VaultError::Storage(_))));
    assert_eq!(vault.get("n").await.unwrap().unwrap().as_slice(), [1]);
    vault.set("n", &[3]).await.unwrap();
    // A sync that fails stops everything, and yet the write may be there.
    disk.fail_at(disk.points() + each, Fault::Error);
    assert!(matches!(vault.set("n", &[4]).await, Err(VaultError::Storage(_))));
    assert!(matches!(vault.set("n", &[5]).await, Err(VaultError::Stopped(_))));
    vault.close().await.unwrap();
    let vault = open(&disk).await;
    assert_eq!(vault.get("n").await.unwrap().unwrap().as_slice(), [4]);
}

#[tokio::test]
async fn one_store_at_a_time_and_none_across_a_crash() {
    let disk = Disk::default();
    let vault = create(&disk).await;
    let second = Vault::open_on(&disk, Zeroizing::new(KEY)).await;
    assert!(matches!(second, Err(VaultError::Locked(_))));
    disk.cut_power(Leaves::Nothing);
    let again = open(&disk).await;
    assert!(matches!(vault.set("n", &[1]).await, Err(VaultError::Storage(_))));
    assert!(matches!(vault.get("n").await, Err(VaultError::Storage(_))));
    again.set("n", &[2]).await.unwrap();
    // A copy from before is an earlier time.
    let copy = disk.snapshot();
    again.set("n", &[3]).await.unwrap();
    disk.restore(&copy);
    assert_eq!(open(&disk).await.get("n").await.unwrap().unwrap().as_slice(), [2]);
}
