//! `cargo test --release -p quorate-protocols ot::tests::timing -- --ignored --nocapture`

use super::*;
use std::println;
use std::time::{Duration, Instant};

/// The fastest of several runs: what the work takes when nothing else wants the processor.
fn best(runs: Vec<Duration>) -> Duration {
    runs.into_iter().min().unwrap()
}

#[test]
#[ignore = "prints figures; run it alone in a release build"]
fn timing() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (one, two) = contexts(9);
    let mut parts = [const { Vec::new() }; 4];
    for _ in 0..21 {
        let at = Instant::now();
        let (s1, m1) = start(&one, &mut rng);
        parts[0].push(at.elapsed());
        let (s2, m2) = start(&two, &mut rng);
        let (m1, m2) = (m1.encode(), m2.encode());
        let at = Instant::now();
        let m2 = PairMsg1::decode(&m2, ()).unwrap();
        parts[1].push(at.elapsed());
        let at = Instant::now();
        let (s1, n1) = respond(s1, &m2).unwrap();
        parts[2].push(at.elapsed());
        let (s2, n2) = respond(s2, &PairMsg1::decode(&m1, ()).unwrap()).unwrap();
        let at = Instant::now();
        finish(s1, &n2).unwrap();
        parts[3].push(at.elapsed());
        finish(s2, &n1).unwrap();
    }
    let parts = parts.map(best);
    println!("k = {}", ggm::K);
    println!(
        "set-up, one party, both directions: {:?} (start {:?}, decode {:?}, respond {:?}, finish {:?}), sends {} + {} bytes",
        parts.iter().sum::<Duration>(),
        parts[0],
        parts[1],
        parts[2],
        parts[3],
        PairMsg1::BYTES,
        PairMsg2::BYTES
    );
    for count in [1, 64] {
        let (mut sender, mut receiver) = set_up(1);
        let mut parts = [const { Vec::new() }; 3];
        for number in 0..if count == 1 { 101u8 } else { 11 } {
            let inputs = inputs(count, &mut rng);
            let at = Instant::now();
            let (state, request) = ole::receive_start(&mut receiver, &[number; 32], count, &mut rng).unwrap();
            parts[0].push(at.elapsed());
            let at = Instant::now();
            let (reply, _) = ole::send(&mut sender, &[number; 32], &request, &inputs, &mut rng).unwrap();
            parts[1].push(at.elapsed());
            let at = Instant::now();
            ole::receive_finish(&mut receiver, state, &reply).unwrap();
            parts[2].push(at.elapsed());
        }
        let each = parts.map(|runs| best(runs) / count as u32);
        println!(
            "OLE, one direction, count {count}: {:?} each (receive_start {:?}, send {:?}, receive_finish {:?}), request {} B, reply {} B each",
            each.iter().sum::<Duration>(),
            each[0],
            each[1],
            each[2],
            OleRequest::encoded_len(count) / count,
            OleReply::encoded_len(count) / count
        );
    }
}
