//! Signed notes and checkpoints: a published note verifies, each altered byte does not, and a forked log finds no witness.

use ed25519_dalek::SigningKey;
use quorate_audit::checkpoint::{cosign, follow, verify_cosignatures};
use quorate_audit::{AuditError, Checkpoint, KeyType, Note, NoteKey, Tree};
use quorate_intent::{Hash, keys};

const TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
/// The example of the Go checksum database's package `note`, whose format the specification describes.
const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const SIGNATURE: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn secret(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn key(name: &str, seed: u8, kind: KeyType) -> NoteKey {
    NoteKey::new(name, keys::public(&secret(seed)), kind).unwrap()
}

#[test]
fn a_published_note_verifies() {
    let text = format!("{TEXT}\n{SIGNATURE}");
    let note = Note::parse(&text).unwrap();
    assert_eq!(note.text, TEXT);
    let key = NoteKey::parse(VKEY).unwrap();
    assert_eq!(key.vkey(), VKEY);
    note.verify(&key).unwrap();
    assert_eq!(note.encode(), text);
}

#[test]
fn altered_notes_do_not_verify() {
    let text = format!("{TEXT}\n{SIGNATURE}");
    let key = NoteKey::parse(VKEY).unwrap();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(bad) = String::from_utf8(bytes) else { continue };
        assert!(Note::parse(&bad).and_then(|note| note.verify(&key)).is_err(), "byte {at}: {bad}");
    }
    // One good signature does not save a bad one in the same name.
    let mut note = Note::parse(&text).unwrap();
    let mut twice = note.signatures[0].clone();
    twice.bytes[0] ^= 1;
    note.signatures.push(twice);
    assert!(note.verify(&key).unwrap_err().to_string().contains("does not verify"));
    // Strangers' signatures are ignored.
    let mut note = Note::parse(&text).unwrap();
    note.sign(&self::key("stranger", 3, KeyType::Plain), &secret(4));
    note.verify(&key).unwrap();
}

