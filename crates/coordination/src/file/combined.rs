//! From files of partial signatures to a signed transaction.

use super::{FileError, MAX_FILES, PARTIAL, PartialFile, Wrong, canonical, format};
use crate::disputes::WrongPartial;
use crate::partial::Checked;
use crate::request::Item;
use crate::rpc::SignCall;
use crate::{Certificate, CombineError, KeySet, Part, Partial, combine};
use quorate_chains::{Built, RawSignature, SignedTx, Summary};
use quorate_intent::{Genesis, Hash, IntentId, approving_members};
use serde::Serialize;
use std::collections::BTreeMap;

/// A transaction that was put together from files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Combined {
    /// The intent that it carries out.
    pub intent: IntentId,
    /// What it says, decoded from its own bytes.
    pub summary: Summary,
    /// The signatures, in order of what was signed.
    pub signatures: Vec<RawSignature>,
    /// As the network takes it; every signature in it was verified.
    pub transaction: SignedTx,
    /// Hash of what exactly was signed.
    pub form: Hash,
    /// The signers.
    pub signers: Vec<String>,
    /// Whether a genesis said who the parties, the coordinator and the approvers are. Without one that is the files' own
    /// word: the transaction is still valid, but whose wallet it spends from is for the reader to know.
    pub checked_against_genesis: bool,
}

/// Checks and combines the files of one call, with no node and no gateway. `files` come with names for messages;
/// `digest` is how the session room turns (domain, digest) into what is signed.
///
/// Every file is judged by itself first: the certificate (against `genesis` when there is one), that the transaction
/// rebuilt from intent and plan gives exactly the items of the request, the coordinator's assignments, and the maker's
/// signature over everything that its partial signatures are for. So an altered file is named with its maker.
///
/// # Errors
/// [`FileError`].
pub fn combine_files(
    files: &[(String, PartialFile)],
    genesis: Option<&Genesis>,
    digest: impl Fn(&str, &[u8; 32]) -> [u8; 32],
) -> Result<Combined, FileError> {
    if files.is_empty() || files.len() > MAX_FILES {
        return Err(format(
            PARTIAL,
            format!("1 to {MAX_FILES} files can be combined, found {}", files.len()),
        ));
    }
    let mut calls: Vec<(&PartialFile, Call)> = Vec::new();
    for (name, file) in files {
        let refused =
            |problem| FileError::Refused { file: name.clone(), maker: maker(file, genesis), problem };
        let known = calls.iter().find(|(other, _)| same_call(other, file));
        if known.is_none() {
            calls.push((file, Call::open(file, genesis, &digest).map_err(refused)?));
        }
        let call = calls.iter().find(|(other, _)| same_call(other, file)).map(|(_, call)| call);
        call.map_or(Ok(()), |call| call.check_maker(file)).map_err(refused)?;
    }
    if let [(first, _), (second, _), ..] = calls.as_slice() {
        let (first, second) = (describe(files, first, genesis), describe(files, second, genesis));
        return Err(FileError::Mixed { first, second });
    }
    let by_signer = one_of_each(files, genesis)?;
    let (_, call) = calls.pop().ok_or_else(|| FileError::Other("no file".into()))?;
    call.combine(&by_signer, genesis)
}

fn same_call(a: &PartialFile, b: &PartialFile) -> bool {
    a.call == b.call && a.certificate == b.certificate && a.coordinator == b.coordinator
}

fn describe(files: &[(String, PartialFile)], file: &PartialFile, genesis: Option<&Genesis>) -> String {
    let name = files.iter().find(|(_, other)| std::ptr::eq(other, file)).map_or("a file", |(name, _)| name);
    format!("{name} of {}", maker(file, genesis))
}

fn one_of_each<'f>(
    files: &'f [(String, PartialFile)],
    genesis: Option<&Genesis>,
) -> Result<BTreeMap<u16, &'f PartialFile>, FileError> {
    let mut by_signer: BTreeMap<u16, (&String, &PartialFile)> = BTreeMap::new();
    for (name, file) in files {
        if let Some((first, _)) = by_signer.insert(file.signer.index, (name, file)) {
            let (first, second) = (first.clone(), name.clone());
            return Err(FileError::Twice { maker: maker(file, genesis), first, second });
        }
    }
    Ok(by_signer.into_iter().map(|(signer, (_, file))| (signer, file)).collect())
}

