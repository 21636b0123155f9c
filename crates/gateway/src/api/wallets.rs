//! Wallets, their addresses, their coins, their certificates.

use super::auth::Caller;
use super::extract::{Id, Json as Body, Params};
use super::{ApiError, cursor, page};
use crate::bitcoin::{self, GAP, MAX_GAP, Search};
use crate::gateway::Gateway;
use crate::intents::next_order;
use crate::store::{NewCoin, Own, WalletRow};
use ::bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpub};
use ::bitcoin::{NetworkKind, secp256k1};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use quorate_coordination::api::{
    AddressView, CertificateView, Coin, CoinState, Funding, FundingResult, Page, Problem, ScheduleView,
    WalletParty, WalletView,
};
use quorate_coordination::{Certificate, KeySet, Proof};
use quorate_intent::{Amount, Body as Intent, IntentError, IntentId, Network, WalletId};
use quorate_networks::parse_network;
use quorate_sharing::Index;
use serde::Deserialize;
use std::sync::Arc;

/// Most addresses in one answer.
const MAX_ADDRESSES: u32 = 100;

/// A page of a list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Paged {
    /// 1 to 200, 50 when absent.
    pub limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    pub cursor: Option<String>,
}

/// Which addresses.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Addresses {
    /// `bitcoin:regtest`, `evm:1`, `solana:devnet` and the like.
    network: String,
    /// 0 when absent.
    #[serde(default)]
    account: u32,
    /// First index, 0 when absent.
    #[serde(default)]
    index: u32,
    /// How many, 1 when absent, at most 100.
    count: Option<u32>,
}

/// Wallets, newest first.
#[utoipa::path(get, path = "/v1/wallets", tag = "wallets", params(Paged), security(("device_key" = [])),
    responses((status = 200, body = Page<WalletView>), (status = "default", body = Problem)))]
pub async fn list(
    State(gateway): State<Arc<Gateway>>,
    Params(paged): Params<Paged>,
) -> Result<Json<Page<WalletView>>, ApiError> {
    let (limit, before) = page(paged.limit, paged.cursor.as_deref())?;
    let mut rows = gateway.store.wallets(before, limit + 1).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| cursor(row.sequence));
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        items.push(view(&gateway, row).await?);
    }
    Ok(Json(Page { items, next_cursor }))
}

/// One wallet.
#[utoipa::path(get, path = "/v1/wallets/{id}", tag = "wallets", security(("device_key" = [])),
    params(("id" = String, Path, description = "`wal_…`")),
    responses((status = 200, body = WalletView), (status = "default", body = Problem)))]
pub async fn show(
    State(gateway): State<Arc<Gateway>>,
    Id(id): Id<WalletId>,
) -> Result<Json<WalletView>, ApiError> {
    let row = gateway.store.wallet_row(&id).await?.ok_or_else(|| unknown(&id))?;
    view(&gateway, &row).await.map(Json)
}

/// Addresses of an account. On EVM chains and Solana an account has one address, at index 0.
#[utoipa::path(get, path = "/v1/wallets/{id}/addresses", tag = "wallets", params(Addresses,
    ("id" = String, Path, description = "`wal_…`")), security(("device_key" = [])),
    responses((status = 200, body = Page<AddressView>), (status = "default", body = Problem)))]
pub async fn addresses(
    State(gateway): State<Arc<Gateway>>,
    Id(id): Id<WalletId>,
    Params(query): Params<Addresses>,
) -> Result<Json<Page<AddressView>>, ApiError> {
    let invalid = |field: &str, detail: String| {
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", detail).field(field)
    };
    let network = parse_network(&query.network)
        .ok_or_else(|| invalid("network", format!("unknown network {:.60?}", query.network)))?;
    let count = query.count.unwrap_or(1);
    if !(1..=MAX_ADDRESSES).contains(&count) {
        return Err(invalid("count", format!("must be 1 to {MAX_ADDRESSES}, found {count}")));
    }
    let key = find(&gateway, &id).await?.record.keys().map_err(ApiError::internal)?.wallet_key();
    let many = matches!(network, Network::Bitcoin { .. });
    if !many && (query.index != 0 || count != 1) {
        let detail = format!("{network} has one address for each account, at index 0");
        return Err(invalid("index", detail));
    }
    let derive = move || {
        let numbers = query.index..query.index.saturating_add(count);
        let address = |index| {
            let path = [query.account, 0, index];
            quorate_chains::address(&key, &network, &path)
                .map(|address| AddressView { path: path.to_vec(), address })
        };
        numbers.map(address).collect::<Result<Vec<_>, _>>()
    };
    let items = tokio::task::spawn_blocking(derive).await.map_err(ApiError::internal)??;
    watch_shown(&gateway, &id, &network, &items).await?;
    Ok(Json(Page { items, next_cursor: None }))
}

