//! What end-to-end tests need: the real program as a child, a raw MQTT client, an HTTP client, a WebSocket client.
#![allow(clippy::missing_panics_doc, reason = "a test that cannot go on panics")]

pub mod child;
pub mod database;
pub mod http;
pub mod mqtt;
pub mod served;
pub mod strace;
pub mod stream;
pub mod until;
