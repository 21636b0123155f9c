//! Deposits, networks, balances, fees.

use crate::calls::{network as name, paging, query};
use crate::{Client, ClientError};
use quorate_coordination::api::{
    Balance, Bump, Deposit, DepositState, FeesView, IntentView, NetworkView, Page,
};
use quorate_intent::{IntentId, Network};

/// Which deposits to list.
#[derive(Clone, Debug, Default)]
pub struct DepositFilter {
    /// Only to the deposit address with this id.
    pub address: Option<String>,
    /// Only in this state.
    pub state: Option<DepositState>,
    /// At most so many, 1 to 200.
    pub limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    pub cursor: Option<String>,
}

impl Client {
    /// Deposits, newest first.
    pub async fn deposits(&self, filter: &DepositFilter) -> Result<Page<Deposit>, ClientError> {
        let address = filter.address.clone().map(|address| ("address", address));
        let state = filter.state.map(|state| ("state", state.to_string()));
        let pairs = paging(filter.limit, filter.cursor.as_deref()).into_iter().chain(address).chain(state);
        self.get(&format!("/v1/deposits{}", query(pairs))).await
    }

    /// One deposit, by its id `dep_…`.
    pub async fn deposit(&self, id: &str) -> Result<Deposit, ClientError> {
        self.get(&format!("/v1/deposits/{id}")).await
    }

    /// The networks that the gateway watches.
    pub async fn networks(&self) -> Result<Vec<NetworkView>, ClientError> {
        let page: Page<NetworkView> = self.get("/v1/networks").await?;
        Ok(page.items)
    }

    /// What wallets hold, by the watched networks.
    pub async fn balances(&self) -> Result<Vec<Balance>, ClientError> {
        let page: Page<Balance> = self.get("/v1/balances").await?;
        Ok(page.items)
    }

    /// What fees are on a watched network.
    pub async fn fees(&self, network: &Network) -> Result<FeesView, ClientError> {
        self.get(&format!("/v1/fees{}", query([("network", name(network))]))).await
    }

    /// Raises the fee of a transaction that waits to be mined.
    pub async fn bump(&self, id: &IntentId, bump: &Bump) -> Result<IntentView, ClientError> {
        self.post(&format!("/v1/intents/{id}/bump"), bump, None).await
    }
}
