//! Parties that lie (docs/spec §5): each fault is named or draws an edge, honest parties are never blamed, and the
//! transaction is signed with the others.

use anyhow::{Context, Result, ensure};
use quorate_client::api::{DisputeKind, DisputesView};
use quorate_e2e::cluster::{How, node_name};
use quorate_e2e::{Cluster, Wallet, program};
use quorate_intent::Suite;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// What is to come of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Evidence condemns the cheater.
    Condemned,
    /// A hard edge stands between it and another.
    Edge,
    /// A soft edge, or nothing that lasts: it looks like bad luck.
    Soft,
}

use Fate::{Condemned, Edge, Soft};

/// Faults of presigning, by round; the batch has `stock` elements or one. A hello or a message that is withheld costs the
/// others a time-out, so quick runs have few of them.
const PRESIGN: [(&str, Fate); 8] = [
    ("presign 1 broadcast flip 0", Condemned),
    ("presign 1 broadcast flip 32", Edge),
    ("presign 1 private flip 100", Edge),
    ("presign 2 broadcast flip 32", Condemned),
    ("presign 2 private flip 100", Edge),
    ("presign 3 broadcast flip 64", Condemned),
    ("presign 4 broadcast flip 32", Soft),
    ("presign 2 broadcast equivocate", Condemned),
];

const PRESIGN_LONG: [(&str, Fate); 16] = [
    ("presign 0 hello withhold", Soft),
    ("presign 1 broadcast withhold", Soft),
    ("presign 1 private withhold", Soft),
    ("presign 2 broadcast withhold", Soft),
    ("presign 2 private withhold", Soft),
    ("presign 3 broadcast withhold", Soft),
    ("presign 4 broadcast withhold", Soft),
    ("presign 4 echo withhold", Soft),
    ("presign 1 broadcast equivocate", Condemned),
    ("presign 3 broadcast equivocate", Condemned),
    ("presign 4 broadcast equivocate", Condemned),
    ("presign 4 echo flip 3", Soft),
    ("presign 2 broadcast flip 0", Soft),
    ("presign 3 broadcast flip 32", Soft),
    ("presign 2 broadcast flip 128", Soft),
    ("presign 1 private unsign", Soft),
];

const PAIR: [(&str, Fate); 2] = [("pair 1 private flip 40", Edge), ("pair 2 private flip 0", Edge)];
/// A spoilt correction of a tree shows only to a receiver whose choice leads there, half of the time (§4.1): then an edge.
const PAIR_LONG: [(&str, Fate); 3] =
    [("pair 2 private flip 40", Soft), ("pair 1 private withhold", Soft), ("pair 2 private withhold", Soft)];

/// Faults of the one-message step, with the place of a byte of each suite's scalars.
const SIGN: [(&str, Fate); 4] = [
    ("sign 0 partial flip 31", Condemned),
    ("sign 0 partial unsign", Soft),
    ("sign 0 partial withhold", Soft),
    ("report 0 report unsign", Edge),
];

struct Scene {
    cluster: Cluster,
    cheaters: Vec<String>,
}

impl Scene {
    async fn new(n: usize, cheaters: usize, stock: usize) -> Result<Self> {
        program::faulty()?;
        let cluster = Cluster::start_as(n, How { cheaters, stock: Some(stock), ..How::default() }).await?;
        let cheaters = cluster.cheaters().into_iter().map(node_name).collect();
        Ok(Self { cluster, cheaters })
    }

    async fn disputes(&self) -> Result<DisputesView> {
        Ok(self.cluster.client()?.api.disputes(1).await?)
    }

    /// §5.4: whatever stands, a cheater stands in it.
    async fn nobody_innocent(&self) -> Result<DisputesView> {
        let view = self.disputes().await?;
        let cheat = |name: &String| self.cheaters.contains(name);
        ensure!(view.condemned.iter().all(cheat), "an honest party is condemned: {view:?}");
        ensure!(
            view.apart.iter().all(|pair| pair.iter().any(cheat)),
            "an edge between honest parties: {view:?}"
        );
        for item in &view.items {
            let fits = match item.kind {
                DisputeKind::Condemned => cheat(&item.accused),
                _ => cheat(&item.accused) || cheat(&item.reporter),
            };
            ensure!(fits, "an honest party is blamed: {item:?}");
        }
        Ok(view)
    }

