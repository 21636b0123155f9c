//! The gateway's calls. Nothing in them is believed without the signatures that they carry.

use crate::certificates::Source;
use crate::error::vault_error;
use crate::node::Shared;
use crate::reshare::Asked;
use crate::stock::Item;
use crate::wallets::{SuiteShare, Wallet};
use crate::{
    attest, certificates, disputes, generate, governance, log, pairs, presign, reshare, sign, witness,
};
use quorate_audit::Body;
use quorate_coordination::rpc::{ErrorCode, News, Rejection, Status};
use quorate_coordination::{NodeError, NodeRequest, NodeResponse, OwnedCommitment};
use quorate_intent::governance::MAX_STEPS;
use quorate_intent::{Hash, WalletId, keys};
use quorate_protocols::frost::{self, Bip340, Ed25519Schnorr, FrostError};
use rand_core::OsRng;
use std::sync::Arc;

/// Most nonces that one call makes.
const MAX_COMMITMENTS: u16 = 256;

pub(crate) async fn handle(shared: &Arc<Shared>, request: NodeRequest) -> Result<NodeResponse, NodeError> {
    match request {
        NodeRequest::Status => Ok(NodeResponse::Status(status(shared))),
        NodeRequest::Wallets => {
            Ok(NodeResponse::Wallets(shared.wallets.all().iter().map(|w| w.certificate.clone()).collect()))
        }
        NodeRequest::Generate { ceremony, order, approvals } => {
            generate::generate(shared, ceremony, order, approvals).await
        }
        NodeRequest::Backup => {
            let message = "a backup is made over the control socket, by the node's own operator";
            Err(NodeError::new(ErrorCode::BadRequest, message))
        }
        NodeRequest::Govern(steps) => governance::govern(shared, steps).await,
        NodeRequest::Steps { after } => {
            let chain = shared.genesis.chain();
            Ok(NodeResponse::Steps(chain.steps_after(after).iter().take(MAX_STEPS).cloned().collect()))
        }
        NodeRequest::Certify(certificate) => {
            certificates::certify(shared, certificate, Source::Gateway).await
        }
        NodeRequest::Reshare { ceremony, order, approvals, base, dealers } => {
            reshare::reshare(shared, Asked { ceremony, order, approvals, base, dealers }).await
        }
        NodeRequest::Commitments { wallet, count } => commitments(shared, wallet, count),
        NodeRequest::Pairs { peers } => Ok(NodeResponse::Pairs(shared.pairs.ids(&peers))),
        NodeRequest::SetupPair { ceremony, peer } => pairs::set_up(shared, ceremony, peer).await,
        NodeRequest::Presign { ceremony, wallet, set, count } => {
            presign::presign(shared, ceremony, wallet, set, count).await
        }
        NodeRequest::Sign(call) => sign::sign(shared, call).await,
        NodeRequest::Finished { intent, form, transaction } => {
            finished(shared, intent, form, transaction).await
        }
        NodeRequest::Disputes { from } => disputes::reports(shared, from).await,
        NodeRequest::Consider(consideration) => sign::consider(shared, &consideration).await,
        NodeRequest::Reject(rejection) => {
            rejected(shared, *rejection);
            Ok(NodeResponse::Done)
        }
        NodeRequest::Confirmations | NodeRequest::Confirm { .. } => {
            let message = "a node's own operator confirms over the control socket";
            Err(NodeError::new(ErrorCode::BadRequest, message))
        }
        NodeRequest::Verdict { intent, form } => log::verdict(shared, intent, form).await,
        NodeRequest::Witness => Ok(NodeResponse::Witness(Box::new(witness::report(shared).await?))),
        NodeRequest::Attest { wallet, places } => attest::attest(shared, wallet, &places),
        NodeRequest::Entries { .. } | NodeRequest::Prove { .. } => {
            let message = "the log is read over the control socket, by the node's own operator";
            Err(NodeError::new(ErrorCode::BadRequest, message))
        }
    }
}

/// Takes a rejection in, and hands one that is new on to everybody: no gateway keeps it from them.
pub(crate) fn rejected(shared: &Shared, rejection: Rejection) {
    if !shared.judging.reject(shared, &rejection) {
        return;
    }
    tracing::warn!(intent = %rejection.vote.intent, by = %rejection.vote.approver, "somebody with a say stops an intent");
    for party in shared.genesis.current().parties.iter().filter(|party| party.key != shared.me) {
        shared.transport.news(&party.key, News::Rejected(rejection.clone()));
    }
}

