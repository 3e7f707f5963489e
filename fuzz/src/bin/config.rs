//! Any text as settings, site file and rule file: problems, never a panic.
#![no_main]

use config::{Known, Revision, Source, load};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut source = Source::demo();
    match data.first().map(|b| b % 3) {
        Some(0) => source.settings.1 = text.into(),
        Some(1) => source.sites = vec![("site.toml".into(), text.into())],
        _ => {
            source.sites.truncate(1);
            source.rules[0].1 = text.into();
        }
    }
    if let Ok(loaded) = load(&source) {
        let _ = Revision::build(&loaded, &Known::default(), 1);
    }
});