    /// Whether something stands against this node.
    fn stands(view: &DisputesView, cheater: &str, fate: Fate) -> bool {
        match fate {
            Condemned => view.condemned.iter().any(|name| name == cheater),
            Edge => view.apart.iter().any(|pair| pair.iter().any(|name| name == cheater)),
            Soft => true,
        }
    }

    /// Signs in spite of a fault, and sees that it came to what it should.
    async fn case(&self, wallet: &Wallet, cheater: usize, fault: &str, fate: Fate) -> Result<()> {
        let began = Instant::now();
        let signed = self.cluster.sign(wallet).await.with_context(|| fault.to_owned())?;
        let took = began.elapsed();
        let name = node_name(cheater);
        // Reports of who was not asked again come a little later.
        let mut view = self.nobody_innocent().await.with_context(|| fault.to_owned())?;
        for _ in 0..100 {
            if Self::stands(&view, &name, fate) {
                break;
            }
            sleep(Duration::from_millis(100)).await;
            view = self.nobody_innocent().await.with_context(|| fault.to_owned())?;
        }
        ensure!(Self::stands(&view, &name, fate), "{fault}: {name} is not {fate:?}: {view:?}");
        let signers = signed.view.transaction.context("transaction")?.signers;
        println!("{fault:<34} {fate:?}, signed in {took:.1?} by {}", signers.join(", "));
        Ok(())
    }
}

/// One fault after another, each by a cheater of its own in a 2-of-3 wallet with the same two honest parties.
async fn each_alone(suite: Suite, stock: usize, faults: &[(&str, Fate)]) -> Result<()> {
    for some in faults.chunks(6) {
        let scene = Scene::new(2 + some.len(), some.len(), stock).await?;
        let (cheaters, honest) = (scene.cluster.cheaters(), scene.cluster.honest());
        for (cheater, (fault, fate)) in cheaters.into_iter().zip(some) {
            let wallet = scene.cluster.wallet(suite, 2, &[cheater, honest[0], honest[1]]).await?;
            if stock > 0 {
                scene.full(&wallet, stock).await?;
            }
            scene.cluster.lie(cheater, fault)?;
            scene.case(&wallet, cheater, fault, *fate).await?;
            scene.cluster.lie(cheater, "")?;
        }
    }
    Ok(())
}

