//! The task kit: supervised tasks with a stop order, bounded edges that count, watermarks, shared snapshots.
//! The only room that may spawn.

mod backoff;
mod histogram;
mod intake;
mod latest;
mod metrics;
mod shared;
mod tasks;
mod watermark;

pub use backoff::Backoff;
pub use histogram::Histogram;
pub use intake::{Intake, Offer};
pub use latest::{Latest, LatestTable};
pub use metrics::{Counter, Gauge, Metrics};
pub use shared::Shared;
pub use tasks::{Tasks, unix_now};
pub use watermark::Watermark;
