//! Crashes: what was acknowledged is there afterwards, and nothing is half there.

use super::*;
use crate::Body;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What must be equal before a crash and after it.
pub async fn state(vault: &Vault) -> String {
    let mut text = format!("{:?}", vault.head().await);
    for wallet in vault.wallets().await.unwrap() {
        let active = vault.active(&wallet).await.unwrap().map(|s| (s.attempt, hex::encode(&*s.secret)));
        let pendings = vault.pendings(&wallet).await.unwrap();
        let pendings: Vec<_> = pendings.iter().map(|s| (s.attempt, hex::encode(&*s.secret))).collect();
        let order = vault.accepted_order(&wallet).await.unwrap();
        let certificate = vault.certificate(&wallet).await.unwrap();
        text.push_str(&format!("{wallet} {active:?} {pendings:?} {order:?} {certificate:?}"));
    }
    let setting = vault.get("n").await.unwrap().map(|value| value.to_vec());
    let disputes = vault.disputes(0, 100).await.unwrap();
    format!("{text} {setting:?} {disputes:?} {:?}", vault.signed_forms(&Hash([1; 32])).await.unwrap())
}

/// One step of a life; each is one durable write.
pub async fn step(vault: &Vault, n: u32) {
    let tried = n / 6 + 1;
    match n % 6 {
        0 => accept(vault, WALLET, 2, tried, Hash([1; 32])).await.unwrap(),
        1 => put(vault, WALLET, share(attempt(2, tried, 1), &[n as u8; 300])).await.unwrap(),
        2 => drop(vault.activate(WALLET, attempt(2, tried, 1), vec![n as u8; 99]).await.unwrap()),
        3 => drop(vault.will_sign(will_sign(1, n as u8, &[1])).await.unwrap()),
        4 => vault.set("n", &n.to_be_bytes()).await.unwrap(),
        _ => drop(vault.append(Body::Unlocked).await.unwrap()),
    }
}

/// The folder as it is after every acknowledged write, and with the write-ahead log cut off at many places, which is
/// how a power loss in the middle of the next write looks.
#[tokio::test]
async fn every_crash_point_gives_a_state_that_was() {
    let (folder, path, vault) = fresh().await;
    let mut states = vec![state(&vault).await];
    let mut copies = 0;
    for n in 0..24 {
        step(&vault, n).await;
        states.push(state(&vault).await);
        let log = std::fs::read(path.join("vault.db-wal")).unwrap();
        // A frame is 24 + 4096 bytes after a header of 32.
        let mut cuts: Vec<usize> =
            (0..log.len()).step_by(4120).flat_map(|at| [at, at + 32, at + 2000]).collect();
        cuts.retain(|cut| *cut < log.len());
        // Only the last frames are new; older cuts were tried at earlier steps.
        let skip = cuts.len().saturating_sub(8);
        for cut in cuts.into_iter().skip(skip).chain([log.len()]) {
            let copy = folder.path().join(format!("copy{copies}"));
            copies += 1;
            snapshot(&path, &copy);
            std::fs::write(copy.join("vault.db-wal"), &log[..cut]).unwrap();
            let crashed = Vault::open(&copy, key()).await.unwrap();
            let found = state(&crashed).await;
            if cut == log.len() {
                assert_eq!(&found, states.last().unwrap(), "step {n}");
            } else {
                assert!(states.contains(&found), "step {n}, cut at {cut} of {}", log.len());
            }
            crashed.append(Body::Unlocked).await.unwrap();
            crashed.close().await.unwrap();
            std::fs::remove_dir_all(&copy).unwrap();
        }
    }
    assert!(copies > 100, "{copies}");
}

const CHILD: &str = "QUORATE_VAULT_TEST_CHILD";

/// The child of the test below: writes from several tasks and says what was acknowledged. Does nothing by itself.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let vault = Vault::open(Path::new(&path), key()).await.unwrap();
        let boot = vault.count("boot").await.unwrap();
        let writer = |task: u8| {
            let vault = vault.clone();
            async move {
                for n in 0u32.. {
                    let mut one = will_sign(0, 0, &[task]);
                    one.intent.0[..8].copy_from_slice(&boot.to_be_bytes());
                    one.intent.0[8] = task;
                    one.form.0[..4].copy_from_slice(&n.to_be_bytes());
                    // A few forms for each intent, as retries would make them.
                    one.intent.0[9..13].copy_from_slice(&(n / 3).to_be_bytes());
                    let (intent, form) = (one.intent, one.form);
                    let head = vault.will_sign(one).await.unwrap();
                    // One write to the pipe, so that no line is torn.
                    println!("ack {intent} {form} {}", head.size - 1);
                }
            }
        };
        let tasks: Vec<_> = (0..4).map(|task| tokio::spawn(writer(task))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let (_folder, path, vault) = fresh().await;
    vault.close().await.unwrap();
    let mut acknowledged = 0u64;
    for round in 0..30u64 {
        let test = "tests::crash::child_that_writes_until_it_is_killed";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let lines = std::thread::spawn(move || {
            let mut lines = Vec::new();
            let mut reader = BufReader::new(output);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|n| n > 0) {
                // A line without its end was cut off by the kill.
                if line.ends_with('\n') && line.starts_with("ack ") {
                    lines.push(line.trim_end().to_owned());
                }
                line.clear();
            }
            lines
        });
        // Any moment from unlocking on.
        let wait = 40 + (round * 7919) % 180;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let lines = lines.join().unwrap();

        let vault = Vault::open(&path, key()).await.unwrap();
        assert_eq!(vault.verify_log().await.unwrap(), vault.head().await);
        for line in &lines {
            let fields: Vec<&str> = line.split(' ').collect();
            let (intent, form): (Hash, Hash) = (fields[1].parse().unwrap(), fields[2].parse().unwrap());
            let sequence: u64 = fields[3].parse().unwrap();
            let forms = vault.signed_forms(&intent).await.unwrap();
            assert!(forms.iter().any(|(at, one)| (*at, one.form) == (sequence, form)), "{line}");
        }
        acknowledged += lines.len() as u64;
        assert!(vault.head().await.size >= acknowledged);
        vault.close().await.unwrap();
    }
    println!("30 kills, {acknowledged} acknowledged entries, all there");
    assert!(acknowledged > 100, "the child hardly wrote: {acknowledged}");
}
