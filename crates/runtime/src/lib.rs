//! The task kit: supervised tasks with a stop order, bounded edges that count, watermarks, shared snapshots.
//! The only room that may spawn.

mod backoff;
mod intake;
mod latest;
mod histogram;
mod metrics;
mod shared;
mod tasks;
mod watermark;

pub use backoff::Backoff;
pub use intake::{Intake, Offer};
pub use latest::{Latest, LatestTable};
pub use histogram::Histogram;
pub use metrics::{Counter, Gauge, Metrics};
pub use shared::Shared;
pub use tasks::{Tasks, unix_now};
pub use watermark::Watermark;