/// A wallet that this node holds a share of.
pub(crate) fn wallet(shared: &Shared, id: &WalletId) -> Result<Arc<Wallet>, NodeError> {
    shared.wallets.get(id).ok_or_else(|| {
        let name = shared.name(&shared.me);
        let message = match shared.wallets.gone(id) {
            Some(gone) => format!("node {name} signs nothing for wallet {id}: {gone}"),
            None => format!("node {name} holds no share of wallet {id}"),
        };
        NodeError::new(ErrorCode::UnknownWallet, message)
    })
}

fn status(shared: &Shared) -> Status {
    let chain = shared.genesis.chain();
    let version = env!("CARGO_PKG_VERSION").to_owned();
    #[cfg(feature = "fault-injection")]
    let version = crate::faults::version().unwrap_or(version);
    Status {
        name: shared.name(&shared.me),
        version,
        genesis: chain.hash(),
        governance: chain.number(),
        boot: shared.boot,
        now: shared.now(),
        wallets: shared.wallets.all().iter().map(|wallet| wallet.record().clone()).collect(),
        stock: shared.stock.len() as u64,
        connected: shared.transport.connected(),
    }
}

/// Makes nonces and gives their commitments.
fn commitments(shared: &Shared, id: WalletId, count: u16) -> Result<NodeResponse, NodeError> {
    if count == 0 || count > MAX_COMMITMENTS {
        let message = format!("count must be 1 to {MAX_COMMITMENTS}, found {count}");
        return Err(NodeError::new(ErrorCode::BadRequest, message));
    }
    let wallet = wallet(shared, &id)?;
    if matches!(wallet.share, SuiteShare::Ecdsa(_)) {
        let message = "an ECDSA wallet signs with presignatures";
        return Err(NodeError::new(ErrorCode::BadRequest, message));
    }
    make_commitments(shared, &wallet, count).map(NodeResponse::Commitments)
}

/// Makes nonces for a Schnorr key, puts them into stock and signs their commitments; none for an ECDSA key.
pub(crate) fn make_commitments(
    shared: &Shared,
    wallet: &Arc<Wallet>,
    count: u16,
) -> Result<Vec<OwnedCommitment>, NodeError> {
    let make = || -> Result<Option<(Item, Vec<u8>)>, FrostError> {
        Ok(match &wallet.share {
            SuiteShare::Bip340(share) => {
                let (nonces, commitments) = frost::nonces::<Bip340>(share, &mut OsRng)?;
                Some((Item::Bip340(nonces), commitments.as_bytes().to_vec()))
            }
            SuiteShare::Ed25519(share) => {
                let (nonces, commitments) = frost::nonces::<Ed25519Schnorr>(share, &mut OsRng)?;
                Some((Item::Ed25519(nonces), commitments.as_bytes().to_vec()))
            }
            SuiteShare::Ecdsa(_) => None,
        })
    };
    let (id, record) = (wallet.record().wallet, wallet.record().hash());
    let mut all = Vec::new();
    for _ in 0..count {
        let made = tokio::task::block_in_place(make);
        let made = made.map_err(|error| NodeError::new(ErrorCode::Internal, error.to_string()))?;
        let Some((item, commitments)) = made else { break };
        shared.stock.add(id, commitments.clone(), item);
        let digest = OwnedCommitment::digest(&record, wallet.index, &shared.boot, &commitments);
        let signature = keys::sign(shared.vault.identity().expose(), &digest);
        #[cfg(feature = "fault-injection")]
        let commitments = {
            let mut commitments = commitments;
            crate::faults::spoil("sign", 0, crate::faults::What::Commitments, &mut commitments);
            commitments
        };
        all.push(OwnedCommitment { signer: wallet.index, boot: shared.boot, commitments, signature });
    }
    // Looked at after they are in: whichever way it falls out with an activation, none of an old epoch stays (§2.3).
    if !all.is_empty() && !shared.wallets.is_current(wallet) {
        shared.stock.forget(id);
        let message = "the key's epoch ended meanwhile; ask for commitments of the new one";
        return Err(NodeError::new(ErrorCode::NoStock, message));
    }
    Ok(all)
}

/// Logs the end of a transaction that this node was asked to sign, once.
async fn finished(
    shared: &Shared,
    intent: Hash,
    form: Hash,
    transaction: String,
) -> Result<NodeResponse, NodeError> {
    let entry = Body::Signed { intent, form, transaction };
    // The vault knows what was signed here: a note about anything else, or a second one, is refused.
    let head = shared.vault.append(entry).await.map_err(|error| vault_error(&error))?;
    shared.clock.seen(head.time);
    shared.witness.wake();
    Ok(NodeResponse::Done)
}
