//! One function for each endpoint.

use crate::{Client, ClientError};
use quorate_chains::Plan;
use quorate_coordination::api::{
    AddressBookView, AddressView, AssetsView, CertificateView, Cluster, Coin, DisputesView, Funding,
    FundingResult, Health, IntentView, NewIntent, NewPlan, NewSigningCall, NewTransaction, Page, PlanView,
    PoliciesView, SignInLink, SigningCallView, State, WalletView,
};
use quorate_coordination::{Certificate, CertifiedFile, EvidenceFile};
use quorate_intent::{Approval, BitcoinNetwork, IntentId, Network, SolanaNetwork, WalletId};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Pause between two looks at an intent that is waited for.
const POLL: Duration = Duration::from_millis(50);

/// Longest time that the gateway is asked to hold an answer back.
const HOLD: Duration = Duration::from_secs(20);

/// Most intents of an inbox that are fetched.
const MAX_INBOX: usize = 1000;

/// Which intents to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only in this state.
    pub state: Option<State>,
    /// Only of this wallet.
    pub wallet: Option<WalletId>,
    /// At most so many, 1 to 200.
    pub limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    pub cursor: Option<String>,
}

/// Which addresses.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// On which network.
    pub network: Network,
    /// Of which account.
    pub account: u32,
    /// From which index.
    pub index: u32,
    /// How many, 1 to 100.
    pub count: u32,
}

impl Client {
    /// Whether the gateway answers.
    pub async fn health(&self) -> Result<Health, ClientError> {
        self.get("/v1/health").await
    }

    /// The API's own description, OpenAPI 3.1.
    pub async fn openapi(&self) -> Result<serde_json::Value, ClientError> {
        self.get("/v1/openapi.json").await
    }

    /// The genesis, and every node's state as the gateway sees it.
    pub async fn cluster(&self) -> Result<Cluster, ClientError> {
        self.get("/v1/cluster").await
    }

    /// A link that signs the caller's key in to the console, good once and for two minutes.
    pub async fn sign_in_link(&self) -> Result<SignInLink, ClientError> {
        self.post("/v1/sessions", &serde_json::Map::new(), None).await
    }

    /// The dispute graph, its entries from number `from` on.
    pub async fn disputes(&self, from: u64) -> Result<DisputesView, ClientError> {
        self.get(&format!("/v1/disputes?from={from}")).await
    }

    /// One dispute's report with its evidence, to be judged anywhere.
    pub async fn evidence(&self, number: u64) -> Result<EvidenceFile, ClientError> {
        self.get(&format!("/v1/disputes/{number}/evidence")).await
    }

    /// Every policy that was in force, the newest first.
    pub async fn policies(&self) -> Result<PoliciesView, ClientError> {
        self.get("/v1/policies").await
    }

    /// The address book in force.
    pub async fn address_book(&self) -> Result<AddressBookView, ClientError> {
        self.get("/v1/address-book").await
    }

    /// The asset registry in force.
    pub async fn assets(&self) -> Result<AssetsView, ClientError> {
        self.get("/v1/assets").await
    }

    /// Hands a new intent in. A `SignedIntent` becomes a `NewIntent` by `into()`.
    pub async fn submit(
        &self,
        intent: &NewIntent,
        idempotency_key: Option<&str>,
    ) -> Result<IntentView, ClientError> {
        self.post("/v1/intents", intent, idempotency_key).await
    }

    /// What waits for the caller's verdict, newest first, every page.
    pub async fn inbox(&self) -> Result<Vec<IntentView>, ClientError> {
        let (mut all, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let next = cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let page: Page<IntentView> = self.get(&format!("/v1/inbox?limit=200{next}")).await?;
            all.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() || all.len() >= MAX_INBOX {
                return Ok(all);
            }
        }
    }

    /// The canonical plan of an intent, to build its transaction anew; none while it is still to come.
    pub async fn intent_plan(&self, id: &IntentId) -> Result<Option<Vec<u8>>, ClientError> {
        let view: PlanView = self.get(&format!("/v1/intents/{id}/plan")).await?;
        let plan = view.plan.map(hex::decode).transpose();
        plan.map_err(|_| ClientError::Answer { status: 200, problem: "the plan is not hex".into() })
    }

