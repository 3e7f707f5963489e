//! Tables of rules: what they say, and why they are refused.

use std::sync::Arc;

use model::TagIndex;

use super::{Input, Program, Read, Resolved, RuleError, Truth, compile};

/// Tags in the order of their numbers, with units; `fan` is a switch.
const TAGS: [(&str, &str); 8] = [
    ("level", "m"),
    ("cap", "m"),
    ("qin", "m3/h"),
    ("qout", "m3/h"),
    ("gas.nh3.01", "ppm"),
    ("fan", ""),
    ("p", "kPa"),
    ("hub/temp", "°C"),
];

fn resolve(name: &str) -> Option<Resolved> {
    let rule = |text: &str| Some(Resolved::Rule(Arc::from(text)));
    match name {
        "overfull" => return rule("level / cap > 0.9"),
        "ring_a" => return rule("ring_b and fan"),
        "ring_b" => return rule("not ring_a"),
        "broken" => return rule("level >"),
        _ => {}
    }
    let found = TAGS.iter().position(|t| t.0 == name)?;
    Some(Resolved::Tag { tag: TagIndex(found as u32), unit: TAGS[found].1.into(), boolean: name == "fan" })
}

fn compiled(source: &str) -> Result<Program, RuleError> {
    compile(source, &resolve)
}

/// Values by tag number; missing ones are unknown. Windows and ages read as the value itself.
#[track_caller]
fn check(source: &str, values: &[f64], expected: Truth) {
    let program = compiled(source).unwrap_or_else(|e| panic!("{source}: {e}"));
    let read = |input: &Input| values.get(input.tag.0 as usize).copied().unwrap_or(f64::NAN);
    assert_eq!(program.evaluate(read), expected, "rule {source}, values {values:?}");
}

#[track_caller]
fn refuse(source: &str, code: &str, line: u32, column: u32) {
    let error = compiled(source).expect_err(source);
    assert_eq!((error.code.as_str(), error.line, error.column), (code, line, column), "rule {source}: {error}");
    assert!(!error.hint.is_empty() && !error.message.is_empty());
}

const NAN: f64 = f64::NAN;

#[test]
fn five_operators_over_many_tags() {
    let rule = "(level/cap)*100 > 90 and qin-qout > 2.5 or gas.nh3.01 > 20";
    check(rule, &[9.5, 10.0, 5.0, 1.0, 0.0], Truth::True);
    check(rule, &[9.5, 10.0, 2.0, 1.0, 0.0], Truth::False);
    check(rule, &[1.0, 10.0, 2.0, 1.0, 21.0], Truth::True);
    assert_eq!(compiled(rule).unwrap().inputs().len(), 5);
}

#[test]
fn unknown_spreads_as_far_as_it_matters() {
    check("level > 1 and p > 1", &[0.0], Truth::False);
    check("level > 1 and p > 1", &[2.0], Truth::Unknown);
    check("level > 1 or p > 1", &[2.0], Truth::True);
    check("level > 1 or p > 1", &[0.0], Truth::Unknown);
    check("not (level > 1)", &[NAN], Truth::Unknown);
    check("known(p) or level > 1", &[0.0], Truth::False);
    check("min(level, cap) > 1", &[NAN, 5.0], Truth::Unknown);
    check("max(level, cap) > 1", &[5.0, NAN], Truth::Unknown);
}

#[test]
fn division_by_zero_and_overflow_are_unknown() {
    check("level / cap > 1", &[1.0, 0.0], Truth::Unknown);
    check("level / cap > 1", &[0.0, 0.0], Truth::Unknown);
    check("level * 1e300 * 1e300 > 1", &[1.0], Truth::Unknown);
}

#[test]
fn row_28_a_rule_that_divides_has_a_watch_that_tells_its_faults_from_missing_data() {
    #[track_caller]
    fn fault(source: &str, values: &[f64], expected: Truth) {
        let watch = compiled(source).unwrap().faulted().unwrap_or_else(|| panic!("{source} has no watch"));
        let read = |input: &Input| values.get(input.tag.0 as usize).copied().unwrap_or(f64::NAN);
        assert_eq!(watch.evaluate(read), expected, "faulted({source}), values {values:?}");
    }
    fault("level / cap > 1", &[1.0, 0.0], Truth::True);
    fault("level / cap > 1", &[1.0, 2.0], Truth::False);
    fault("level / cap > 1", &[NAN, 0.0], Truth::False);
    fault("level / cap > 1", &[1.0], Truth::False);
    fault("level > 5 or level / cap > 1", &[6.0, 0.0], Truth::False);
    fault("level > 5 or level / cap > 1", &[4.0, 0.0], Truth::True);
    assert!(compiled("level * 2 > 1 and p > 1").unwrap().faulted().is_none());
}