/// Whose file it is: the genesis' name for the party's key where there is one, else the file's own word.
fn maker(file: &PartialFile, genesis: Option<&Genesis>) -> String {
    let certificate = canonical::<Certificate>(PARTIAL, &file.certificate).ok();
    let index = file.signer.index;
    let named = certificate.and_then(|c| party_name(&c, index, genesis));
    named.unwrap_or_else(|| format!("party {index} ({:?} by its own word)", file.signer.name))
}

fn party_name(certificate: &Certificate, index: u16, genesis: Option<&Genesis>) -> Option<String> {
    let key = certificate.record.party(index)?;
    genesis?.party(&key).map(|party| party.name.clone())
}

/// A call whose parts were all found to fit together.
struct Call {
    certificate: Certificate,
    call: SignCall,
    keys: KeySet,
    built: Built,
    checked: Vec<Checked>,
    coordinator: quorate_intent::PublicKey,
}

impl Call {
    fn open(
        file: &PartialFile,
        genesis: Option<&Genesis>,
        digest: impl Fn(&str, &[u8; 32]) -> [u8; 32],
    ) -> Result<Self, String> {
        let (certificate, call) = file.open().map_err(text)?;
        let keys = match genesis {
            Some(genesis) => certificate.check(genesis, digest).map_err(text)?,
            None => certificate.check_parties(digest).map_err(text)?,
        };
        if let Some(genesis) = genesis {
            check_authority(genesis, &call, file)?;
        } else if let Some(bad) = call.approvals.iter().find(|approval| !approval.verifies()) {
            return Err(format!("the approval of {} does not hold", bad.approver));
        }
        let built = check_request(&certificate, &call, &keys)?;
        let checked = check_parts(&certificate, &call, &keys, &file.coordinator)?;
        Ok(Self { certificate, call, keys, built, checked, coordinator: file.coordinator })
    }

    /// One partial signature for each part, each signed by the party whose file it is said to be.
    fn check_maker(&self, file: &PartialFile) -> Result<(), String> {
        let index = file.signer.index;
        let signs = self.call.parts.iter().all(|part| part.material.signers().contains(&index));
        let key = self.certificate.record.party(index).filter(|_| signs);
        let key = key.ok_or_else(|| format!("party {index} is not among the signers of this call"))?;
        if file.partials.len() != self.checked.len() {
            let (want, found) = (self.checked.len(), file.partials.len());
            return Err(format!("it has {found} partial signatures, the call asks for {want}"));
        }
        for (at, (checked, partial)) in self.checked.iter().zip(&file.partials).enumerate() {
            if !key.verify(&checked.statement(index, &partial.body), &partial.signature) {
                return Err(format!("the maker's signature over partial signature {at} does not hold"));
            }
        }
        Ok(())
    }

    fn combine(
        &self,
        by_signer: &BTreeMap<u16, &PartialFile>,
        genesis: Option<&Genesis>,
    ) -> Result<Combined, FileError> {
        let name = |index: u16| self.name(by_signer, index, genesis);
        let record = &self.certificate.record;
        let mut signatures = Vec::new();
        for (at, part) in self.call.parts.iter().enumerate() {
            let partials: Vec<Partial> = by_signer.values().filter_map(|file| file.partial(at)).collect();
            let request = &self.call.request;
            let made = combine(record, &self.keys, &self.coordinator, request, part, &partials);
            signatures.push(made.map_err(|error| match error {
                CombineError::Missing(parties) => FileError::Missing(parties.into_iter().map(name).collect()),
                CombineError::Wrong(parties) => FileError::Wrong(self.wrong(part, &partials, &parties, name)),
                other => FileError::Other(other.to_string()),
            })?);
        }
        let attached = quorate_chains::attach(&self.built, &self.keys.wallet_key(), &signatures);
        let transaction = attached.map_err(|error| FileError::Other(error.to_string()))?;
        Ok(Combined {
            intent: self.call.intent.intent.id(),
            summary: self.built.summary.clone(),
            signatures,
            transaction,
            form: Hash(self.built.form),
            signers: by_signer.keys().copied().map(name).collect(),
            checked_against_genesis: genesis.is_some(),
        })
    }

