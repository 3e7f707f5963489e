//! Readings in: the MQTT door and subscriptions to foreign brokers. Payloads become readings here,
//! are handed to the hall in batches, and are acknowledged only after the hall has committed them.
#![deny(missing_docs)]

mod batch;
mod reader;
mod refusal;
mod rejections;

pub mod broker;
pub mod mqtt;
pub mod payload;

pub use batch::{Batch, Link, LinkScope, Refused, Submit};
pub use refusal::{Code, Refusal};
pub use rejections::{Pending, PendingTags, Quarantined, Rejections, RejectionsView};