#[test]
fn precedence_is_the_usual_one() {
    check("1 + 2 * 3 == 7", &[], Truth::True);
    check("10 - 4 - 3 == 3", &[], Truth::True);
    check("-level + 3 == 1", &[2.0], Truth::True);
    check("not level > 1 and fan", &[0.5, 0.0, 0.0, 0.0, 0.0, 1.0], Truth::True);
    check("true or false and false", &[], Truth::True);
    check("! fan || fan && false", &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0], Truth::True);
}

#[test]
fn units_are_converted_or_refused() {
    check("p > 0.1 MPa", &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 101.0], Truth::True);
    check("p > 0.1 MPa", &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 99.0], Truth::False);
    check("rate(level, 1m) > 60 mm/min", &[0.002], Truth::True);
    check("rate(level, 1m) > 60 mm/min", &[0.0005], Truth::False);
    check("age(level) > 2 min", &[121.0], Truth::True);
    refuse("p > 3 ppm", "RULE_UNIT", 1, 3);
    refuse("level + p > 3", "RULE_UNIT", 1, 7);
    refuse("\"hub/temp\" > level", "RULE_UNIT", 1, 12);
}

#[test]
fn words_for_data_and_quality() {
    check("stale(level) or quality(p) == bad", &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0], Truth::True);
    check("quality(p) < bad", &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], Truth::True);
    check("avg(gas.nh3.01, 5m) >= 25 ppm", &[0.0, 0.0, 0.0, 0.0, 25.0], Truth::True);
    let program = compiled("count(fan, 90s) > 3 and sum(p, 1h) > 1").unwrap();
    let reads: Vec<Read> = program.inputs().iter().map(|i| i.read).collect();
    assert_eq!(reads, [Read::Count(90_000_000), Read::Sum(3_600_000_000)]);
}

#[test]
fn rules_name_rules() {
    check("overfull and fan", &[9.5, 10.0, 0.0, 0.0, 0.0, 1.0], Truth::True);
    let error = compiled("ring_a").unwrap_err();
    assert_eq!((error.code.as_str(), error.rule.as_deref()), ("RULE_CYCLE", Some("ring_b")));
    let error = compiled("fan or broken").unwrap_err();
    assert_eq!((error.code.as_str(), error.rule.as_deref(), error.column), ("RULE_SYNTAX", Some("broken"), 8));
}

#[test]
fn refusals_name_code_and_place() {
    refuse("level > nosuch", "RULE_TAG_UNKNOWN", 1, 9);
    refuse("level", "RULE_TYPE", 1, 1);
    refuse("level and fan", "RULE_TYPE", 1, 7);
    refuse("fan + 1 > 2", "RULE_TYPE", 1, 5);
    refuse("not level", "RULE_TYPE", 1, 5);
    refuse("level = 3", "RULE_SYNTAX", 1, 7);
    refuse("fan and\n  level >", "RULE_SYNTAX", 2, 10);
    refuse("1 < level < 3", "RULE_SYNTAX", 1, 11);
    refuse("(level > 3", "RULE_SYNTAX", 1, 11);
    refuse("level > 3 ;", "RULE_SYNTAX", 1, 11);
    refuse("\"level > 3", "RULE_SYNTAX", 1, 1);
    refuse("median(level, 5m) > 3", "RULE_SYNTAX", 1, 1);
    refuse("avg(level, 5) > 3", "RULE_UNIT", 1, 12);
    refuse("avg(level, 2d) > 3", "RULE_RANGE", 1, 12);
    refuse("avg(level, 500ms) > 3", "RULE_RANGE", 1, 12);
    refuse("avg(3, 5m) > 3", "RULE_TYPE", 1, 5);
    refuse("level / 0 > 1", "RULE_RANGE", 1, 9);
    refuse("level > 1e999", "RULE_RANGE", 1, 9);
    refuse("", "RULE_SYNTAX", 1, 1);
}

#[test]
fn cost_is_bounded() {
    let long = vec!["level"; 400].join(" + ") + " > 1";
    assert_eq!(compiled(&long).unwrap_err().code.as_str(), "RULE_TOO_COSTLY");
    let deep = "(".repeat(4_000) + "level" + &")".repeat(4_000);
    assert_eq!(compiled(&deep).unwrap_err().code.as_str(), "RULE_TOO_COSTLY");
    let minus = "-".repeat(8_000) + "level > 1";
    assert_eq!(compiled(&minus).unwrap_err().code.as_str(), "RULE_TOO_COSTLY");
    let huge = " ".repeat(10_000) + "fan";
    assert_eq!(compiled(&huge).unwrap_err().code.as_str(), "RULE_TOO_COSTLY");
}

