//! A month of shifts from the pattern (S1): no gap, no overlap, and the same crews however often it is made.

use model::Time;

use crate::stage::{Deed, Stage};
use crate::{Cause, Fields, Item, Kind, Provenance, RosterPattern, Value, WorkRefusal};

/// Fields that hold accounts of a shift.
pub(crate) const CREW: [&str; 4] = ["leader", "main", "deputies", "standby"];

const DAY_S: i64 = 86_400;

/// Everybody who stands in a shift.
pub(crate) fn crew(shift: &Item) -> impl Iterator<Item = &str> {
    let values = CREW.iter().filter_map(|f| shift.fields.get(*f));
    values.flat_map(|v| v.as_text().into_iter().chain(v.as_list().iter().filter_map(Value::as_text)))
}

/// `2026-12` as the days since the epoch on which it and the next month begin.
fn days_of(month: &str) -> Option<(i64, i64)> {
    let (year, number) = month.split_once('-')?;
    let digits = |s: &str, len| (s.len() == len && s.bytes().all(|b| b.is_ascii_digit())).then(|| s.parse().ok());
    let (year, number): (i64, i64) = (digits(year, 4)??, digits(number, 2)??);
    let next = if number == 12 { (year + 1, 1) } else { (year, number + 1) };
    Some((first_day(year, number)?, first_day(next.0, next.1)?))
}

fn first_day(year: i64, month: i64) -> Option<i64> {
    let text = format!("{year:04}-{month:02}-01T00:00:00Z");
    model::parse_rfc3339(text.as_bytes()).ok().map(|us| us.div_euclid(DAY_S * 1_000_000))
}

/// The shifts of a day follow one another and fill it.
fn check_pattern(pattern: &RosterPattern) -> Result<(), WorkRefusal> {
    let bad = |problem: &str| Err(WorkRefusal::invalid("roster", problem));
    if pattern.shifts.is_empty() || pattern.crews.is_empty() {
        return bad("the pattern has no shifts or no crews");
    }
    let joins = pattern.shifts.iter().zip(pattern.shifts.iter().cycle().skip(1));
    let gapless =
        joins.into_iter().all(|(a, b)| (a.starts_at + a.length_s) % DAY_S as u32 == b.starts_at % DAY_S as u32);
    let whole = pattern.shifts.iter().map(|s| i64::from(s.length_s)).sum::<i64>() == DAY_S;
    if !gapless || !whole || pattern.shifts.iter().any(|s| s.length_s == 0) {
        return bad("the shifts of a day must follow one another and fill 24 h");
    }
    Ok(())
}

/// Makes every shift of `month` that has not ended yet, so that a hall can begin on any day: the one that is running is
/// asked for at once. False if no month was asked for.
pub(crate) fn generate(stage: &mut Stage<'_>, fields: &Fields, provenance: Provenance) -> Result<bool, WorkRefusal> {
    let Some(month) = fields.get("month").and_then(Value::as_text).map(str::to_owned) else { return Ok(false) };
    let settings = stage.book.settings().clone();
    check_pattern(&settings.roster)?;
    let (first, next) = days_of(&month).ok_or_else(|| WorkRefusal::invalid("month", "must be like 2026-12"))?;
    // The night shift of the last day before runs into the month, and belongs to the month before: whoever begins in that
    // night has nobody on duty unless it is made too.
    let shifts = (first - 1..next).flat_map(|day| (0..settings.roster.shifts.len()).map(move |index| (day, index)));
    let mut made = false;
    for (day, index) in shifts {
        let fields = shift_fields(&settings.roster, day, index, &month);
        let at = |name: &str| fields.get(name).and_then(Value::as_time).unwrap_or(stage.now);
        let (start, end) = (at("starts_at"), at("ends_at"));
        let of_before = day < first;
        if end <= stage.now || (of_before && (start > stage.now || is_made(stage, start, end))) {
            continue;
        }
        stage.create(Kind::Shift, fields, Vec::new(), (None, provenance), Cause::Command)?;
        made = true;
    }
    if made { Ok(true) } else { Err(WorkRefusal::invalid("month", "is over")) }
}

/// Whether somebody has this time already.
fn is_made(stage: &Stage<'_>, start: Time, end: Time) -> bool {
    let times = |s: &Item| s.time("starts_at").zip(s.time("ends_at"));
    stage.open_of(Kind::Shift).iter().filter_map(|s| times(s)).any(|(from, to)| from < end && start < to)
}

/// One shift; crews take turns by the number of shifts since the epoch, so that months join.
fn shift_fields(pattern: &RosterPattern, day: i64, index: usize, month: &str) -> Fields {
    let shift = &pattern.shifts[index];
    let number = day * pattern.shifts.len() as i64 + index as i64;
    let crew = &pattern.crews[number.rem_euclid(pattern.crews.len() as i64) as usize];
    // A pattern whose first shift begins at 08:00 ends its day at 08:00 of the next one.
    let wrapped = shift.starts_at < pattern.shifts[0].starts_at;
    let day = day + i64::from(wrapped);
    let start = Time::from_secs(day * DAY_S + i64::from(shift.starts_at) - pattern.utc_offset_s);
    let list = |accounts: &[String]| Value::List(accounts.iter().map(|a| a.as_str().into()).collect());
    Fields::from([
        ("month".into(), month.into()),
        ("title".into(), shift.name_zh.as_str().into()),
        ("title_en".into(), shift.name_en.as_str().into()),
        ("starts_at".into(), start.into()),
        ("ends_at".into(), start.plus_s(f64::from(shift.length_s)).into()),
        ("leader".into(), crew.leader.as_str().into()),
        ("main".into(), crew.main.as_str().into()),
        ("deputies".into(), list(&crew.deputies)),
        ("standby".into(), list(&crew.standby)),
    ])
}

/// A shift has both ends and a crew, and overlaps no other.
pub(crate) fn check_shift(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    crate::check::required(&["starts_at", "ends_at", "leader", "main"], &item.fields, "")?;
    let (Some(start), Some(end)) = (item.time("starts_at"), item.time("ends_at")) else { return Ok(()) };
    if end <= start || end.since_us(start) > 2 * DAY_S * 1_000_000 {
        return Err(WorkRefusal::invalid("ends_at", "must be after the start, at most 48 h"));
    }
    if end <= stage.now {
        return Err(WorkRefusal::invalid("ends_at", "is in the past"));
    }
    let own = item.id;
    let overlap = |other: &Item| {
        let times = other.time("starts_at").zip(other.time("ends_at"));
        other.id != own && times.is_some_and(|(s, e)| s < end && start < e)
    };
    if let Some(other) = stage.open_of(Kind::Shift).iter().find(|o| overlap(o)) {
        return Err(WorkRefusal::invalid("starts_at", format!("overlaps {}", other.id)));
    }
    let before = stage.book.settings().value("handover.relief_before").unwrap_or(600.0);
    // Of a shift that is running already nobody is late: its crew is asked for from now on.
    item.set("relief_at", start.plus_s(-before).max(stage.now).into());
    item.set("take_by", start.max(stage.now).into());
    Ok(())
}
