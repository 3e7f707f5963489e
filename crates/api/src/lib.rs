//! People's door: HTTP, the WebSocket stream with resume, sessions and roles; serves the console.

mod access;
mod board;
mod console;
mod deps;
mod described;
mod hub;
mod live;
mod openapi;
mod problem;
mod routes;
mod server;
mod sessions;
mod stream;
mod upgrade;

pub use access::hash_password;
pub use board::Board;
pub use deps::{
    AccountChange, AccountRow, AlarmQuery, AuditEntry, Blocking, Cameras, Desk, GroupQuery, HistoryQuery, Media,
    NewAttachment, RangeQuery, Records, SessionRow, Subsystem, TimelineQuery, TokenKind, TokenRow,
};
pub use hub::{FellBehind, Hub, frame};
pub use live::{Live, LivePage, LiveTold, Snapshot, Still};
pub use openapi::document;
pub use server::{Api, Parts, Settings};
pub use sessions::{By, Grant, Sessions};
pub use stream::Consoles;
