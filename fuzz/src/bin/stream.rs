//! Any text from a stream client.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = serde_json::from_str::<protocol::ClientFrame>(text);
    let _ = model::parse_rfc3339(data);
});
