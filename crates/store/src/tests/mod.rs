//! Tests of the room. What touches SQL runs on both engines.

mod attachments;
mod audit;
mod crash;
mod engines;
mod historian;
mod inputs;
mod journal;
mod records;
mod schema;
mod work;
