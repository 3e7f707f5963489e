//! Grade of an accident. State Council Order 493, Art. 3 [V]: "以上" includes the number, "以下" does not. Severe injury
//! includes acute industrial poisoning.

use crate::flow::FieldKind;

/// Grades as a field.
pub(crate) const CHOICES: FieldKind = FieldKind::Choice(&[
    ("particularly_major", "特别重大事故", "particularly major"),
    ("major", "重大事故", "major"),
    ("larger", "较大事故", "larger"),
    ("ordinary", "一般事故", "ordinary"),
]);

/// From these numbers on: dead, severely injured, direct loss in yuan.
const TABLE: [(&str, f64, f64, f64); 3] = [
    ("particularly_major", 30.0, 100.0, 100_000_000.0),
    ("major", 10.0, 50.0, 50_000_000.0),
    ("larger", 3.0, 10.0, 10_000_000.0),
];

/// The grade: the highest that any one of the three numbers reaches.
///
/// * `dead`, `injured` — persons; severely injured only.
/// * `loss` — direct economic loss in yuan.
/// # Source
/// State Council Order 493 (2007), Art. 3.
pub fn grade(dead: f64, injured: f64, loss: f64) -> &'static str {
    let row = TABLE.iter().find(|row| dead >= row.1 || injured >= row.2 || loss >= row.3);
    row.map_or("ordinary", |row| row.0)
}

/// The response level that usual trigger texts give: I for particularly major, and so on; a sensitive time or place may
/// raise it by one. `dead` counts the missing too.
pub fn suggested_level(dead: f64, injured: f64, loss: f64, sensitive: bool) -> &'static str {
    const LEVELS: [&str; 4] = ["I", "II", "III", "IV"];
    let grade = grade(dead, injured, loss);
    let level = TABLE.iter().position(|row| row.0 == grade).unwrap_or(TABLE.len());
    LEVELS[level.saturating_sub(usize::from(sensitive))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(dead: u32, injured: u32, loss: f64, expected: &str) {
        assert_eq!(grade(dead.into(), injured.into(), loss), expected, "{dead} dead, {injured} injured, {loss} yuan");
    }

    #[test]
    fn i3_boundaries_of_order_493() {
        check(0, 0, 0.0, "ordinary");
        for (number, below, from) in
            [(3, "ordinary", "larger"), (10, "larger", "major"), (30, "major", "particularly_major")]
        {
            check(number - 1, 0, 0.0, below);
            check(number, 0, 0.0, from);
        }
        for (number, below, from) in
            [(10, "ordinary", "larger"), (50, "larger", "major"), (100, "major", "particularly_major")]
        {
            check(0, number - 1, 0.0, below);
            check(0, number, 0.0, from);
        }
        for (yuan, below, from) in
            [(1e7, "ordinary", "larger"), (5e7, "larger", "major"), (1e8, "major", "particularly_major")]
        {
            check(0, 0, yuan - 0.01, below);
            check(0, 0, yuan, from);
        }
        check(2, 9, 1e8, "particularly_major");
    }

    #[test]
    fn a_sensitive_time_raises_the_level_by_one() {
        assert_eq!(suggested_level(0.0, 0.0, 0.0, false), "IV");
        assert_eq!(suggested_level(0.0, 0.0, 0.0, true), "III");
        assert_eq!(suggested_level(30.0, 0.0, 0.0, true), "I");
    }
}