    /// Intents, newest first.
    pub async fn intents(&self, filter: &Filter) -> Result<Page<IntentView>, ClientError> {
        let state = filter.state.map(|state| ("state", state.to_string()));
        let wallet = filter.wallet.map(|wallet| ("wallet", wallet.to_string()));
        let pairs = paging(filter.limit, filter.cursor.as_deref()).into_iter().chain(state).chain(wallet);
        self.get(&format!("/v1/intents{}", query(pairs))).await
    }

    /// One intent.
    pub async fn intent(&self, id: &IntentId) -> Result<IntentView, ClientError> {
        self.get(&format!("/v1/intents/{id}")).await
    }

    /// One intent, as soon as nothing more happens to it by itself, or in that time at the latest; the gateway holds its answer
    /// back for some seconds of it.
    pub async fn intent_within(&self, id: &IntentId, limit: Duration) -> Result<IntentView, ClientError> {
        let wait = limit.min(HOLD).min(self.patience() / 2).as_secs();
        if wait == 0 {
            return self.intent(id).await;
        }
        self.get(&format!("/v1/intents/{id}?wait={wait}")).await
    }

    /// Hands an approver's verdict in.
    pub async fn approve(&self, approval: &Approval) -> Result<IntentView, ClientError> {
        let id = IntentId(approval.intent.0);
        self.post(&format!("/v1/intents/{id}/approvals"), approval, None).await
    }

    /// Takes an intent back. The client's key must be its initiator's.
    pub async fn cancel(&self, id: &IntentId) -> Result<IntentView, ClientError> {
        self.post(&format!("/v1/intents/{id}/cancel"), &serde_json::Map::new(), None).await
    }

    /// Gives a transfer its plan, or another one, as long as nothing of it was signed; see `NewIntent::plan_later`. The
    /// client's key must be its initiator's.
    pub async fn plan(&self, id: &IntentId, plan: &Plan) -> Result<IntentView, ClientError> {
        self.post(&format!("/v1/intents/{id}/plan"), &NewPlan { plan: plan.clone() }, None).await
    }

    /// Fetches the signing call of an approved transfer that goes by file; see `NewIntent::by_file`.
    pub async fn signing_call(
        &self,
        id: &IntentId,
        new: &NewSigningCall,
    ) -> Result<SigningCallView, ClientError> {
        self.post(&format!("/v1/intents/{id}/signing-call"), new, None).await
    }

    /// Hands in what the files of partial signatures of a transfer were combined to.
    pub async fn hand_in(&self, id: &IntentId, new: &NewTransaction) -> Result<IntentView, ClientError> {
        self.post(&format!("/v1/intents/{id}/transaction"), new, None).await
    }

    /// A signed transfer's certificate, to be verified anywhere; pending or complete.
    pub async fn transaction_certificate(&self, id: &IntentId) -> Result<CertifiedFile, ClientError> {
        self.get(&format!("/v1/intents/{id}/certificate")).await
    }

    /// Waits until nothing more happens to an intent by itself, at most `limit`.
    ///
    /// # Errors
    /// [`ClientError::NotYet`] when it takes longer.
    pub async fn wait(&self, id: &IntentId, limit: Duration) -> Result<IntentView, ClientError> {
        let began = Instant::now();
        loop {
            let view = self.intent_within(id, limit.saturating_sub(began.elapsed())).await?;
            if view.state.is_final() {
                return Ok(view);
            }
            if began.elapsed() >= limit {
                return Err(ClientError::NotYet { id: *id, state: view.state });
            }
            sleep(POLL).await;
        }
    }

