//! Invoices, events and webhooks.

use crate::calls::{paging, query};
use crate::{Client, ClientError};
use quorate_coordination::api::{
    Delivery, Event, Invoice, InvoiceState, NewInvoice, NewRefund, NewSweep, NewWebhook, Page, Sweep,
    UnsignedIntent, Webhook, WebhookChange, WebhookKeys,
};

/// Which invoices to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct InvoiceFilter {
    /// Only in this state.
    pub state: Option<InvoiceState>,
    /// Only of this customer.
    pub customer: Option<String>,
    /// Only with this number of the client's own.
    pub reference: Option<String>,
    /// `next_cursor` of an earlier page.
    pub cursor: Option<String>,
}

/// A body with nothing in it.
fn nothing() -> serde_json::Map<String, serde_json::Value> {
    serde_json::Map::new()
}

impl Client {
    /// Asks a customer to pay. The same idempotency key and body give the same invoice.
    pub async fn new_invoice(
        &self,
        new: &NewInvoice,
        idempotency_key: Option<&str>,
    ) -> Result<Invoice, ClientError> {
        self.post("/v1/invoices", new, idempotency_key).await
    }

    /// One invoice, by its id.
    pub async fn invoice(&self, id: &str) -> Result<Invoice, ClientError> {
        self.get(&format!("/v1/invoices/{id}")).await
    }

    /// Invoices, newest first.
    pub async fn invoices(&self, filter: &InvoiceFilter) -> Result<Page<Invoice>, ClientError> {
        let pairs = [
            ("state", filter.state.map(|state| state.as_str().to_owned())),
            ("customer", filter.customer.clone()),
            ("reference", filter.reference.clone()),
            ("cursor", filter.cursor.clone()),
        ];
        let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name, value?)));
        self.get(&format!("/v1/invoices{}", query(pairs))).await
    }

    /// Takes an invoice back to which nothing was paid.
    pub async fn cancel_invoice(&self, id: &str) -> Result<Invoice, ClientError> {
        self.post(&format!("/v1/invoices/{id}/cancel"), &nothing(), None).await
    }

    /// The transfer that gives money of an invoice back; to be signed and submitted like any other.
    pub async fn refund(&self, id: &str, new: &NewRefund) -> Result<UnsignedIntent, ClientError> {
        self.post(&format!("/v1/invoices/{id}/refunds"), new, None).await
    }

    /// The transfers that move deposits into one account; each to be signed and submitted like any other.
    pub async fn sweep(&self, new: &NewSweep) -> Result<Sweep, ClientError> {
        self.post("/v1/sweeps", new, None).await
    }

    /// Events behind one of them, the oldest first.
    pub async fn events(
        &self,
        after: Option<&str>,
        object: Option<&str>,
    ) -> Result<Page<Event>, ClientError> {
        let pairs = [("after", after), ("object", object), ("limit", Some("200"))];
        let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned())));
        self.get(&format!("/v1/events{}", query(pairs))).await
    }

    /// Adds a webhook.
    pub async fn new_webhook(&self, new: &NewWebhook) -> Result<Webhook, ClientError> {
        self.post("/v1/webhooks", new, None).await
    }

    /// All webhooks.
    pub async fn webhooks(&self) -> Result<Page<Webhook>, ClientError> {
        self.get("/v1/webhooks").await
    }

    /// Changes a webhook.
    pub async fn change_webhook(&self, id: &str, change: &WebhookChange) -> Result<Webhook, ClientError> {
        self.patch(&format!("/v1/webhooks/{id}"), change).await
    }

    /// Removes a webhook.
    pub async fn remove_webhook(&self, id: &str) -> Result<(), ClientError> {
        self.delete(&format!("/v1/webhooks/{id}")).await
    }

    /// Sends a ping to a webhook.
    pub async fn ping_webhook(&self, id: &str) -> Result<Delivery, ClientError> {
        self.post(&format!("/v1/webhooks/{id}/ping"), &nothing(), None).await
    }

    /// A webhook's deliveries, newest first.
    pub async fn deliveries(&self, id: &str, cursor: Option<&str>) -> Result<Page<Delivery>, ClientError> {
        self.get(&format!("/v1/webhooks/{id}/deliveries{}", query(paging(None, cursor)))).await
    }

    /// Makes a delivery once more.
    pub async fn resend(&self, id: &str) -> Result<Delivery, ClientError> {
        self.post(&format!("/v1/deliveries/{id}/resend"), &nothing(), None).await
    }

    /// The public keys that webhooks are signed by.
    pub async fn webhook_keys(&self) -> Result<WebhookKeys, ClientError> {
        self.get("/v1/webhook-keys").await
    }

    /// Makes the next key the current one.
    pub async fn rotate_webhook_keys(&self) -> Result<WebhookKeys, ClientError> {
        self.post("/v1/webhook-keys/rotate", &nothing(), None).await
    }
}
