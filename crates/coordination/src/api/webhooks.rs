//! Webhooks, their deliveries and the keys that sign them, as the API shows them.

use serde::{Deserialize, Serialize};
use std::fmt;

object! {
    /// A request for a webhook.
    #[serde(deny_unknown_fields)]
    pub struct NewWebhook {
        /// Where events are sent: `https://…`.
        pub url: String,
        /// What it is for; at most 200 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// Kinds of events: `*`, `invoice.*`, `deposit.credited` and the like. All when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub events: Option<Vec<String>>,
        /// The receiver is in a private network, or speaks plain HTTP. Only for hosts that the gateway's operator has allowed.
        #[serde(default)]
        pub allow_private: bool,
    }
}

object! {
    /// What is to change of a webhook; what is absent stays.
    #[serde(deny_unknown_fields)]
    pub struct WebhookChange {
        /// Where events are sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub url: Option<String>,
        /// What it is for; empty for nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// Kinds of events.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub events: Option<Vec<String>>,
        /// Whether anything is sent. What happens meanwhile is sent when it is switched on again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub enabled: Option<bool>,
        /// As at creation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub allow_private: Option<bool>,
    }
}

object! {
    /// Who is told of events.
    pub struct Webhook {
        /// `whk_` and 16 hex digits.
        pub id: String,
        /// Where events are sent.
        pub url: String,
        /// What it is for.
        pub description: Option<String>,
        /// Kinds of events: `*`, or prefixes.
        pub events: Vec<String>,
        /// Whether anything is sent. A receiver that answers 410 Gone is switched off.
        pub enabled: bool,
        /// Unix milliseconds.
        pub created_ms: u64,
        /// Whether private addresses and plain HTTP are allowed.
        pub allow_private: bool,
    }
}

/// Where a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waits for its turn, or for the next attempt.
    Pending,
    /// The receiver took it.
    Delivered,
    /// Every attempt failed.
    Failed,
}

impl DeliveryState {
    /// As it is named in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// The state of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Failed].into_iter().find(|state| state.as_str() == name)
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

object! {
    /// One event on its way to one webhook.
    pub struct Delivery {
        /// `dlv_` and 16 hex digits.
        pub id: String,
        /// To which webhook.
        pub webhook: String,
        /// Which event; also the header `webhook-id`, the same at every attempt.
        pub event: String,
        /// How often it was tried.
        pub attempt: u32,
        /// Where it is.
        pub state: DeliveryState,
        /// What the receiver answered last.
        pub status: Option<u16>,
        /// What went wrong last.
        pub error: Option<String>,
        /// When it was tried last, or queued, Unix milliseconds.
        pub at_ms: u64,
        /// When it is tried next, Unix milliseconds.
        pub next_ms: Option<u64>,
    }
}

object! {
    /// The public keys that webhooks are signed by, for receivers.
    pub struct WebhookKeys {
        /// Signs everything (`whpk_…`).
        pub current: String,
        /// Will be the current one after the next rotation.
        pub next: String,
        /// Still signs beside the current one.
        pub previous: Option<String>,
        /// Until when it does, Unix seconds.
        pub previous_until: Option<u64>,
    }
}