    /// The wrong partial signatures of one part, each as evidence.
    fn wrong(
        &self,
        part: &Part,
        partials: &[Partial],
        parties: &[u16],
        name: impl Fn(u16) -> String,
    ) -> Vec<Wrong> {
        let record = &self.certificate.record;
        let found = partials.iter().filter(|partial| parties.contains(&partial.signer));
        let evidence = |partial: &Partial| {
            Some(Wrong {
                maker: name(partial.signer),
                accused: record.party(partial.signer)?,
                shown: Box::new(WrongPartial {
                    coordinator: self.coordinator,
                    request: self.call.request.clone(),
                    part: part.clone(),
                    partial: partial.clone(),
                }),
                record: Box::new(record.clone()),
            })
        };
        found.filter_map(evidence).collect()
    }

    fn name(&self, files: &BTreeMap<u16, &PartialFile>, index: u16, genesis: Option<&Genesis>) -> String {
        let file = files.get(&index);
        file.map(|file| maker(file, genesis))
            .or_else(|| party_name(&self.certificate, index, genesis))
            .unwrap_or_else(|| format!("party {index}"))
    }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

/// What only a genesis can tell: who coordinates, who may ask, who approves.
fn check_authority(genesis: &Genesis, call: &SignCall, file: &PartialFile) -> Result<(), String> {
    if file.coordinator != genesis.gateway {
        return Err("its coordinator is not the one of the genesis".into());
    }
    if call.request.policy != genesis.hash() {
        return Err("the signing request is under another genesis".into());
    }
    call.intent.intent.check_form(genesis).map_err(text)?;
    call.intent.check_signature(genesis).map_err(text)?;
    let (intent, approvals) = (&call.intent.intent, &call.approvals);
    let ruling = quorate_policy::Ruling::of(genesis).map_err(text)?;
    if ruling.own().is_some() {
        // What a policy makes of them depends on time and on past spending; that they are genuine does not.
        let votes =
            quorate_policy::Votes::collect(&intent.hash(), &intent.initiator, ruling.directory(), approvals);
        return votes.map(|_| ()).map_err(text);
    }
    approving_members(&genesis.approvers, "approvers", intent, approvals).map_err(text)?;
    Ok(())
}

/// The request is for exactly the transaction that intent and plan give.
fn check_request(certificate: &Certificate, call: &SignCall, keys: &KeySet) -> Result<Built, String> {
    let body = &call.intent.intent.body;
    let wallet = body.signing_wallet().ok_or("the intent has nothing signed on a chain")?;
    let record = &certificate.record;
    let request = &call.request;
    let built = quorate_chains::build_body(&keys.wallet_key(), body, &call.plan).map_err(text)?;
    let items = Item::all(keys, &built).map_err(text)?;
    for (what, same) in [
        ("wallet", request.wallet == record.wallet && wallet == record.wallet),
        ("epoch", request.record == record.hash()),
        ("intent", request.intent == call.intent.intent.hash()),
        ("list of what is signed", request.items == items),
        ("number of parts", call.parts.len() == items.len()),
    ] {
        if !same {
            return Err(format!("the request's {what} is not what intent, plan and certificate give"));
        }
    }
    Ok(built)
}

/// Every part is the coordinator's assignment of its item, to one set of signers.
fn check_parts(
    certificate: &Certificate,
    call: &SignCall,
    keys: &KeySet,
    coordinator: &quorate_intent::PublicKey,
) -> Result<Vec<Checked>, String> {
    let mut all = Vec::new();
    for (at, part) in call.parts.iter().enumerate() {
        if !part.assignment.verifies(coordinator) {
            return Err(format!("the assignment of part {at} is not signed by the coordinator"));
        }
        if part.assignment.assignment.index as usize != at {
            return Err("the parts are not in the order of the items".into());
        }
        let checked = part.check(keys, &certificate.record.parties, &call.request).map_err(text)?;
        all.push(checked);
    }
    Ok(all)
}
