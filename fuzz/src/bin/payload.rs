//! Any bytes as a payload: the fast way and the strict way agree, and what is accepted is finite.
#![no_main]

use ingest::payload::{Arrival, Sensor, decode, explain, glance};
use libfuzzer_sys::fuzz_target;
use model::{GatewayIndex, TagIndex, Time};

fuzz_target!(|data: &[u8]| {
    let directory = fuzz::directory();
    let Some(entry) = directory.get(TagIndex(0)) else { return };
    let sensor = Sensor::new(TagIndex(0), entry);
    let arrival = Arrival { gateway: GatewayIndex(0), now: Time(1_795_651_200_000_000) };
    let (mut fast, mut strict) = (Vec::new(), Vec::new());
    let read = decode(data, &sensor, arrival, &mut fast);
    let outcome = explain(data, &sensor, "ppm", arrival, &mut strict);
    assert_eq!(outcome.offered, outcome.accepted + outcome.refused.iter().map(|r| r.1).sum::<u64>());
    if read.is_some() {
        assert_eq!(fast, strict, "the two ways disagree");
    }
    assert!(strict.iter().chain(&fast).all(|r| r.value.is_finite()));
    let _ = glance(data);
});
