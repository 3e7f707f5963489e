//! The roster pattern: shifts that cover the day, crews that take turns.

use response::{Crew, RosterPattern, ShiftPattern};

use super::words::{ACCOUNT, Place, unknown};
use crate::reader::{Reader, Report};
use crate::{Account, Problem};
use model::Role;

const DAY_S: u32 = 86_400;

/// The roster file.
pub(crate) struct RosterText {
    file: String,
    pattern: RosterPattern,
    /// Lines of the crews.
    lines: Vec<usize>,
}

pub(crate) fn read(file: &str, text: &str) -> (RosterText, Vec<Problem>) {
    let report = Report::new(file, text);
    let root = report.parse();
    let reader = Reader::new(root.get_ref(), 0, &report);
    let utc_offset_s = reader.number("utc_offset_s", 28_800.0, -50_400.0..=50_400.0) as i64;
    let mut shifts = Vec::new();
    for r in reader.tables("shift") {
        shifts.push((read_shift(&r), r.line("starts_at_s")));
        r.finish();
    }
    let (mut crews, mut lines) = (Vec::new(), Vec::new());
    for r in reader.tables("crew") {
        crews.push(read_crew(&r));
        lines.push(r.line("leader"));
        r.finish();
    }
    if !shifts.is_empty() && crews.is_empty() {
        let en = "there are shifts but no [[crew]] to stand them".to_owned();
        reader.problem("shift", "KEY_MISSING", en, "有班次但没有值班组 [[crew]]".into());
    }
    reader.finish();
    let mut problems = report.take();
    if problems.is_empty() {
        problems = cover(file, &shifts);
    }
    let shifts = shifts.into_iter().map(|(s, _)| s).collect();
    let pattern = RosterPattern { shifts, crews, utc_offset_s };
    (RosterText { file: file.into(), pattern, lines }, problems)
}

fn read_shift(r: &Reader<'_, '_>) -> ShiftPattern {
    let last = f64::from(DAY_S - 1);
    ShiftPattern {
        name_zh: r.text("name_zh"),
        name_en: r.text("name_en"),
        starts_at: r.required_number("starts_at_s", 0.0..=last).unwrap_or_default() as u32,
        length_s: r.required_number("length_s", 1.0..=f64::from(DAY_S)).unwrap_or_default() as u32,
    }
}

/// A leader and a main officer lead each shift, and at least one deputy stands with them (domain §2.6).
fn read_crew(r: &Reader<'_, '_>) -> Crew {
    let crew = Crew {
        leader: r.text("leader"),
        main: r.text("main"),
        deputies: r.texts("deputies"),
        standby: r.texts("standby"),
    };
    if crew.deputies.is_empty() {
        let en = "key `deputies` is empty, wanted at least one account".to_owned();
        r.problem("deputies", "KEY_MISSING", en, "键 `deputies` 至少需要一个账号".into());
    }
    let mut seen: Vec<&String> = Vec::new();
    for (key, account) in people(&crew) {
        if seen.contains(&account) && !account.is_empty() {
            let en = format!("key `{key}` names \"{account}\", who is in this crew already");
            r.problem(key, "NAME_TWICE", en, format!("键 `{key}` 的 \"{account}\" 已在本组中"));
        }
        seen.push(account);
    }
    crew
}

fn people(crew: &Crew) -> impl Iterator<Item = (&'static str, &String)> {
    let one = [("leader", &crew.leader), ("main", &crew.main)].into_iter();
    let deputies = crew.deputies.iter().map(|a| ("deputies", a));
    one.chain(deputies).chain(crew.standby.iter().map(|a| ("standby", a)))
}

/// The shifts of a day follow one another round the clock: each ends where the next begins.
fn cover(file: &str, shifts: &[(ShiftPattern, usize)]) -> Vec<Problem> {
    let mut order: Vec<&(ShiftPattern, usize)> = shifts.iter().collect();
    order.sort_by_key(|(s, _)| s.starts_at);
    let mut problems = Vec::new();
    for (i, (shift, line)) in order.iter().enumerate() {
        let (next, over) = match order.get(i + 1) {
            Some((next, _)) => (next, 0),
            None => (&order[0].0, DAY_S),
        };
        let (end, begin) = (shift.starts_at + shift.length_s, next.starts_at + over);
        if end != begin {
            let place = Place { file: file.into(), line: *line };
            problems.push(joint(&place, (shift, next), (end, begin)));
        }
    }
    problems
}

fn joint(place: &Place, (a, b): (&ShiftPattern, &ShiftPattern), (end, begin): (u32, u32)) -> Problem {
    let (from, to) = (clock(end.min(begin)), clock(end.max(begin)));
    if end < begin {
        let en = format!("nobody is on duty from {from} to {to}, between \"{}\" and \"{}\"", a.name_en, b.name_en);
        let zh = format!("{from} 至 {to} 无人值班（“{}”与“{}”之间）", a.name_zh, b.name_zh);
        return place.problem("SHIFT_GAP", "length_s", (en, zh));
    }
    let en = format!("\"{}\" and \"{}\" are both on duty from {from} to {to}", a.name_en, b.name_en);
    let zh = format!("“{}”与“{}”在 {from} 至 {to} 重叠", a.name_zh, b.name_zh);
    place.problem("SHIFT_OVERLAP", "length_s", (en, zh))
}

fn clock(s: u32) -> String {
    let s = s % DAY_S;
    format!("{:02}:{:02}:{:02}", s / 3_600, s / 60 % 60, s % 60)
}

/// Holds crews against the accounts of the settings.
pub(crate) fn join(text: RosterText, accounts: &[Account], problems: &mut Vec<Problem>) -> RosterPattern {
    for (crew, line) in text.pattern.crews.iter().zip(&text.lines) {
        let place = Place { file: text.file.clone(), line: *line };
        for (key, name) in people(crew) {
            match accounts.iter().find(|a| a.account == *name) {
                None if name.is_empty() => {}
                None => {
                    let names = accounts.iter().map(|a| a.account.as_str());
                    problems.push(place.problem("NAME_UNKNOWN", key, unknown(key, ACCOUNT, name, names)));
                }
                Some(a) if matches!(a.role, Role::Administrator | Role::ReadOnly) => {
                    let en = format!(
                        "key `{key}` is \"{name}\", whose role stands no watch; wanted duty_officer, shift_lead or commander"
                    );
                    let zh = format!(
                        "键 `{key}` 的账号 \"{name}\" 的角色不值班，应为 duty_officer、shift_lead 或 commander"
                    );
                    problems.push(place.problem("VALUE_RANGE", key, (en, zh)));
                }
                Some(_) => {}
            }
        }
    }
    text.pattern
}
