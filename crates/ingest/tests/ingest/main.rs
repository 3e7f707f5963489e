//! One test binary: the payload table, the protocol table, properties of the pure session, real sockets, a real broker.

mod broker;
mod payloads;
mod properties;
mod protocol;
mod rig;
mod sockets;
mod tls;
