//! The ledger: no second payment, and that all callers of a batch get their own answer.

use super::tamper::sql;
use super::*;
use crate::Body;
use std::time::Instant;

#[tokio::test]
async fn only_what_conflicts_with_every_earlier_form_passes() {
    // (form, resources, the form that it fails to conflict with)
    type Step<'a> = (u8, &'a [u8], Option<u8>);
    let cases: [&[Step<'_>]; 7] = [
        &[(1, &[1], None), (1, &[1], None), (1, &[1], None)],
        &[(1, &[1], None), (2, &[2], Some(1))],
        &[(1, &[1], None), (2, &[1], None), (3, &[1], None)],
        // The third shares something with the second only: the first could be paid as well.
        &[(1, &[1], None), (2, &[1, 2], None), (3, &[2], Some(1)), (4, &[1], None), (3, &[2, 1], None)],
        &[
            (1, &[1, 2], None),
            (2, &[2, 3], None),
            (3, &[1, 3], None),
            (4, &[1], Some(2)),
            (4, &[2], Some(3)),
            (5, &[1, 3], None),
        ],
        // Without a resource nothing but the same form conflicts.
        &[(1, &[], None), (2, &[], Some(1)), (1, &[], None), (2, &[1], Some(1))],
        &[(1, &[1], None), (2, &[], Some(1)), (1, &[1], None)],
    ];
    for (case, steps) in cases.iter().enumerate() {
        let (_folder, path, mut vault) = fresh().await;
        let mut passed = 0;
        for (form, resources, wanted) in *steps {
            let got = vault.will_sign(will_sign(7, *form, resources)).await;
            match (got, wanted) {
                (Ok(head), None) => {
                    passed += 1;
                    assert_eq!(head.size, passed);
                }
                (Err(VaultError::NoConflict { intent, earlier, .. }), Some(wanted)) => {
                    assert_eq!((intent, earlier), (Hash([7; 32]), Hash([*wanted; 32])), "case {case}");
                }
                (got, wanted) => panic!("case {case} form {form}: {got:?}, not {wanted:?}"),
            }
            vault = reopen(vault, &path).await;
        }
        // Another intent is judged by itself.
        vault.will_sign(will_sign(8, 9, &[99])).await.unwrap();
        assert_eq!(vault.head().await.size, passed + 1);
    }
}

#[tokio::test]
async fn a_form_cannot_change_what_it_uses_up() {
    let (_folder, _path, vault) = fresh().await;
    vault.will_sign(will_sign(1, 1, &[1])).await.unwrap();
    let changed = vault.will_sign(will_sign(1, 1, &[1, 2])).await;
    assert!(matches!(changed, Err(VaultError::FormChanged { .. })));
    // The way in through `append` is the same.
    let around = vault.append(Body::WillSign(will_sign(1, 2, &[2]))).await;
    assert!(matches!(around, Err(VaultError::NoConflict { .. })));
    let forms = vault.signed_forms(&Hash([1; 32])).await.unwrap();
    assert_eq!(forms, [(0, will_sign(1, 1, &[1]))]);
}

#[tokio::test]
async fn ends_are_noted_once_and_only_of_admitted_forms() {
    let (_folder, path, vault) = fresh().await;
    let end = |intent: u8, form: u8| Body::Signed {
        intent: Hash([intent; 32]),
        form: Hash([form; 32]),
        transaction: "id".into(),
    };
    vault.will_sign(will_sign(1, 1, &[1])).await.unwrap();
    vault.will_sign(will_sign(1, 2, &[1])).await.unwrap();
    for (intent, form) in [(1, 3), (2, 1)] {
        let unknown = vault.append(end(intent, form)).await;
        assert!(matches!(unknown, Err(VaultError::NeverSigned { .. })), "{unknown:?}");
    }
    let noted = vault.append(end(1, 1)).await.unwrap();
    for _ in 0..2 {
        let again = vault.append(end(1, 1)).await;
        assert!(matches!(again, Err(VaultError::NotedBefore { sequence: 2, .. })), "{again:?}");
    }
    let vault = reopen(vault, &path).await;
    assert!(matches!(vault.append(end(1, 1)).await, Err(VaultError::NotedBefore { .. })));
    assert_eq!(vault.head().await, noted);
    // Another form of the same intent has an end of its own.
    vault.append(end(1, 2)).await.unwrap();
    assert_eq!(vault.head().await.size, 4);
}

/// Another program changes the ledger under the open vault: what one payment uses up is not taken for another's.
#[tokio::test]
async fn a_row_whose_entry_is_about_something_else_is_refused() {
    for (change, asked) in [("intent = zeroblob(32)", 0), ("form = zeroblob(32)", 1)] {
        let (_folder, path, vault) = fresh().await;
        vault.will_sign(will_sign(1, 1, &[1])).await.unwrap();
        vault.will_sign(will_sign(2, 2, &[2])).await.unwrap();
        sql(&path, &format!("UPDATE ledger SET {change} WHERE sequence = 0")).await;
        let error = vault.signed_forms(&Hash([asked; 32])).await.unwrap_err();
        let told = "the entry is about something else";
        assert!(matches!(&error, VaultError::Corrupt { problem, .. } if problem == told), "{error}");
        let error = vault.will_sign(will_sign(asked, 9, &[1])).await.unwrap_err();
        assert!(matches!(&error, VaultError::Corrupt { problem, .. } if problem == told), "{error}");
        // What was not touched goes on.
        assert_eq!(vault.signed_forms(&Hash([2; 32])).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn of_many_at_once_only_one_form_passes() {
    let (_folder, path, vault) = fresh().await;
    let tasks: Vec<_> = (0..64u8)
        .map(|n| {
            let vault = vault.clone();
            tokio::spawn(async move { vault.will_sign(will_sign(1, n, &[n])).await })
        })
        .collect();
    let mut passed = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => passed += 1,
            Err(VaultError::NoConflict { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(passed, 1);
    assert_eq!(reopen(vault, &path).await.signed_forms(&Hash([1; 32])).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_at_once_are_all_durable() {
    let (folder, path, vault) = fresh().await;
    let start = Instant::now();
    let tasks: Vec<_> = (0..1000u32)
        .map(|n| {
            let vault = vault.clone();
            let mut one = will_sign(0, 0, &[]);
            one.intent.0[..4].copy_from_slice(&n.to_be_bytes());
            tokio::spawn(async move { (one.intent, vault.will_sign(one).await) })
        })
        .collect();
    let mut acknowledged = Vec::new();
    for task in tasks {
        let (intent, answer) = task.await.unwrap();
        acknowledged.push((intent, answer.unwrap()));
    }
    let took = start.elapsed();
    println!("1000 concurrent will_sign: {took:?}, {:.0} a second", 1000.0 / took.as_secs_f64());
    // What a crash right after the last answer would leave.
    let copy = folder.path().join("copy");
    snapshot(&path, &copy);
    let crashed = Vault::open(&copy, key()).await.unwrap();
    assert_eq!(crashed.head().await.size, 1000);
    for (intent, head) in acknowledged {
        let forms = crashed.signed_forms(&intent).await.unwrap();
        assert_eq!((forms.len(), forms[0].0), (1, head.size - 1));
    }
    let start = Instant::now();
    for n in 0..50u8 {
        vault.will_sign(will_sign(1, n, &[1])).await.unwrap();
    }
    println!("one after another: {:.0} a second", 50.0 / start.elapsed().as_secs_f64());
}
