//! Any bytes as a recording: every whole fragment is found, nothing beyond the file is believed, never a panic.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok((init, fragments, whole)) = video::fmp4::scan(&mut Cursor::new(data)) else { return };
    assert!(init.bytes.len() as u64 <= whole && whole <= data.len() as u64);
    assert!(fragments.iter().all(|f| f.range.end <= whole && f.data.end <= f.range.end));
});
