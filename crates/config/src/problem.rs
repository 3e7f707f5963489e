//! One thing wrong in a file, as a person needs it to mend it.

use std::fmt;

/// A problem with its place. Displays as `file:line: CODE text; hint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// File as named by the caller.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Stable code: `KEY_UNKNOWN`, `KEY_MISSING`, `VALUE_TYPE`, `VALUE_RANGE`, `SYNTAX`, `RULE_…`, `FILE_UNREADABLE`.
    pub code: &'static str,
    /// Key it is about.
    pub key: String,
    /// What is wrong: found and wanted.
    pub message_en: String,
    /// The same in Chinese.
    pub message_zh: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} {} / {}", self.file, self.line, self.code, self.message_en, self.message_zh)
    }
}

/// The candidate closest to `name`, if it is close enough to be meant.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(2);
    candidates.into_iter().map(|c| (distance(name, c), c)).filter(|(d, _)| *d <= limit).min().map(|(_, c)| c)
}

/// Edit distance with transpositions (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_key() {
        for (typed, meant) in [("brocker", "broker"), ("on_dealy_s", "on_delay_s"), ("limts", "limits")] {
            assert_eq!(nearest(typed, ["broker", "on_delay_s", "limits", "span"]), Some(meant));
        }
        assert_eq!(nearest("frequency", ["broker", "span"]), None);
    }
}
