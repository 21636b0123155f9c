//! Problem details, RFC 9457.

use crate::bitcoin::CoinError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use quorate_chains::ChainError;
use quorate_coordination::api::Problem;
use quorate_intent::IntentError;

/// An error of the API.
#[derive(Clone, Debug)]
pub struct ApiError(Box<Problem>);

/// The media type of problem details.
pub const MEDIA_TYPE: &str = "application/problem+json";

impl ApiError {
    /// A problem with its code and text.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem {
            kind: format!("urn:quorate:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error").into(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.into(),
            field: None,
        }))
    }

    /// Names the field or header that is wrong.
    pub fn field(mut self, field: &str) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// The gateway's own fault; details go to the log alone.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed inside the gateway");
        let detail = "the gateway could not do this; its log says why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// The problem itself.
    pub fn problem(&self) -> &Problem {
        &self.0
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let media_type = HeaderValue::from_static(MEDIA_TYPE);
        (status, [(header::CONTENT_TYPE, media_type)], body).into_response()
    }
}

impl From<IntentError> for ApiError {
    fn from(error: IntentError) -> Self {
        let (status, code) = match &error {
            IntentError::Field { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_field"),
            IntentError::Signature { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "bad_signature"),
            IntentError::NotAMember { .. } => (StatusCode::FORBIDDEN, "not_a_member"),
            IntentError::OwnIntent(_) => (StatusCode::FORBIDDEN, "own_intent"),
            IntentError::Duplicate(_) => (StatusCode::CONFLICT, "duplicate"),
            IntentError::OtherCluster { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "other_cluster"),
            IntentError::Time(_) => (StatusCode::UNPROCESSABLE_ENTITY, "not_valid_now"),
            _ => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        };
        let problem = Self::new(status, code, error.to_string());
        match error {
            IntentError::Field { field, .. } => problem.field(field),
            _ => problem,
        }
    }
}

impl From<ChainError> for ApiError {
    fn from(error: ChainError) -> Self {
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_transaction", error.to_string());
        match error {
            ChainError::Field { field, .. } => problem.field(field),
            ChainError::Address { .. } => problem.field("to"),
            ChainError::Suite { .. } => problem.field("wallet"),
            ChainError::Network { .. } => problem.field("network"),
            ChainError::Fee { .. } => problem.field("max_fee"),
            ChainError::OtherPlan { .. } => problem.field("plan"),
            _ => problem,
        }
    }
}

impl From<CoinError> for ApiError {
    fn from(error: CoinError) -> Self {
        let (code, field) = match error {
            CoinError::Chain(error) => return error.into(),
            CoinError::Transaction(..) => ("invalid_transaction", "transactions"),
            CoinError::Funds { .. } => ("insufficient_funds", "amount"),
            CoinError::Fee { .. } => ("fee_above_cap", "max_fee"),
            CoinError::NoChange => ("no_change", "fee_rate"),
            CoinError::TooMany => ("too_many_inputs", "amount"),
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, error.to_string()).field(field)
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(error)
    }
}
