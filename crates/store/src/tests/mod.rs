//! Tests of the room. What touches SQL runs on both engines.

mod engines;
mod journal;
mod records;