/// What was shown may be paid to, so it is watched from now on.
async fn watch_shown(
    gateway: &Gateway,
    wallet: &WalletId,
    network: &Network,
    shown: &[AddressView],
) -> Result<(), ApiError> {
    if gateway.watch.of(network).is_none() {
        return Ok(());
    }
    let mut tx = gateway.store.begin().await?;
    for view in shown {
        let [account, branch, number] = view.path[..] else { continue };
        let own = Own { wallet: *wallet, path: [account, branch, number], address: view.address.clone() };
        tx.watch_own(network, &own).await?;
    }
    Ok(tx.commit().await?)
}

/// Takes transactions in that pay the wallet, so that their outputs can be spent.
#[utoipa::path(post, path = "/v1/wallets/{id}/funding", tag = "wallets", request_body = Funding,
    params(("id" = String, Path, description = "`wal_…`")), security(("device_key" = [])),
    responses((status = 200, body = FundingResult), (status = "default", body = Problem)))]
pub async fn funding(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<WalletId>,
    Body(funding): Body<Funding>,
) -> Result<Json<FundingResult>, ApiError> {
    if !caller.operates {
        let detail = "only clients and administrators hand in funding";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "not_a_client", detail));
    }
    let key = find(&gateway, &id).await?.record.keys().map_err(ApiError::internal)?.wallet_key();
    let Network::Bitcoin { network } = funding.network else {
        return Err(IntentError::field("network", "funding is handed in for Bitcoin only").into());
    };
    let gap = funding.gap_limit.unwrap_or(GAP);
    if !(1..=MAX_GAP).contains(&gap) {
        return Err(IntentError::field("gap_limit", format!("must be 1 to {MAX_GAP}, found {gap}")).into());
    }
    let transactions = funding.transactions.iter().map(hex::decode).collect::<Result<Vec<_>, _>>();
    let transactions =
        transactions.map_err(|error| IntentError::field("transactions", format!("must be hex: {error}")))?;
    let account = funding.account;
    let last = |branch| gateway.store.last_index(&id, &funding.network, account, branch);
    let (receiving, change) = (last(0).await?, last(1).await?);
    let planned = gateway.store.peek(&crate::intents::change_counter(&id, &funding.network, account)).await?;
    let used = [receiving.map_or(0, |n| n + 1), change.map_or(0, |n| n + 1).max(planned)];
    let search = Search { network, account, used, gap };
    let found = tokio::task::spawn_blocking(move || bitcoin::find(&key, &search, &transactions))
        .await
        .map_err(ApiError::internal)??;
    gateway.store.add_coins(&id, &funding.network, &found.transactions, &found.coins).await?;
    let coin = |new: NewCoin| Coin {
        network: funding.network,
        txid: new.txid,
        vout: new.vout,
        amount: Amount::from(new.amount),
        path: new.path.to_vec(),
        address: new.address,
        state: CoinState::Free,
        intent: None,
    };
    let mut coins: Vec<Coin> = found.coins.into_iter().map(coin).collect();
    for coin in &mut coins {
        let resource = bitcoin::resource(network, &coin.txid, coin.vout);
        (coin.state, coin.intent) = gateway.store.coin_state(&resource).await?;
    }
    Ok(Json(FundingResult { found: coins, other_outputs: found.others }))
}

/// The wallet's known outputs on Bitcoin, newest first.
#[utoipa::path(get, path = "/v1/wallets/{id}/utxos", tag = "wallets", params(Paged,
    ("id" = String, Path, description = "`wal_…`")), security(("device_key" = [])),
    responses((status = 200, body = Page<Coin>), (status = "default", body = Problem)))]
