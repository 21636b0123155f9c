//! Deposit addresses, checked before they are given to anybody.

use crate::calls::query;
use crate::{Client, ClientError};
use quorate_coordination::api::{DepositAddress, NewDepositAddress, Page};
use quorate_coordination::{AddressFile, KeySet, WalletRecord, check_attested};
use quorate_intent::{Hash, WalletId};

/// Which deposit addresses to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct AddressFilter {
    /// Only of this customer.
    pub customer: Option<String>,
    /// Only this very address.
    pub address: Option<String>,
    /// Only of this wallet.
    pub wallet: Option<WalletId>,
    /// `next_cursor` of an earlier page.
    pub cursor: Option<String>,
}

impl Client {
    /// A new deposit address as the gateway shows it. Check it, or take [`Client::checked_deposit_address`].
    pub async fn new_deposit_address(
        &self,
        wallet: &WalletId,
        new: &NewDepositAddress,
        idempotency_key: Option<&str>,
    ) -> Result<DepositAddress, ClientError> {
        self.post(&format!("/v1/wallets/{wallet}/deposit-addresses"), new, idempotency_key).await
    }

    /// A new deposit address that is this wallet's on this network, by its certificate, and that at least t of its nodes
    /// vouch for. `cluster` is the hash of the pinned genesis; record and keys come from a certificate that was checked.
    ///
    /// # Errors
    /// [`ClientError::Attested`] when the gateway shows anything else: it is not to be trusted any more then.
    pub async fn checked_deposit_address(
        &self,
        cluster: &Hash,
        (record, keys): (&WalletRecord, &KeySet),
        new: &NewDepositAddress,
        idempotency_key: Option<&str>,
    ) -> Result<DepositAddress, ClientError> {
        let address = self.new_deposit_address(&record.wallet, new, idempotency_key).await?;
        if address.network != new.network {
            let problem = "an address of another network".to_owned();
            return Err(ClientError::Answer { status: 201, problem });
        }
        check_attested(cluster, record, keys, &address).map_err(ClientError::Attested)?;
        Ok(address)
    }

    /// Deposit addresses, newest first.
    pub async fn deposit_addresses(
        &self,
        filter: &AddressFilter,
    ) -> Result<Page<DepositAddress>, ClientError> {
        let pairs = [
            ("customer", filter.customer.clone()),
            ("address", filter.address.clone()),
            ("wallet", filter.wallet.map(|wallet| wallet.to_string())),
            ("cursor", filter.cursor.clone()),
        ];
        let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name, value?)));
        self.get(&format!("/v1/deposit-addresses{}", query(pairs))).await
    }

    /// One deposit address, by its id.
    pub async fn deposit_address(&self, id: &str) -> Result<DepositAddress, ClientError> {
        self.get(&format!("/v1/deposit-addresses/{id}")).await
    }

    /// A deposit address with everything that it takes to check it with the genesis alone.
    pub async fn address_file(&self, id: &str) -> Result<AddressFile, ClientError> {
        self.get(&format!("/v1/deposit-addresses/{id}/proof")).await
    }
}
