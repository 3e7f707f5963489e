//! Tests of the room. What touches SQL runs on both engines.

mod audit;
mod engines;
mod journal;
mod records;
