//! Every acceptance criterion of the work systems and of alarms (domain §2) has a test that carries its label.

use std::collections::BTreeSet;
use std::path::Path;

use hall_tests::child::top;

/// Letters and how many criteria they have.
const CRITERIA: [(char, u32); 6] = [('d', 5), ('s', 4), ('h', 6), ('x', 4), ('r', 5), ('a', 9)];

/// The labels a test's name begins with: of `r3_r4_any_commands` both.
fn labels(name: &str) -> impl Iterator<Item = &str> {
    let is_label = |part: &&str| {
        let (letter, number) = part.split_at(part.len().min(1));
        let known = CRITERIA.iter().any(|(l, _)| letter.chars().eq([*l]));
        known && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    };
    name.split('_').take_while(is_label)
}

/// Names of the functions that a file's test attribute, `proptest!` or `on_both!` makes tests of.
fn tests_of(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut attribute = false;
    for line in text.lines().map(str::trim) {
        attribute |= line == "#[test]";
        if let Some(name) = line.strip_prefix("fn ").and_then(|rest| rest.split(['(', '<']).next()) {
            names.extend(attribute.then_some(name));
            attribute = false;
        }
    }
    let both = text.split("on_both!(").skip(1).filter_map(|rest| rest.split(')').next());
    names.extend(both.flat_map(|list| list.split(',')).map(str::trim).filter(|name| !name.is_empty()));
    names
}

fn collect(folder: &Path, found: &mut BTreeSet<String>) {
    for path in std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()) {
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source");
            found.extend(tests_of(&text).into_iter().flat_map(labels).map(str::to_owned));
        }
    }
}

#[test]
fn every_criterion_has_a_test_with_its_label() {
    let mut found = BTreeSet::new();
    for folder in ["crates", "tests/src"] {
        collect(&top().join(folder), &mut found);
    }
    let wanted = CRITERIA.iter().flat_map(|(letter, most)| (1..=*most).map(move |n| format!("{letter}{n}")));
    let missing: Vec<String> = wanted.filter(|label| !found.contains(label)).collect();
    assert!(missing.is_empty(), "no test carries {}", missing.join(", "));
}

#[test]
fn a_label_counts_only_at_the_head_of_a_test() {
    let text = "#[test]\nfn r3_r4_any() {}\nfn x1_no_test() {}\n#[test]\nfn row_d1() {}\non_both!(h1_a,\n h2_b);\n";
    let found: Vec<&str> = tests_of(text).into_iter().flat_map(labels).collect();
    assert_eq!(found, ["r3", "r4", "h1", "h2"]);
}
