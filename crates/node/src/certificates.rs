//! Taking certificates: the highest wins, what lies below is erased, and peers are told (docs/spec §2.3, §2.4).

use crate::error::vault_error;
use crate::generate::judge_order;
use crate::node::Shared;
use crate::passkeys;
use crate::wallets::{Gone, Wallet};
use quorate_audit::Body;
use quorate_coordination::rpc::{ErrorCode, News};
use quorate_coordination::{Certificate, NodeError, NodeResponse, Proof, WalletRecord};
use quorate_intent::{PublicKey, WalletId};
use quorate_policy::Validity;
use quorate_session::statement_digest;
use quorate_vault::Erasure;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Who brings a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// This node's own ceremony.
    Own,
    /// The gateway.
    Gateway,
    /// Another node.
    Peer(PublicKey),
}

/// Takes a certificate from anybody, if it holds and is above what is held. Once begun it is taken to its end, also when
/// the caller's future is dropped.
pub(crate) async fn certify(
    shared: &Arc<Shared>,
    certificate: Certificate,
    source: Source,
) -> Result<NodeResponse, NodeError> {
    let checked =
        tokio::task::block_in_place(|| certificate.check_in(&shared.genesis.chain(), statement_digest));
    if let Err(error) = checked {
        return Err(NodeError::new(ErrorCode::NotAuthorised, error.to_string()));
    }
    // One after another: what is opened is what the vault holds then.
    let alone = Arc::clone(&shared.activating).lock_owned().await;
    // A peer ends the channel that brought this whenever it likes: storing, opening, forgetting and spreading must not end
    // half-way with it. Under the lock there is one such task at most.
    let (done, answer) = oneshot::channel();
    let own = Arc::clone(shared);
    shared.tasks.spawn(async move {
        let taken = take(&own, certificate, source).await;
        drop(alone);
        let _ = done.send(taken);
    });
    answer.await.unwrap_or_else(|_| Err(NodeError::new(ErrorCode::Internal, "the node stops")))
}

/// Takes a certificate that was judged.
async fn take(
    shared: &Arc<Shared>,
    certificate: Certificate,
    source: Source,
) -> Result<NodeResponse, NodeError> {
    let wallet = certificate.record.wallet;
    let held = held(shared, &wallet).await?;
    if let Some(held) = &held {
        if !same(&certificate, held) {
            let (ours, theirs) = (held.record.attempt, certificate.record.attempt);
            let message = format!(
                "this node holds another certificate of wallet {wallet}: {ours}, and not {theirs}; two keys exist under one id, use neither before the operators have compared them"
            );
            return Err(NodeError::new(ErrorCode::Refused, message));
        }
        if certificate.rank() < held.rank() {
            if let Source::Peer(peer) = source {
                shared.transport.news(&peer, News::Certificate(Box::new(held.clone())));
            }
            return Ok(NodeResponse::Done);
        }
        if certificate.rank() == held.rank() {
            // Opening may have failed after the vault had stored it. Then nothing but this brings the two together again.
            if shared.wallets.rank(&wallet) != Some(held.rank()) {
                open(shared, held).await?;
            }
            return Ok(NodeResponse::Done);
        }
    }
    admit(shared, &certificate, held.is_some(), source).await?;
    activate(shared, &certificate).await?;
    spread(shared, &certificate, source);
    Ok(NodeResponse::Done)
}

/// Whether two certificates are of one key. A key is generated once (§2.1), so two generations are never one.
fn same(new: &Certificate, held: &Certificate) -> bool {
    let generated = |certificate: &Certificate| matches!(certificate.proof, Proof::Generate { .. });
    let twice = generated(new) && generated(held) && new.record.attempt != held.record.attempt;
    !twice && new.same_key(&held.record).is_ok()
}

async fn held(shared: &Shared, wallet: &WalletId) -> Result<Option<Certificate>, NodeError> {
    let held = shared.vault.certificate(wallet).await.map_err(|error| vault_error(&error))?;
    let decode = |(_, bytes): (_, Vec<u8>)| {
        borsh::from_slice(&bytes).map_err(|error| NodeError::new(ErrorCode::Internal, error.to_string()))
    };
    held.map(decode).transpose()
}

