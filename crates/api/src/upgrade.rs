//! The WebSocket handshake, done by hand over hyper's upgrade, so that the raw socket can be written in whole batches.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use protocol::Problem;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// Largest frame a client may send, bytes; commands are small.
const INBOUND_MAX: usize = 64 * 1024;

/// The `Sec-WebSocket-Key`, if this is a WebSocket upgrade.
///
/// # Errors
/// `FIELD_REQUIRED` naming the header that is missing.
pub fn key(headers: &HeaderMap) -> Result<&HeaderValue, Problem> {
    let is = |name, wanted: &str| {
        headers.get(name).and_then(|v| v.to_str().ok()).is_some_and(|v| v.to_ascii_lowercase().contains(wanted))
    };
    if !is(header::UPGRADE, "websocket") || !is(header::CONNECTION, "upgrade") {
        return Err(Problem::new("FIELD_REQUIRED", "Upgrade").detail("WebSocket", "this is a WebSocket address"));
    }
    headers.get(header::SEC_WEBSOCKET_KEY).ok_or_else(|| Problem::new("FIELD_REQUIRED", "Sec-WebSocket-Key"))
}

/// The answer that switches protocols (RFC 6455 §4.2.2).
pub fn accept(key: &HeaderValue) -> Response<Body> {
    let accept = derive_accept_key(key.as_bytes());
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(value) = HeaderValue::from_str(&accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, value);
    }
    response
}

/// The socket behind the upgrade, with a reader for what the client sends.
///
/// # Errors
/// When the connection is not one of our plain TCP listeners.
pub async fn open(upgraded: Upgraded) -> Result<WebSocketStream<TcpStream>, &'static str> {
    // The server looks at the first bytes to tell HTTP versions apart, so the socket sits in one more wrapper.
    let parts = downcast::<TokioIo<TcpStream>>(upgraded).map_err(|_| "not a plain TCP connection")?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(INBOUND_MAX))
        .max_frame_size(Some(INBOUND_MAX))
        .read_buffer_size(4 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(64 * 1024);
    let stream = parts.io.into_inner();
    Ok(WebSocketStream::from_partially_read(stream, parts.read_buf.to_vec(), Role::Server, Some(config)).await)
}
