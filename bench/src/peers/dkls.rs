//! `dkls23-core`: distributed key generation with its pair set-up, and the four phases of a signature.

use crate::race::Wire;
use crate::{BenchError, Setting};
use dkls23_core::protocols::dkg::{
    BroadcastDerivationPhase2to4, BroadcastDerivationPhase3to4, ProofCommitment, TransmitInitMulPhase3to4,
    TransmitInitZeroSharePhase2to4, TransmitInitZeroSharePhase3to4,
};
use dkls23_core::protocols::messages::{MessageTag, PhaseInput, PhaseOutput};
use dkls23_core::protocols::signing::{Broadcast3to4, SignData, TransmitPhase1to2, TransmitPhase2to3};
use dkls23_core::protocols::{Parameters, Party, PartyIndex};
use dkls23_core::{DkgSession, EcdsaSignature, SignSession};
use k256_next::Secp256k1;
use k256_next::elliptic_curve::group::GroupEncoding;
use std::collections::BTreeMap;

/// Encodes a message once, as this crate frames it, and decodes it for each of `recipients`.
fn send<M: MessageTag>(message: &M, recipients: usize, wire: &mut Wire) -> Result<Vec<M>, BenchError> {
    let mut output = PhaseOutput::new();
    output.add_p2p(1, message).map_err(BenchError::other)?;
    let bytes = output.p2p.remove(&1).ok_or(BenchError::Invalid("a message without bytes"))?;
    wire.sent(bytes.len(), recipients);
    let input = PhaseInput { broadcasts: BTreeMap::new(), p2p: BTreeMap::from([(1, bytes)]) };
    (0..recipients).map(|_| input.get_p2p(1).map_err(BenchError::other)).collect()
}

/// A private message to its recipient.
fn carry<M: MessageTag>(message: &M, wire: &mut Wire) -> Result<M, BenchError> {
    send(message, 1, wire)?.pop().ok_or(BenchError::Invalid("a message without recipient"))
}

fn index(number: usize) -> Result<PartyIndex, BenchError> {
    u8::try_from(number).ok().and_then(|n| PartyIndex::new(n).ok()).ok_or(BenchError::Invalid("party index"))
}

/// One recipient's view of everybody's broadcast, its own among them, by sender.
type Broadcasts<M> = Vec<Vec<M>>;

/// Carries one broadcast of each party; `[recipient][sender]`.
fn broadcast<M: MessageTag + Clone>(own: &[M], wire: &mut Wire) -> Result<Broadcasts<M>, BenchError> {
    let mut received: Broadcasts<M> = own.iter().map(|_| Vec::new()).collect();
    for (sender, message) in own.iter().enumerate() {
        let mut copies = send(message, own.len() - 1, wire)?.into_iter();
        for (recipient, got) in received.iter_mut().enumerate() {
            let copy = if recipient == sender { Some(message.clone()) } else { copies.next() };
            got.extend(copy);
        }
    }
    Ok(received)
}

/// What a party has at the end of phase 2 and 3 for everybody.
struct Phase23 {
    proofs: Vec<ProofCommitment<Secp256k1>>,
    zero2: BTreeMap<PartyIndex, Vec<TransmitInitZeroSharePhase2to4>>,
    zero3: BTreeMap<PartyIndex, Vec<TransmitInitZeroSharePhase3to4>>,
    mul: BTreeMap<PartyIndex, Vec<TransmitInitMulPhase3to4<Secp256k1>>>,
    chain2: Vec<BroadcastDerivationPhase2to4>,
    chain3: Vec<BroadcastDerivationPhase3to4>,
}

/// Generates a key with pair set-up between all n, as this crate's key generation always does.
///
/// # Errors
/// If a phase refuses.
pub fn generate(
    setting: Setting,
    session: &[u8; 32],
    wire: &mut Wire,
) -> Result<Vec<Party<Secp256k1>>, BenchError> {
    let n = usize::from(setting.n);
    let parameters = Parameters::new(setting.t as u8, setting.n as u8).map_err(BenchError::other)?;
    let mut sessions = (1..=n)
        .map(|i| Ok(DkgSession::<Secp256k1>::new(parameters.clone(), index(i)?, session.to_vec())))
        .collect::<Result<Vec<_>, BenchError>>()?;
    let rows: Vec<_> = sessions.iter().map(DkgSession::phase1).collect();
    // This crate has no encoding for a fragment; it is one scalar.
    wire.sent(32, n * (n - 1));
    let sent = phases_2_and_3(&mut sessions, &rows, wire)?;
    let (proofs, chain2, chain3) =
        (broadcast(&sent.proofs, wire)?, broadcast(&sent.chain2, wire)?, broadcast(&sent.chain3, wire)?);
    let mut parties = Vec::new();
    for (at, session) in sessions.into_iter().enumerate() {
        let me = index(at + 1)?;
        let by_index2 = chain2[at].iter().map(|m| (m.sender_index, m.clone())).collect();
        let by_index3 = chain3[at].iter().map(|m| (m.sender_index, m.clone())).collect();
        let (party, _) = session
            .phase4(
                &proofs[at],
                &sent.zero2[&me],
                &sent.zero3[&me],
                &sent.mul[&me],
                &by_index2,
                &by_index3,
                |_| String::new(),
            )
            .map_err(BenchError::other)?;
        parties.push(party);
    }
    Ok(parties)
}