/// What this node has any business with.
async fn admit(
    shared: &Shared,
    certificate: &Certificate,
    held: bool,
    source: Source,
) -> Result<(), NodeError> {
    let refused = |message: &str| Err(NodeError::new(ErrorCode::Refused, message));
    if certificate.destroys() {
        in_time(shared, certificate, source)?;
        judge_order(shared, &certificate.order, &certificate.approvals, Validity::Now).await?;
        // What another node carried out already is carried out here too, whatever this one has heard of the passkeys since.
        if !matches!(source, Source::Peer(_)) {
            passkeys::admit(shared, &certificate.order, &certificate.approvals).await?;
        }
    }
    let wallet = certificate.record.wallet;
    let pendings = shared.vault.pendings(&wallet).await.map_err(|error| vault_error(&error))?;
    // What it would erase or open must be of the same key.
    for pending in pendings.iter().filter(|pending| pending.attempt <= certificate.rank()) {
        let record: WalletRecord = borsh::from_slice(&pending.record)
            .map_err(|error| NodeError::new(ErrorCode::Internal, error.to_string()))?;
        if let Err(error) = certificate.same_key(&record) {
            return refused(&format!(
                "this node keeps a share of {} that is of another key under the same id ({error}); nothing is erased before the operators have compared them",
                pending.attempt
            ));
        }
    }
    if certificate.destroys() {
        return if held || !pendings.is_empty() {
            Ok(())
        } else {
            refused("this node knows nothing of that key")
        };
    }
    if pendings.iter().any(|pending| pending.attempt == certificate.record.attempt) {
        return Ok(());
    }
    if matches!(certificate.proof, Proof::Generate { .. }) {
        return refused("this node holds no pending share of that epoch");
    }
    // An epoch that this node has no share of ends what it has, active or pending; to who has nothing it is nothing.
    if held || !pendings.is_empty() || certificate.record.index_of(&shared.me).is_some() {
        return Ok(());
    }
    refused("this node is no party of that key")
}

/// A destroy is carried out while its order is in force and not expired, whoever brings it: its certificate is the order
/// alone, and anybody may have kept that back until nobody means it any more.
fn in_time(shared: &Shared, certificate: &Certificate, source: Source) -> Result<(), NodeError> {
    let Err(error) = certificate.order.intent.check(&shared.genesis.current(), shared.now()) else {
        return Ok(());
    };
    let wallet = certificate.record.wallet;
    if let Source::Peer(peer) = source {
        let peer = shared.name(&peer);
        tracing::error!(%peer, %wallet, %error, "ALARM: a peer brings an order to destroy a wallet whose time is over, and this node keeps its share; if the wallet is to be gone, order it anew (quorate wallet destroy)");
    }
    let message = format!(
        "the order to destroy wallet {wallet} is not taken any more: {error}; if it is still meant, order it anew"
    );
    Err(NodeError::new(ErrorCode::NotAuthorised, message))
}

/// Stores the certificate, erases what lies below, and opens the share for signing if it is here.
pub(crate) async fn activate(shared: &Arc<Shared>, certificate: &Certificate) -> Result<(), NodeError> {
    let (wallet, rank) = (certificate.record.wallet, certificate.rank());
    let bytes = crate::mesh::encode(certificate);
    // Before the vault has it, so that nothing of the old epoch is signed after that (§2.4). Who adds to the stock looks
    // afterwards whether the epoch is still open: nothing of the old one stays.
    let before = shared.wallets.suspend(&wallet, rank);
    shared.stock.forget(wallet);
    let done = shared.vault.activate(wallet, rank, bytes).await;
    if !matches!(&done, Ok(done) if done.activated)
        && let Some(before) = before
        && matches!(shared.vault.certificate(&wallet).await, Ok(Some((held, _))) if held == before.certificate.rank())
    {
        // The vault says itself that it still has the old one. After a failed write it says nothing.
        shared.wallets.put_back(before);
    }
    let done = done.map_err(|error| vault_error(&error))?;
    if done.erased == Erasure::Pending {
        tracing::error!(%wallet, "ALARM: shares below the new epoch are not erased from the disk yet; stop whatever else reads the vault's file");
    }
    if done.activated {
        open(shared, certificate).await?;
    }
    Ok(())
}

/// Opens what the vault holds for a certificate that it has.
async fn open(shared: &Arc<Shared>, certificate: &Certificate) -> Result<(), NodeError> {
    let (wallet, attempt) = (certificate.record.wallet, certificate.rank());
    let share = shared.vault.active(&wallet).await.map_err(|error| vault_error(&error))?;
    match Gone::of(certificate, share.is_some(), &shared.me) {
        Some(gone) => {
            if let Gone::Stale(_) = gone {
                tracing::error!(%wallet, epoch = %attempt, "ALARM: this node's folder is from before the wallet's epoch; it signs nothing for it until an order gives it a new share");
            }
            shared.wallets.retire(wallet, gone);
        }
        None => {
            let share = share.ok_or_else(|| NodeError::new(ErrorCode::Internal, "the share is gone"))?;
            let opened = Wallet::open(certificate.clone(), &share, &shared.me);
            shared.wallets.insert(opened.map_err(|problem| NodeError::new(ErrorCode::Internal, problem))?);
        }
    }
    shared.log(Body::Activated { wallet, attempt }).await;
    Ok(())
}

/// Hands a certificate that is new here to everybody whom it concerns.
pub(crate) fn spread(shared: &Shared, certificate: &Certificate, source: Source) {
    let mut parties: BTreeSet<PublicKey> = certificate.record.parties.iter().copied().collect();
    if let Proof::Reshare(reshared) = &certificate.proof {
        parties.extend(&reshared.base.parties);
    }
    parties.remove(&shared.me);
    for party in parties.into_iter().filter(|party| source != Source::Peer(*party)) {
        shared.transport.news(&party, News::Certificate(Box::new(certificate.clone())));
    }
}
