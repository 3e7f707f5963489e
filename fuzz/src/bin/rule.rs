//! Any text as a rule: compiles or says why; what compiles evaluates within its fuel.
#![no_main]

use alarm::rule::{FUEL_MAX, Resolved, compile};
use libfuzzer_sys::fuzz_target;
use model::TagIndex;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let resolve = |name: &str| match name {
        "a" => Some(Resolved::Tag { tag: TagIndex(0), unit: "ppm".into(), boolean: false }),
        "b" => Some(Resolved::Tag { tag: TagIndex(1), unit: "".into(), boolean: true }),
        "r" => Some(Resolved::Rule("a > 5 ppm and r".into())),
        _ => None,
    };
    if let Ok(program) = compile(text, &resolve) {
        assert!(program.cost() <= FUEL_MAX);
        for value in [0.0, 1.0, -1e300, f64::NAN] {
            let _ = program.evaluate(|_| value);
        }
    }
});
