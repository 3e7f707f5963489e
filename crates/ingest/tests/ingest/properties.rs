//! Properties of the pure session: how the stream is cut does not matter, and nothing makes it panic.

use ingest::mqtt::Limits;
use proptest::prelude::*;

use crate::rig::{Bench, pen};

/// A session that does a little of everything.
fn script(level: u8) -> Vec<Vec<u8>> {
    let topic = "fh/v1/plant-a/nh3-1";
    let array = format!("[{}]", vec![r#"{"v":1.5,"ts":1795651200000,"q":"good","seq":3}"#; 40].join(","));
    let mut all = vec![
        pen::connect(level, 2, "c", &[]),
        pen::publish(level, 0x30, topic, 0, r#"{"v":1}"#),
        pen::publish(level, 0x32, topic, 1, r#"{"ts":1795651200000,"v":-2.5}"#),
        pen::publish(level, 0x34, topic, 2, &array),
        pen::publish(level, 0x33, "gw/plant-a/1/data", 3, r#"{"d":{"nh3":5,"new":1}}"#),
        pen::publish(level, 0x32, "fh/v1/plant-b/dust-1", 4, r#"{"v":1}"#),
        pen::publish(level, 0x32, topic, 5, r#"{"v":"no"}"#),
        vec![0xc0, 0],
        pen::subscribe(level, "fenghuo/out/plant-a/#", 1),
        vec![0x62, 2, 0, 2],
        pen::packet(
            0xa2,
            &[&[0, 9][..], if level == 5 { &[0] } else { &[] }, &pen::text("fenghuo/out/plant-a/#")].concat(),
        ),
    ];
    if level == 5 {
        all.push(pen::publish_with(5, 0x30, topic, 0, &[0x23, 0, 1], r#"{"v":1}"#));
        all.push(pen::publish_with(5, 0x30, "", 0, &[0x23, 0, 1], r#"{"v":2}"#));
    }
    all.push(vec![0xe0, 0]);
    all
}

/// Everything a session did, in a form that can be compared. Commits come at the end only.
fn run(pieces: &[&[u8]]) -> String {
    let mut bench = Bench::new(Limits::default());
    for piece in pieces {
        bench.feed(piece);
    }
    bench.commit();
    let sent = bench.sent();
    let (readings, links, notes, steps) = (&bench.readings, &bench.links, &bench.out.notes, &bench.out.steps);
    format!("{sent:02x?} {readings:?} {links:?} {notes:?} {steps:?} {} {}", bench.offered, bench.refused)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_split_of_the_stream_gives_the_same_actions(five: bool, cuts in prop::collection::vec(0usize..6_000, 0..40)) {
        let stream = script(if five { 5 } else { 4 }).concat();
        let mut cuts: Vec<_> = cuts.into_iter().filter(|c| *c < stream.len()).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&stream[from..cut]);
            from = cut;
        }
        pieces.push(&stream[from..]);
        prop_assert_eq!(run(&pieces), run(&[&stream]));
    }
}

/// xorshift64*: the same sessions in every run.
struct Noise(u64);

impl Noise {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }
}

fn mutate(stream: &mut Vec<u8>, noise: &mut Noise) {
    for _ in 0..=noise.below(4) {
        let at = noise.below(stream.len());
        match noise.below(5) {
            0 => stream[at] = noise.below(256) as u8,
            1 => stream[at] ^= 1 << noise.below(8),
            2 => {
                stream.remove(at);
            }
            3 => stream.insert(at, noise.below(256) as u8),
            _ => stream.truncate(at.max(1)),
        }
    }
}

#[test]
fn twenty_thousand_mutated_sessions_do_not_panic_and_account_for_everything() {
    let mut noise = Noise(0x0f_e1_9b_00);
    for i in 0..20_000 {
        let mut stream = script(4 + (i % 2) as u8).concat();
        mutate(&mut stream, &mut noise);
        let mut bench = Bench::new(Limits::default());
        let cut = noise.below(stream.len() + 1);
        bench.feed(&stream[..cut]);
        bench.feed(&stream[cut..]);
        bench.commit();
        bench.session.lost(crate::rig::NOW, &bench.site, &mut bench.out);
        assert_eq!(bench.offered, bench.readings.len() as u64 + bench.refused, "session {i}");
        assert!(bench.readings.iter().all(|r| r.value.is_finite()), "session {i}");
    }
}