#[test]
fn what_is_no_note_is_refused() {
    for bad in [
        "",
        "text\n",
        "text\n\n",
        "text\n\nno dash\n",
        "text\n\n\u{2014} name\n",
        "text\n\n\u{2014} name AAAA\u{2014}\n",
        "text\n\n\u{2014} name AAA=",
        "text\n\n\u{2014} name AAA=\n",
        "text\n\n\u{2014} na+me AAAAAAAA\n",
        "text\n\n\u{2014} name AAAAAAB=\n",
        "te\txt\n\n\u{2014} name AAAAAAAA\n",
        "te\r\nxt\n\n\u{2014} name AAAAAAAA\n",
    ] {
        assert!(matches!(Note::parse(bad), Err(AuditError::Note(_))), "{bad:?}");
    }
    assert!(Note::parse("text\n\n\u{2014} name AAAAAAAA\n").is_ok());
    let line = "\u{2014} name AAAAAAAA\n";
    assert!(Note::parse(&format!("t\n\n{}", line.repeat(64))).is_ok());
    assert!(Note::parse(&format!("t\n\n{}", line.repeat(65))).is_err());
    assert!(Note::parse(&"x".repeat(64 * 1024 + 1)).is_err());
    for bad in ["", "a", "a+b", "a+c74f20a3+ARpc", "a+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"]
    {
        assert!(NoteKey::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_checkpoint_has_one_text() {
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let checkpoint = Checkpoint::parse(text).unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size()), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.text(), text);
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    for bad in [
        format!("a\n1\n{root}"),
        format!("a\n01\n{root}\n"),
        format!("a\n+1\n{root}\n"),
        format!("a\n18446744073709551616\n{root}\n"),
        format!("\n1\n{root}\n"),
        format!("cosignature/v1\n1\n{root}\n"),
        format!("a\n1\n{root}\nmore\n"),
        "a\n1\nAAAA\n".to_owned(),
        format!("a\n1\n{}\n", root.replace("2I=", "2J=")),
    ] {
        assert!(Checkpoint::parse(&bad).is_err(), "{bad:?}");
    }
}

/// A log of so many entries; from entry 5 on, the forked one goes its own way.
fn tree(size: u64, forked: bool) -> Tree {
    let mut tree = Tree::new();
    for n in 0..size {
        tree.append(&if forked && n >= 5 { [9; 8] } else { n.to_be_bytes() });
    }
    tree
}

fn signed(tree: &Tree, size: u64) -> Note {
    let checkpoint = Checkpoint::new("node1", size, tree.root(size).unwrap()).unwrap();
    checkpoint.sign(&key("node1", 1, KeyType::Plain), &secret(1)).unwrap()
}

#[test]
fn witnesses_cosign_what_continues_and_nothing_else() {
    let (log, honest, forked) = (key("node1", 1, KeyType::Plain), tree(9, false), tree(9, true));
    let first = follow(None, &signed(&honest, 6), &log, &[]).unwrap();
    let proof = honest.consistency(6, 9).unwrap();
    let second = follow(Some(&first), &signed(&honest, 9), &log, &proof).unwrap();
    assert_eq!(second.size(), 9);
    // The same again, back, another log, another key, and a fork.
    assert_eq!(follow(Some(&second), &signed(&honest, 9), &log, &[]).unwrap(), second);
    let proofs = |error: Result<Checkpoint, AuditError>| {
        assert!(matches!(error, Err(AuditError::Proof(_))), "{error:?}")
    };
    proofs(follow(Some(&second), &signed(&honest, 6), &log, &proof));
    proofs(follow(Some(&first), &signed(&forked, 9), &log, &forked.consistency(6, 9).unwrap()));
    proofs(follow(Some(&first), &signed(&forked, 6), &log, &[]));
    let other = key("node2", 2, KeyType::Plain);
    assert!(follow(Some(&first), &signed(&honest, 9), &other, &proof).is_err());
    let renamed = Checkpoint::new("node2", 9, honest.root(9).unwrap()).unwrap();
    let note = renamed.sign(&log, &secret(1)).unwrap();
    assert!(follow(Some(&first), &note, &log, &proof).unwrap_err().to_string().contains("not of node1"));
    // A witness's key does not sign a log.
    assert!(Checkpoint::open(&signed(&honest, 9), &key("node1", 1, KeyType::Cosignature)).is_err());
}

#[test]
fn cosignatures_are_counted_by_witness() {
    let log = key("node1", 1, KeyType::Plain);
    let witness = |name: &str, seed| key(name, seed, KeyType::Cosignature);
    let witnesses = [witness("node2", 2), witness("node3", 3), witness("node4", 4)];
    let mut note = signed(&tree(9, false), 9);
    assert!(verify_cosignatures(&note, &witnesses, 1).unwrap_err().to_string().contains("0 of 1"));
    cosign(&mut note, &witnesses[0], &secret(2), 1_000);
    cosign(&mut note, &witnesses[1], &secret(3), 1_001);
    // Twice counts once, at the later time; a stranger does not count.
    cosign(&mut note, &witnesses[1], &secret(3), 1_002);
    cosign(&mut note, &witness("stranger", 9), &secret(9), 1_003);
    let note = Note::parse(&note.encode()).unwrap();
    let seen = verify_cosignatures(&note, &witnesses, 2).unwrap();
    let names: Vec<(&str, u64)> = seen.iter().map(|seen| (seen.witness.as_str(), seen.time)).collect();
    assert_eq!(names, [("node2", 1_000), ("node3", 1_002)]);
    assert!(verify_cosignatures(&note, &witnesses, 3).is_err());
    assert!(verify_cosignatures(&note, std::slice::from_ref(&log), 0).is_err());
    Checkpoint::open(&note, &log).unwrap();
    // A witness listed twice counts once.
    let twice = [witnesses[0].clone(), witnesses[0].clone()];
    assert_eq!(verify_cosignatures(&note, &twice, 1).unwrap().len(), 1);
    // Another time, another text, another signer: each spoils it.
    for at in 0..72 {
        let mut bad = note.clone();
        bad.signatures[1].bytes[at] ^= 1;
        assert!(verify_cosignatures(&bad, &witnesses, 0).is_err(), "byte {at}");
    }
    let mut moved = signed(&tree(9, false), 8);
    moved.signatures.extend(note.signatures[1..].iter().cloned());
    assert!(verify_cosignatures(&moved, &witnesses, 0).is_err());
    let mut forged = signed(&tree(9, false), 9);
    cosign(&mut forged, &witnesses[0], &secret(3), 1);
    assert!(verify_cosignatures(&forged, &witnesses, 0).is_err());
    let mut late = signed(&tree(9, false), 9);
    cosign(&mut late, &witnesses[0], &secret(2), 1 << 63);
    assert!(verify_cosignatures(&late, &witnesses, 0).is_err());
}

/// The message of a cosignature, byte for byte, with the specification's example of its layout.
#[test]
fn the_cosigned_message_is_the_specified_one() {
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let mut note = Note::new(text).unwrap();
    let witness = key("witness.example.com/w1", 7, KeyType::Cosignature);
    cosign(&mut note, &witness, &secret(7), 1_679_315_147);
    let message = format!("cosignature/v1\ntime 1679315147\n{text}");
    let signature = ed25519_dalek::Signer::sign(&secret(7), message.as_bytes());
    let line = &note.signatures[0];
    assert_eq!(line.bytes, [&1_679_315_147u64.to_be_bytes()[..], &signature.to_bytes()].concat());
    assert_eq!(line.id, witness.id());
    assert!(matches!(Checkpoint::new("cosignature/v1", 1, Hash([0; 32])), Err(AuditError::Note(_))));
}