fn phases_2_and_3(
    sessions: &mut [DkgSession<Secp256k1>],
    rows: &[Vec<k256_next::Scalar>],
    wire: &mut Wire,
) -> Result<Phase23, BenchError> {
    let mut all = Phase23 {
        proofs: Vec::new(),
        zero2: BTreeMap::new(),
        zero3: BTreeMap::new(),
        mul: BTreeMap::new(),
        chain2: Vec::new(),
        chain3: Vec::new(),
    };
    for (at, session) in sessions.iter_mut().enumerate() {
        let fragments: Vec<_> = rows.iter().map(|row| row[at]).collect();
        let (proof, zero, chain) = session.phase2(&fragments).map_err(BenchError::other)?;
        all.proofs.push(proof);
        all.chain2.push(chain);
        for message in &zero {
            all.zero2.entry(message.parties.receiver).or_default().push(carry(message, wire)?);
        }
    }
    for session in sessions.iter_mut() {
        let (zero, mul, chain) = session.phase3().map_err(BenchError::other)?;
        all.chain3.push(chain);
        for message in &zero {
            all.zero3.entry(message.parties.receiver).or_default().push(carry(message, wire)?);
        }
        for message in &mul {
            all.mul.entry(message.parties.receiver).or_default().push(carry(message, wire)?);
        }
    }
    Ok(all)
}

/// Whether all parties have one key.
///
/// # Errors
/// [`BenchError::Invalid`].
pub fn check(parties: &[Party<Secp256k1>]) -> Result<(), BenchError> {
    let same = parties.windows(2).all(|two| two[0].pk == two[1].pk);
    if same { Ok(()) } else { Err(BenchError::Invalid("dkls23-core: the parties did not agree on one key")) }
}

/// The public key, compressed.
pub fn key(parties: &[Party<Secp256k1>]) -> Vec<u8> {
    parties.first().map(|party| party.pk.to_bytes().to_vec()).unwrap_or_default()
}

/// One signature by the first t: phases 1 to 3 of all, phase 4 (which verifies) of one.
///
/// # Errors
/// If a phase refuses.
pub fn sign(
    parties: &[Party<Secp256k1>],
    setting: Setting,
    sign_id: &[u8; 32],
    digest: &[u8; 32],
    wire: &mut Wire,
) -> Result<EcdsaSignature, BenchError> {
    let t = usize::from(setting.t);
    let set = (1..=t).map(index).collect::<Result<Vec<_>, _>>()?;
    let mut sessions = Vec::new();
    let mut first: BTreeMap<PartyIndex, Vec<TransmitPhase1to2>> = BTreeMap::new();
    for (me, party) in set.iter().zip(parties) {
        let counterparties = set.iter().copied().filter(|other| other != me).collect();
        let data = SignData { sign_id: sign_id.to_vec(), counterparties, message_hash: *digest };
        let (session, sent) = SignSession::new(party, data).map_err(BenchError::other)?;
        sessions.push(session);
        for message in &sent {
            first.entry(message.parties.receiver).or_default().push(carry(message, wire)?);
        }
    }
    let mut second: BTreeMap<PartyIndex, Vec<TransmitPhase2to3<Secp256k1>>> = BTreeMap::new();
    for (me, session) in set.iter().zip(&mut sessions) {
        let sent = session.phase2(&first[me]).map_err(BenchError::other)?;
        for message in &sent {
            second.entry(message.parties.receiver).or_default().push(carry(message, wire)?);
        }
    }
    let mut last: Vec<Broadcast3to4<Secp256k1>> = Vec::new();
    for (at, (me, session)) in set.iter().zip(&mut sessions).enumerate() {
        let message = session.phase3(&second[me]).map_err(BenchError::other)?;
        // Only the one that combines needs it.
        last.push(if at == 0 { message } else { carry(&message, wire)? });
    }
    sessions.swap_remove(0).phase4(&last, true).map_err(BenchError::other)
}
