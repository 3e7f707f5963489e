//! The MQTT door: 3.1.1 and 5, QoS 0 to 2, PUBACK after the commit. Own listener, because no broker crate can hold
//! many unacknowledged PUBLISHes of one connection while a group commit runs.

mod access;
mod acks;
mod book;
mod connect;
mod connection;
pub(crate) mod counters;
mod door;
mod limits;
mod outgoing;
mod session;
mod tls;
pub(crate) mod topics;
pub(crate) mod verdict;
mod waiting;
mod wire;

pub use access::{Allowed, Identity, LoadSession, Login, LoginError, SaveSession, SessionRecord, Verify};
pub use connect::ConnectRequest;
pub use door::{Door, DoorDeps, DoorSettings, InternGateway};
pub use limits::Limits;
pub use outgoing::Outgoing;
pub use session::{Actions, Admission, Loss, Note, Session, Step};
pub use tls::{TlsError, names as certificate_names, server_config};
pub use topics::Site;
pub use wire::Version;
