//! Files and API objects, which are JSON: what is read, written and read again is the same.

use quorate_coordination::api;
use quorate_coordination::{CallFile, EvidenceFile, PartialFile, combine_files};
use quorate_session::statement_digest;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn again<T: Serialize + DeserializeOwned + PartialEq>(value: &T) {
    let json = serde_json::to_vec(value).unwrap_or_default();
    assert!(serde_json::from_slice::<T>(&json).is_ok_and(|read| read == *value), "JSON says something else");
}

/// A file that asks a signer.
pub fn call(bytes: &[u8]) -> bool {
    let Ok(file) = CallFile::decode(bytes) else { return false };
    again(&file);
    let _ = file.open();
    true
}

/// A file of partial signatures, combined by itself.
pub fn partial(bytes: &[u8]) -> bool {
    let Ok(file) = PartialFile::decode(bytes) else { return false };
    again(&file);
    let genesis = crate::seeds::scene::genesis();
    let _ = combine_files(&[("a.json".to_owned(), file)], Some(&genesis), statement_digest);
    true
}

/// A file of evidence, judged.
pub fn evidence(bytes: &[u8]) -> bool {
    let Ok(file) = EvidenceFile::decode(bytes) else { return false };
    again(&file);
    if let Ok((report, record)) = file.open() {
        let _ = quorate_ceremonies::judge(&report, &report.accusation.cluster, &|_| record.clone());
    }
    true
}

/// Every object that the API takes or gives.
pub fn objects(bytes: &[u8]) -> bool {
    fn one<T: Serialize + DeserializeOwned + PartialEq>(bytes: &[u8]) -> bool {
        let Ok(value) = serde_json::from_slice::<T>(bytes) else { return false };
        again(&value);
        true
    }
    let read = [
        one::<api::NewIntent>(bytes),
        one::<api::NewPlan>(bytes),
        one::<api::NewTransaction>(bytes),
        one::<api::NewSigningCall>(bytes),
        one::<api::Funding>(bytes),
        one::<api::IntentView>(bytes),
        one::<api::WalletView>(bytes),
        one::<api::Cluster>(bytes),
        one::<api::CertificateView>(bytes),
        one::<api::SigningCallView>(bytes),
        one::<api::Problem>(bytes),
        one::<quorate_intent::Approval>(bytes),
        one::<quorate_intent::SignedIntent>(bytes),
    ];
    read.contains(&true)
}