pub async fn utxos(
    State(gateway): State<Arc<Gateway>>,
    Id(id): Id<WalletId>,
    Params(paged): Params<Paged>,
) -> Result<Json<Page<Coin>>, ApiError> {
    find(&gateway, &id).await?;
    let (limit, before) = page(paged.limit, paged.cursor.as_deref())?;
    let mut rows = gateway.store.coins(&id, before, limit + 1).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| cursor(row.sequence));
    Ok(Json(Page { items: rows.into_iter().map(|row| row.coin).collect(), next_cursor }))
}

/// The certificate of a wallet's epoch.
#[utoipa::path(get, path = "/v1/certificates/{wallet}", tag = "wallets", security(("device_key" = [])),
    params(("wallet" = String, Path, description = "`wal_…`")),
    responses((status = 200, body = CertificateView), (status = "default", body = Problem)))]
pub async fn certificate(
    State(gateway): State<Arc<Gateway>>,
    Id(id): Id<WalletId>,
) -> Result<Json<CertificateView>, ApiError> {
    let certificate = find(&gateway, &id).await?;
    let bytes = borsh::to_vec(&certificate).map_err(ApiError::internal)?;
    Ok(Json(CertificateView {
        wallet: id,
        certificate: hex::encode(bytes),
        record: certificate.record.hash(),
        order: certificate.order,
        approvals: certificate.approvals,
        signatures: certificate.proof.signatures().to_vec(),
    }))
}

fn unknown(id: &WalletId) -> ApiError {
    let detail = format!("this gateway knows no wallet {id}");
    ApiError::new(StatusCode::NOT_FOUND, "unknown_wallet", detail)
}

async fn find(gateway: &Gateway, id: &WalletId) -> Result<Certificate, ApiError> {
    gateway.store.wallet(id).await?.ok_or_else(|| unknown(id))
}

async fn view(gateway: &Gateway, row: &WalletRow) -> Result<WalletView, ApiError> {
    let certificate = &row.certificate;
    let record = &certificate.record;
    let keys = record.keys().map_err(ApiError::internal)?;
    let chain = gateway.genesis.chain();
    let party = |(index, key): (u16, &quorate_intent::PublicKey)| WalletParty {
        index,
        name: chain.party_ever(key).map(|party| party.name.clone()),
        key: *key,
        public_share: Index::new(index)
            .ok()
            .and_then(|i| keys.public_share(i))
            .map(hex::encode)
            .unwrap_or_default(),
    };
    let parties = (1u16..).zip(&record.parties).map(party).collect();
    drop(chain);
    let since = (row.since > 0).then_some(row.since);
    Ok(WalletView {
        id: record.wallet,
        label: record.label.clone(),
        suite: record.suite,
        threshold: u16::try_from(keys.threshold()).unwrap_or(u16::MAX),
        parties,
        public_key: hex::encode(keys.public_key()),
        chain_code: hex::encode(keys.chain_code()),
        xpub: xpub(&keys),
        order_number: record.attempt.order_number,
        order_try: record.attempt.attempt_try,
        order: IntentId(record.order.0),
        record: record.hash(),
        since,
        refreshed: since.filter(|_| matches!(certificate.proof, Proof::Reshare(_))),
        destroyed: certificate.destroys(),
        next_order: next_order(gateway, certificate).await?,
        schedule: schedule(gateway, &record.wallet).await?,
    })
}

async fn schedule(gateway: &Gateway, id: &WalletId) -> Result<Option<ScheduleView>, ApiError> {
    let Some(row) = gateway.store.schedule(id).await? else { return Ok(None) };
    let Some(intent) = gateway.store.intent(&row.intent).await? else { return Ok(None) };
    let Intent::Order(order) = &intent.signed.intent.body else { return Ok(None) };
    Ok(order.schedule().map(|(_, _, repeat)| ScheduleView {
        order: row.intent,
        interval: repeat.interval,
        end: repeat.end,
        next: row.due,
        problem: row.problem,
    }))
}

/// BIP32's serialisation; none for keys that are not secp256k1.
fn xpub(keys: &KeySet) -> Option<String> {
    if matches!(keys, KeySet::Ed25519(_)) {
        return None;
    }
    let xpub = Xpub {
        network: NetworkKind::Main,
        depth: 0,
        parent_fingerprint: Fingerprint::default(),
        child_number: ChildNumber::Normal { index: 0 },
        public_key: secp256k1::PublicKey::from_slice(&keys.public_key()).ok()?,
        chain_code: ChainCode::from(keys.chain_code()),
    };
    Some(xpub.to_string())
}