proptest::proptest! {
    /// Whatever is typed, the compiler answers; what compiles, evaluates.
    #[test]
    fn no_text_makes_it_panic(words in proptest::collection::vec(0_usize..28, 0..40), text in ".{0,40}") {
        const WORDS: [&str; 28] = [
            "level", "cap", "fan", "p", "(", ")", "+", "-", "*", "/", "<", ">=", "==", "and", "or", "not", "avg", ",",
            "5m", "3 kPa", "0.5", "overfull", "ring_a", "quality", "bad", "min", "\"hub/temp\"", "=",
        ];
        let source = words.iter().map(|w| WORDS[*w]).collect::<Vec<_>>().join(" ");
        for source in [source.clone(), text.clone(), format!("{source}{text}")] {
            if let Ok(program) = compiled(&source) {
                let _ = program.evaluate(|_| 1.0);
            }
        }
    }
}

/// A random rule together with what a naive evaluator says about it: text, value (none: unknown), and whether it is a condition.
fn random_rule(seed: &mut u64, depth: u32, condition: bool, values: &[Option<f64>]) -> (String, Option<f64>) {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let pick = (*seed >> 33) as usize;
    let mut sub = |condition| random_rule(seed, depth - 1, condition, values);
    match (condition, depth) {
        (false, 0) => {
            let tag = pick % 4;
            (["qin", "qout", "level", "cap"][tag].to_owned(), values[[2, 3, 0, 1][tag]])
        }
        (true, 0) => ("fan".to_owned(), values[5]),
        (false, _) => {
            let ((a, x), (b, y)) = (sub(false), sub(false));
            naive_arithmetic(pick, (&a, x), (&b, y))
        }
        (true, _) if pick.is_multiple_of(3) => {
            let ((a, x), (b, y)) = (sub(true), sub(true));
            let (word, value) = match (pick / 3) % 2 {
                0 if x == Some(0.0) || y == Some(0.0) => ("and", Some(0.0)),
                0 => ("and", x.zip(y).map(|_| 1.0)),
                _ if x == Some(1.0) || y == Some(1.0) => ("or", Some(1.0)),
                _ => ("or", x.zip(y).map(|_| 0.0)),
            };
            (format!("({a} {word} {b})"), value)
        }
        (true, _) if pick % 3 == 1 => {
            let (a, x) = sub(true);
            (format!("not ({a})"), x.map(|x| 1.0 - x))
        }
        (true, _) => {
            let (a, x) = sub(false);
            let limit = (pick % 7) as f64;
            (format!("({a}) * 1 > {limit}"), x.map(|x| f64::from(u8::from(x > limit))))
        }
    }
}

/// Products and quotients fit whatever the units are.
fn naive_arithmetic(pick: usize, (a, x): (&str, Option<f64>), (b, y): (&str, Option<f64>)) -> (String, Option<f64>) {
    let both = x.zip(y);
    let finite = |v: f64| v.is_finite().then_some(v);
    match pick % 3 {
        0 => (format!("({a}) * ({b})"), both.and_then(|(x, y)| finite(x * y))),
        1 => (format!("({a}) / ({b})"), both.and_then(|(x, y)| finite(x / y))),
        _ => (format!("-({a}) / abs({b})"), both.and_then(|(x, y)| finite(-x / y.abs()))),
    }
}

proptest::proptest! {
    /// Against a naive evaluator that knows no code, slots or fusion.
    #[test]
    fn compiled_rules_agree_with_a_naive_evaluator(
        mut seed in proptest::num::u64::ANY,
        depth in 1_u32..5,
        raw in proptest::collection::vec(proptest::option::weighted(0.8, -3_i8..4), 8),
    ) {
        let fan = |v: i8| f64::from(u8::from(v > 0));
        let values: Vec<Option<f64>> =
            raw.iter().enumerate().map(|(i, v)| v.map(|v| if i == 5 { fan(v) } else { f64::from(v) })).collect();
        let (source, expected) = random_rule(&mut seed, depth, true, &values);
        let program = compiled(&source).unwrap_or_else(|e| panic!("{source}: {e}"));
        let expected = match expected {
            None => Truth::Unknown,
            Some(0.0) => Truth::False,
            Some(_) => Truth::True,
        };
        let found = program.evaluate(|input| values[input.tag.0 as usize].unwrap_or(NAN));
        proptest::prop_assert_eq!(found, expected, "{}", source);
    }
}