    /// Wallets, newest first.
    pub async fn wallets(
        &self,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<WalletView>, ClientError> {
        self.get(&format!("/v1/wallets{}", query(paging(limit, cursor)))).await
    }

    /// One wallet.
    pub async fn wallet(&self, id: &WalletId) -> Result<WalletView, ClientError> {
        self.get(&format!("/v1/wallets/{id}")).await
    }

    /// Addresses of a wallet.
    pub async fn addresses(&self, id: &WalletId, which: &Addresses) -> Result<Vec<AddressView>, ClientError> {
        let pairs = [
            ("network", network(&which.network)),
            ("account", which.account.to_string()),
            ("index", which.index.to_string()),
            ("count", which.count.to_string()),
        ];
        let page: Page<AddressView> =
            self.get(&format!("/v1/wallets/{id}/addresses{}", query(pairs))).await?;
        Ok(page.items)
    }

    /// The address of a wallet at `account/0/index`.
    pub async fn address(
        &self,
        id: &WalletId,
        network: &Network,
        account: u32,
        index: u32,
    ) -> Result<String, ClientError> {
        let which = Addresses { network: *network, account, index, count: 1 };
        let first = self.addresses(id, &which).await?.into_iter().next();
        let nothing = || ClientError::Answer { status: 200, problem: "no address".into() };
        first.map(|view| view.address).ok_or_else(nothing)
    }

    /// Hands transactions in that pay a wallet on Bitcoin.
    pub async fn fund(&self, id: &WalletId, funding: &Funding) -> Result<FundingResult, ClientError> {
        self.post(&format!("/v1/wallets/{id}/funding"), funding, None).await
    }

    /// A wallet's known outputs on Bitcoin, newest first.
    pub async fn utxos(
        &self,
        id: &WalletId,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<Coin>, ClientError> {
        self.get(&format!("/v1/wallets/{id}/utxos{}", query(paging(limit, cursor)))).await
    }

    /// The certificate of a wallet's epoch, as the gateway shows it.
    pub async fn certificate_view(&self, id: &WalletId) -> Result<CertificateView, ClientError> {
        self.get(&format!("/v1/certificates/{id}")).await
    }

    /// The certificate of a wallet's epoch, to be checked with `Certificate::check`.
    pub async fn certificate(&self, id: &WalletId) -> Result<Certificate, ClientError> {
        let view = self.certificate_view(id).await?;
        let nonsense = |problem: String| ClientError::Answer { status: 200, problem };
        let bytes = hex::decode(&view.certificate).map_err(|error| nonsense(error.to_string()))?;
        borsh::from_slice(&bytes).map_err(|error| nonsense(error.to_string()))
    }
}

pub(crate) fn paging(limit: Option<u32>, cursor: Option<&str>) -> Vec<(&'static str, String)> {
    let limit = limit.map(|limit| ("limit", limit.to_string()));
    limit.into_iter().chain(cursor.map(|cursor| ("cursor", cursor.to_owned()))).collect()
}

/// A query with its question mark, or nothing.
pub(crate) fn query(pairs: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b':' => {
                    text.push(byte.into())
                }
                other => text.push_str(&format!("%{other:02X}")),
            }
        }
    }
    text
}

/// A network as queries name it.
pub(crate) fn network(network: &Network) -> String {
    match network {
        Network::Bitcoin { network } => format!(
            "bitcoin:{}",
            match network {
                BitcoinNetwork::Mainnet => "mainnet",
                BitcoinNetwork::Testnet => "testnet",
                BitcoinNetwork::Signet => "signet",
                BitcoinNetwork::Regtest => "regtest",
            }
        ),
        Network::Evm { chain_id } => format!("evm:{chain_id}"),
        Network::Solana { network } => format!(
            "solana:{}",
            match network {
                SolanaNetwork::Mainnet => "mainnet",
                SolanaNetwork::Testnet => "testnet",
                SolanaNetwork::Devnet => "devnet",
                SolanaNetwork::Localnet => "localnet",
            }
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_escaped() {
        let pairs = [("a", "x y&z".to_owned()), ("b", "bitcoin:regtest".to_owned())];
        assert_eq!(query(pairs), "?a=x%20y%26z&b=bitcoin:regtest");
        assert_eq!(query([]), "");
    }

    #[test]
    fn only_http_addresses_without_path_are_taken() {
        let key = || ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
        assert!(Client::new("http://127.0.0.1:7000/", key()).is_ok());
        assert!(Client::new("https://gateway.example", key()).is_ok());
        for bad in ["127.0.0.1:7000", "ftp://x", "http://x/api", "http://", "nonsense url"] {
            assert!(Client::new(bad, key()).is_err(), "{bad}");
        }
    }
}
