//! Profiles: every deadline and threshold of the work systems as data, with its source and how sure we are of it.

use std::collections::BTreeMap;

use response::{Name, ProfileValue, profile};

use super::words::{Ids, PROFILE_KEY, Place, check, one_of, twice};
use crate::Problem;
use crate::reader::{Reader, Report};

/// The profiles that come with the program; a site's own go over them.
const SHIPPED: &[(&str, &str)] = &[
    ("config/profiles/dispatch.toml", include_str!("../../../../config/profiles/dispatch.toml")),
    ("config/profiles/drill.toml", include_str!("../../../../config/profiles/drill.toml")),
    ("config/profiles/duty.toml", include_str!("../../../../config/profiles/duty.toml")),
    ("config/profiles/hidden-danger.toml", include_str!("../../../../config/profiles/hidden-danger.toml")),
    ("config/profiles/incident.toml", include_str!("../../../../config/profiles/incident.toml")),
];

/// How sure we are: read in the primary text, on a secondary page, known in the field, our own proposal.
pub(super) const CONFIDENCE: &[&str] = &["V", "S", "K", "G"];

/// One profile file.
pub(crate) struct ProfileText {
    file: String,
    values: Vec<ValueText>,
}

struct ValueText {
    key: String,
    line: usize,
    value: ProfileValue,
    at_most: Option<f64>,
}

pub(crate) fn read(file: &str, text: &str) -> (ProfileText, Vec<Problem>) {
    let report = Report::new(file, text);
    let root = report.parse();
    let reader = Reader::new(root.get_ref(), 0, &report);
    let mut keys = Ids::default();
    let values = reader.tables("value").into_iter().map(|r| read_value(r, &mut keys)).collect();
    reader.finish();
    (ProfileText { file: file.into(), values }, report.take())
}

fn read_value(r: Reader<'_, '_>, keys: &mut Ids) -> ValueText {
    let key = keys.take(&r, "key");
    check(&r, ("key", PROFILE_KEY, &key), profile::BUILT_IN.iter().map(|b| b.key));
    let unit = one_of(&r, "unit", &["s", "d", "count"]);
    check_unit(&r, &key, unit);
    let value = r.needed_number("value");
    value.iter().for_each(|v| check_value(&r, *v, unit));
    let value = value.unwrap_or_default();
    let notes = [r.opt_text("article"), r.opt_text("note")];
    let article = notes.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let confidence = one_of(&r, "confidence", CONFIDENCE).into();
    let value = ProfileValue { value, unit: unit.into(), source: r.text("source"), confidence, article };
    let text = ValueText { key, line: r.line("value"), value, at_most: r.opt_number("at_most") };
    r.finish();
    text
}

/// A flow reads a key in one unit.
fn check_unit(r: &Reader<'_, '_>, key: &str, unit: &str) {
    let Some(wanted) = profile::built_in(key).map(|b| b.unit).filter(|u| *u != unit) else { return };
    let en = format!("key `unit` is \"{unit}\", but \"{key}\" is counted in \"{wanted}\"");
    r.problem("unit", "VALUE_RANGE", en, format!("键 `unit` 的值为 \"{unit}\"，但 \"{key}\" 以 \"{wanted}\" 计"));
}

/// A deadline of no length would be missed before anybody could meet it.
fn check_value(r: &Reader<'_, '_>, value: f64, unit: &str) {
    let right = if unit == "count" { value >= 0.0 && value.fract() == 0.0 } else { value > 0.0 };
    if !right {
        let (en, zh) =
            if unit == "count" { ("a whole number from 0", "不小于 0 的整数") } else { ("above 0", "大于 0") };
        let en = format!("key `value` is {value} {unit}, wanted {en}");
        r.problem("value", "VALUE_RANGE", en, format!("键 `value` 的值 {value} {unit} 应{zh}"));
    }
}

/// The shipped values with the site's own over them.
pub(crate) fn join(own: &[ProfileText], problems: &mut Vec<Problem>) -> BTreeMap<Name, ProfileValue> {
    let mut values = BTreeMap::new();
    let mut bounds = BTreeMap::new();
    for (file, text) in SHIPPED {
        let (shipped, more) = read(file, text);
        problems.extend(more);
        for v in shipped.values {
            bounds.extend(v.at_most.map(|most| (v.key.clone(), most)));
            values.insert(Name::from(v.key.as_str()), v.value);
        }
    }
    let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
    for (file, v) in own.iter().flat_map(|p| p.values.iter().map(move |v| (&p.file, v))) {
        let place = Place { file: file.clone(), line: v.line };
        if let Some(most) = bounds.get(&v.key).filter(|most| v.value.value > **most) {
            problems.push(place.problem("VALUE_RANGE", &v.key, looser(v, *most)));
        }
        // Twice in one file was told when it was read.
        if let Some(before) = seen.get(v.key.as_str()).filter(|before| before.file != *file) {
            let (en, zh) = twice("key", &v.key, before.line);
            problems.push(place.problem("NAME_TWICE", &v.key, (en + " of " + &before.file, zh)));
        }
        seen.insert(&v.key, place);
        values.insert(Name::from(v.key.as_str()), v.value.clone());
    }
    values
}

fn looser(v: &ValueText, most: f64) -> (String, String) {
    let (key, unit, value) = (&v.key, &v.value.unit, v.value.value);
    (
        format!("\"{key}\" is {value} {unit}, looser than the shipped profile allows; wanted at most {most} {unit}"),
        format!("\"{key}\" 为 {value} {unit}，比随附时限允许的更宽，应不超过 {most} {unit}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r5_every_number_that_a_flow_reads_is_shipped_with_source_and_confidence() {
        let mut problems = Vec::new();
        let values = join(&[], &mut problems);
        assert!(problems.is_empty(), "{problems:#?}");
        for built in profile::BUILT_IN {
            let shipped = values.get(built.key).unwrap_or_else(|| panic!("{} is not shipped", built.key));
            assert_eq!(shipped.value, built.value, "{}", built.key);
            assert!(!shipped.source.is_empty() && !shipped.article.is_empty(), "{}", built.key);
            assert!(&*shipped.confidence != "V" || built.confidence == "V", "{} was not read", built.key);
        }
        assert_eq!(values.len(), profile::BUILT_IN.len());
    }
}
