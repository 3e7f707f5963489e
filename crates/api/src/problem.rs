//! Problems as HTTP answers.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use protocol::Problem;
use serde::de::DeserializeOwned;

/// A problem on its way out; gets a trace id that the log carries too.
#[derive(Debug)]
pub struct Answer(pub Problem);

impl From<Problem> for Answer {
    fn from(p: Problem) -> Self {
        Self(p)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let Self(mut problem) = self;
        problem.trace_id = crate::sessions::random_hex::<8>();
        let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        tracing::info!(code = problem.code, trace_id = problem.trace_id, field = problem.field, "request refused");
        (status, Json(problem)).into_response()
    }
}

/// A JSON body; what is wrong with it is said as a [`Problem`].
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Answer;
    async fn from_request(request: Request, state: &S) -> Result<Self, Answer> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(e) => Err(Answer(body_problem(&e))),
        }
    }
}

fn body_problem(e: &JsonRejection) -> Problem {
    let text = e.body_text();
    match e.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new("BODY_TOO_LARGE", ""),
        StatusCode::UNPROCESSABLE_ENTITY => {
            let field = text.split('`').nth(1).unwrap_or_default();
            let code = if text.contains("missing field") { "FIELD_REQUIRED" } else { "FIELD_INVALID" };
            Problem::new(code, field).detail(&text, &text)
        }
        _ => Problem::new("BODY_INVALID", "").detail(&text, &text),
    }
}

/// Query parameters; what is wrong with them is said as a [`Problem`].
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Answer;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Answer> {
        let query: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        match query {
            Ok(Query(params)) => Ok(Self(params)),
            Err(e) => Err(Answer(Problem::new("FIELD_INVALID", "query").detail(&e.body_text(), &e.body_text()))),
        }
    }
}
