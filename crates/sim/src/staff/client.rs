//! A small HTTP client: one connection for each request, on loopback.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, HeaderValue, SET_COOKIE};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A hall that answers later than this is as good as away.
const PATIENCE: Duration = Duration::from_secs(10);

/// As whom a request is made.
#[derive(Clone, Debug)]
pub(crate) enum Who {
    /// Nobody: a link is followed.
    Nobody,
    /// A machine, by its token.
    Machine(String),
    /// A party in the field, by its session.
    Session(String),
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub body: Value,
    /// The session that was opened, as `name=value`.
    pub cookie: Option<String>,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("the hall at {0} cannot be reached")]
    Unreachable(SocketAddr, #[source] std::io::Error),
    #[error("the hall did not finish its answer to {0}")]
    Broken(String, #[source] hyper::Error),
    #[error("the hall did not answer {0} within {PATIENCE:?}")]
    Late(String),
    #[error("{0} is no request")]
    Request(String, #[source] hyper::http::Error),
}

/// Makes requests to one hall.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    pub address: SocketAddr,
}

impl Client {
    pub async fn get(&self, path: &str, who: &Who) -> Result<Answer, ClientError> {
        self.send(Method::GET, (path, "application/json", Bytes::new()), who).await
    }

    pub async fn post(&self, path: &str, body: &Value, who: &Who) -> Result<Answer, ClientError> {
        self.send(Method::POST, (path, "application/json", body.to_string().into()), who).await
    }

    pub async fn send(
        &self,
        method: Method,
        (path, media_type, body): (&str, &str, Bytes),
        who: &Who,
    ) -> Result<Answer, ClientError> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, self.address.to_string());
        request = request.header(CONTENT_TYPE, media_type);
        request = match who {
            Who::Nobody => request,
            Who::Machine(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            Who::Session(cookie) => request.header(COOKIE, cookie),
        };
        let request = request.body(Full::new(body)).map_err(|e| ClientError::Request(path.into(), e))?;
        let exchange = tokio::time::timeout(PATIENCE, self.exchange(path, request));
        exchange.await.map_err(|_| ClientError::Late(path.into()))?
    }

    async fn exchange(&self, path: &str, request: Request<Full<Bytes>>) -> Result<Answer, ClientError> {
        let broken = |e| ClientError::Broken(path.to_owned(), e);
        let stream = TcpStream::connect(self.address).await.map_err(|e| ClientError::Unreachable(self.address, e))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let answer = async {
            let response = sender.send_request(request).await?;
            let (status, cookie) = (response.status(), response.headers().get(SET_COOKIE).and_then(pair));
            let bytes = response.into_body().collect().await?.to_bytes();
            Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or_default(), cookie })
        };
        // The connection is driven beside the answer; when it ends first, what it delivered is still there.
        tokio::pin!(answer, connection);
        let answer = tokio::select! {
            biased;
            answer = &mut answer => answer,
            _ = &mut connection => answer.await,
        };
        answer.map_err(broken)
    }
}

/// `name=value` of a cookie.
fn pair(header: &HeaderValue) -> Option<String> {
    header.to_str().ok()?.split(';').next().map(str::to_owned)
}
