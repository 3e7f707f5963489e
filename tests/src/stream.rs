//! The stream as a machine sees it.

use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

use crate::child::Hall;

/// One connection.
pub struct Stream {
    socket: WebSocket<TcpStream>,
}

impl Stream {
    /// Connects with the machine token; `since` as in the contract.
    #[track_caller]
    pub fn open(hall: &Hall, since: Option<u64>) -> Self {
        Self::try_open(hall, since, &[("authorization", &format!("Bearer {}", hall.token()))])
            .expect("the stream opens")
    }

    /// Connects with these headers; the HTTP status and body if it is refused.
    ///
    /// # Errors
    /// Status and problem.
    pub fn try_open(hall: &Hall, since: Option<u64>, headers: &[(&str, &str)]) -> Result<Self, (u16, Value)> {
        let tcp = TcpStream::connect(hall.host()).expect("connected");
        tcp.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
        let query = since.map_or_else(String::new, |n| format!("?since={n}"));
        let mut request =
            format!("ws://{}/api/v1/stream{query}", hall.host()).into_client_request().expect("a request");
        for (name, value) in headers {
            let name: tungstenite::http::HeaderName = name.parse().expect("a header");
            request.headers_mut().insert(name, value.parse().expect("a value"));
        }
        match tungstenite::client(request, tcp) {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(response))) => {
                let body = response.body().as_deref().and_then(|b| serde_json::from_slice(b).ok());
                Err((response.status().as_u16(), body.unwrap_or(Value::Null)))
            }
            Err(e) => panic!("the stream did not answer: {e}"),
        }
    }

    /// The next frame; none when the connection ended, with the close code if there was one.
    #[allow(clippy::should_implement_trait, reason = "the end carries the close code")]
    pub fn next(&mut self) -> Result<Value, Option<(u16, String)>> {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Ok(serde_json::from_str(&text).expect("a frame is one JSON object")),
                Ok(Message::Close(frame)) => return Err(frame.map(|f| (f.code.into(), f.reason.to_string()))),
                Ok(_) => {}
                Err(_) => return Err(None),
            }
        }
    }

    /// Reads until a frame fits.
    #[track_caller]
    pub fn find(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = std::time::Instant::now() + crate::until::PATIENCE;
        while std::time::Instant::now() < deadline {
            match self.next() {
                Ok(frame) if fits(&frame) => return frame,
                Ok(_) => {}
                Err(end) => panic!("the stream ended ({end:?}) before: {what}"),
            }
        }
        panic!("not on the stream: {what}")
    }

    /// Says something.
    #[track_caller]
    pub fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).expect("sent");
    }
}
