//! Tests of the room. What touches SQL runs on both engines.

mod attachments;
mod audit;
mod crash;
mod engines;
mod historian;
mod inputs;
pub(crate) mod journal;
mod records;
mod schema;
mod secured;
mod work;
