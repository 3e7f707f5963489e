//! Every promise on a wire: WebSocket frames, REST bodies, errors, permissions. Versioned; source of the OpenAPI.

mod alarms;
mod body;
mod frame;
mod orders;
mod people;
mod permission;
mod problem;

pub use alarms::{AcknowledgementView, ActorView, AlarmView, ShelvingView};
pub use body::*;
pub use frame::{
    AlarmFrame, ClientFrame, Heartbeat, Hello, Names, NoticeFrame, OrderFrame, ReadingView, ReadingsFrame,
    SnapshotRequired, Sources, encode_fact, settle,
};
pub use orders::{OrderView, ReceiptView};
pub use people::*;
pub use permission::{Permission, allowed, permissions};
pub use problem::{Code, Problem, code};

/// Version of the outside contract; in `hello` and in the OpenAPI.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
