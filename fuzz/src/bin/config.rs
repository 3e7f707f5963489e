//! Any text as settings, site, rule and as each file of the work systems: problems, never a panic.
#![no_main]

use config::{Known, Revision, Source, WorkSource, load};
use libfuzzer_sys::fuzz_target;

const SITE: &str = "[enterprise]\nid = \"e\"\nname_zh = \"甲\"\nname_en = \"A\"\n[[tag]]\ntag = \"a\"\nunit = \"ppm\"\n\
                    span = [0, 100]\nlimits = { h = 25 }\n[[tag]]\ntag = \"b\"\n";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let file = |text: &str| ("file.toml".to_owned(), text.to_owned());
    let work = WorkSource::default();
    let mut source = Source { settings: file(""), sites: vec![file(SITE)], rules: Vec::new(), work };
    match data.first().map(|b| b % 7) {
        Some(0) => source.settings = file(text),
        Some(1) => source.sites = vec![file(text)],
        Some(2) => source.work.plans = vec![file(text)],
        Some(3) => source.work.parties = Some(file(text)),
        Some(4) => source.work.roster = Some(file(text)),
        Some(5) => source.work.profiles = vec![file(text)],
        _ => source.rules = vec![file(text)],
    }
    if let Ok(loaded) = load(&source) {
        let _ = Revision::build(&loaded, &Known::default(), 1);
    }
});
