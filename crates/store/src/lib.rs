//! The journal and the records (SQLite or PostgreSQL through one SQL text), the audit chain, the outbox, and the
//! historian of readings (compressed chunks in SQLite files, one a day).
//!
//! `rusqlite` and the synchronous `postgres` and not `sqlx`: the journal belongs to one plain thread, and sqlx hands
//! every SQLite call to a worker thread: two thread wakes per commit, 20 to 50 us each as measured, and 400 s of
//! build. Here an urgent commit is a few function calls and one `fdatasync`.
#![deny(missing_docs)]

pub mod accounts;
pub mod attachments;
pub mod audit;
mod checkpoint;
mod database;
mod error;
mod fact;
mod historian;
mod input_log;
mod input_reader;
mod journal;
mod ledger;
mod lock;
mod migration;
pub mod mqtt_sessions;
pub mod outbox;
pub mod pending_tags;
mod reader;
mod recovery;
mod redo;
mod rows;
mod snapshot;
mod unsettled;
mod verify;
mod wal_sync;
mod work;

pub use checkpoint::WalState;
pub use database::{Built, Database, Param, Postgres, Row};
pub use error::{SqlError, StoreError};
pub use fact::{FactRow, Subject};
pub use historian::{Historian, HistorianCounts, HistorianSettings, History, Point};
pub use input_log::InputLog;
pub use input_reader::{InputDamage, InputReader, RecordedInput};
pub use journal::{AuditNote, Commit, Journal, Location};
pub use ledger::{GroupBy, WorkGroup};
pub use migration::VERSION as SCHEMA_VERSION;
pub use reader::{AlarmFilter, AuditEntry, EventRow, ROWS_MAX, Reader};
pub use recovery::Recovered;
pub use snapshot::Snapshots;
pub use verify::{Problem, Report, verify};
pub use work::WorkColumns;

#[cfg(test)]
mod tests;