impl Scene {
    /// Waits until a wallet's stock is filled.
    async fn full(&self, wallet: &Wallet, stock: usize) -> Result<()> {
        let line = format!("quorate_stock{{wallet=\"{}\"", wallet.id);
        for _ in 0..300 {
            let metrics = self.cluster.metrics().await?;
            let levels = metrics.lines().filter(|found| found.starts_with(&line));
            let levels: Vec<usize> =
                levels.filter_map(|found| found.rsplit(' ').next()?.parse().ok()).collect();
            if levels.iter().any(|level| *level >= stock) {
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("the stock was not filled")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lies_in_presigning_are_named_and_others_sign() -> Result<()> {
    let faults =
        if quorate_e2e::long() { [&PRESIGN[..], &PRESIGN_LONG].concat() } else { PRESIGN[..6].to_vec() };
    each_alone(Suite::Ecdsa, 0, &faults).await
}

#[tokio::test(flavor = "multi_thread")]
async fn lies_in_pair_set_up_draw_an_edge_and_others_sign() -> Result<()> {
    let faults = if quorate_e2e::long() { [&PAIR[..], &PAIR_LONG].concat() } else { PAIR.to_vec() };
    each_alone(Suite::Ecdsa, 0, &faults).await
}

#[tokio::test(flavor = "multi_thread")]
async fn lies_in_signing_are_named_and_others_sign() -> Result<()> {
    for (suite, stock) in [(Suite::Ecdsa, 2), (Suite::Bip340, 2), (Suite::Ed25519, 0)] {
        each_alone(suite, stock, &SIGN).await.with_context(|| suite.to_string())?;
    }
    if quorate_e2e::long() {
        for (suite, stock) in [(Suite::Ecdsa, 0), (Suite::Bip340, 0), (Suite::Ed25519, 2)] {
            each_alone(suite, stock, &SIGN).await.with_context(|| suite.to_string())?;
        }
    }
    Ok(())
}

/// Who lies while a key is made is named, and the key is made without it.
#[tokio::test(flavor = "multi_thread")]
async fn lies_in_generating_are_named() -> Result<()> {
    let all = [
        ("generate 2 broadcast flip 1", Condemned),
        ("generate 1 broadcast flip 0", Condemned),
        ("generate 2 broadcast equivocate", Condemned),
        ("generate 3 private flip 31", Edge),
    ];
    // Each costs the time-outs of an order's four tries.
    let faults = if quorate_e2e::long() { all.to_vec() } else { all[..1].to_vec() };
    let scene = Scene::new(2 + faults.len(), faults.len(), 0).await?;
    let (cheaters, honest) = (scene.cluster.cheaters(), scene.cluster.honest());
    for (cheater, (fault, fate)) in cheaters.into_iter().zip(faults.iter().copied()) {
        scene.cluster.lie(cheater, fault)?;
        let made = scene.cluster.wallet(Suite::Ed25519, 2, &[cheater, honest[0], honest[1]]).await;
        ensure!(made.is_err(), "{fault}: a key was made");
        let mut view = scene.nobody_innocent().await?;
        for _ in 0..100 {
            if Scene::stands(&view, &node_name(cheater), fate) {
                break;
            }
            sleep(Duration::from_millis(100)).await;
            view = scene.nobody_innocent().await?;
        }
        ensure!(Scene::stands(&view, &node_name(cheater), fate), "{fault}: not {fate:?}: {view:?}");
        println!("{fault:<34} {fate:?}");
    }
    let wallet = scene.cluster.wallet(Suite::Ed25519, 2, &honest).await?;
    scene.cluster.sign(&wallet).await?;
    Ok(())
}

/// As many cheaters as leave t honest, all lying alike.
async fn many(suite: Suite, (t, n): (u16, usize), stock: usize, fault: &str) -> Result<()> {
    let cheaters = n - usize::from(t);
    let scene = Scene::new(n, cheaters, stock).await?;
    let wallet = scene.cluster.wallet(suite, t, &(0..n).collect::<Vec<_>>()).await?;
    if stock > 0 {
        scene.full(&wallet, stock).await?;
    }
    for cheater in scene.cluster.cheaters() {
        scene.cluster.lie(cheater, fault)?;
    }
    let began = Instant::now();
    let what = format!("{t}-of-{n} {suite}, stock {stock}, {cheaters} times {fault:?}");
    for _ in 0..2 {
        let signed = scene.cluster.sign(&wallet).await.with_context(|| what.clone())?;
        let signers = signed.view.transaction.context("transaction")?.signers;
        ensure!(signers.len() == usize::from(t), "{what}: {signers:?}");
        scene.nobody_innocent().await.with_context(|| what.clone())?;
    }
    println!("{what}: two signed in {:.1?}", began.elapsed());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_liars_as_leave_t_honest_stop_nobody() -> Result<()> {
    many(Suite::Ecdsa, (3, 5), 0, "presign 1 private flip 100").await?;
    many(Suite::Bip340, (3, 7), 2, "sign 0 partial flip 31").await?;
    if !quorate_e2e::long() {
        return Ok(());
    }
    let presign = [PRESIGN.as_slice(), &PRESIGN_LONG, &PAIR, &PAIR_LONG].concat();
    for shape in [(2, 3), (3, 5), (3, 7)] {
        for (fault, _) in SIGN {
            for suite in [Suite::Ecdsa, Suite::Bip340, Suite::Ed25519] {
                for stock in [0, 2] {
                    many(suite, shape, stock, fault).await?;
                }
            }
        }
        for (fault, _) in &presign {
            many(Suite::Ecdsa, shape, 0, fault).await?;
        }
    }
    Ok(())
}

/// The program that ships cannot be told to lie: the switch is not in it.
#[test]
fn what_ships_has_no_fault_switch() -> Result<()> {
    let mark = b"quorate-fault-injection is built in";
    let holds = |path: &std::path::Path| -> Result<bool> {
        let bytes = std::fs::read(path)?;
        Ok(bytes.windows(mark.len()).any(|window| window == mark))
    };
    ensure!(!holds(program::program()?)?, "the default build can be told to lie");
    // Without this the first check could not fail.
    ensure!(holds(program::faulty()?)?, "the faulty node does not say what it is");
    Ok(())
}
