//! Any bytes as an input record of the journal: damage is reported with its place, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use store::InputReader;

fuzz_target!(|data: &[u8]| {
    let Ok(reader) = InputReader::new(data) else { return };
    // A damaged record ends the reader; a reader that never ended would be a hang.
    for input in reader.take(1_000_000) {
        if input.is_err() {
            return;
        }
    }
});
