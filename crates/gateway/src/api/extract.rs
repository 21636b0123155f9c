//! Bodies, queries and path segments, with problem details for what is wrong with them.

use super::ApiError;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::str::FromStr;

/// A JSON body.
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = media.and_then(|value| value.split(';').next()).map(str::trim);
        if !media.is_some_and(|media| media.eq_ignore_ascii_case("application/json")) {
            let detail = "send the body as content-type application/json";
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
                .field("content-type"));
        }
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, "unreadable_body", error.to_string()))?;
        serde_json::from_slice(&body).map(Json).map_err(|error| {
            if error.is_data() {
                ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", error.to_string())
            } else {
                ApiError::new(StatusCode::BAD_REQUEST, "malformed_json", error.to_string())
            }
        })
    }
}

/// A query.
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        let wrong = |detail| ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", detail);
        query.map(|Query(value)| Self(value)).map_err(|error| wrong(error.body_text()))
    }
}

/// The identifier in a path.
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: FromStr<Err: Display>> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let wrong = |detail| ApiError::new(StatusCode::BAD_REQUEST, "invalid_id", detail).field("id");
        let text = Path::<String>::from_request_parts(parts, state).await;
        let Path(text) = text.map_err(|error| wrong(error.body_text()))?;
        text.parse().map(Self).map_err(|error| wrong(error.to_string()))
    }
}
