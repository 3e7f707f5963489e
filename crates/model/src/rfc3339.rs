//! Times as text: RFC 3339, with a zone or not at all.

use crate::Time;

/// Why a text is not a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFault {
    /// A local time: nobody can know which.
    NoZone,
    /// Not RFC 3339.
    Malformed,
}

/// Microseconds since the epoch of an RFC 3339 text (section 5.6; a space for the `T` is accepted).
///
/// # Errors
/// `NoZone` if all but the zone is there, else `Malformed`.
pub fn parse_rfc3339(text: &[u8]) -> Result<i64, TimeFault> {
    let bad = TimeFault::Malformed;
    let [date @ .., _] = text.get(..11).ok_or(bad)? else { return Err(bad) };
    let (year, month, day) = (number(&date[..4])?, number(&date[5..7])?, number(&date[8..10])?);
    let clock = text.get(11..19).ok_or(bad)?;
    let (hour, minute, second) = (number(&clock[..2])?, number(&clock[3..5])?, number(&clock[6..8])?);
    let separators = [text[4], text[7], text[13], text[16]];
    let in_range = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    if separators != *b"--::" || !matches!(text[10], b'T' | b't' | b' ') || !in_range {
        return Err(bad);
    }
    if hour > 23 || minute > 59 || second > 60 {
        return Err(bad);
    }
    let (micros, rest) = fraction(&text[19..])?;
    let offset_s = zone(rest)?;
    let days = days_from_civil(year, month, day);
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second.min(59) - offset_s;
    Ok(seconds * 1_000_000 + micros)
}

fn number(digits: &[u8]) -> Result<i64, TimeFault> {
    digits.iter().try_fold(0, |n, d| match d {
        b'0'..=b'9' => Ok(n * 10 + i64::from(d - b'0')),
        _ => Err(TimeFault::Malformed),
    })
}

fn fraction(text: &[u8]) -> Result<(i64, &[u8]), TimeFault> {
    let [b'.' | b',', rest @ ..] = text else { return Ok((0, text)) };
    let len = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if len == 0 || len > 12 {
        return Err(TimeFault::Malformed);
    }
    let used = len.min(6);
    let micros = number(&rest[..used])? * 10i64.pow(6 - used as u32);
    Ok((micros, &rest[len..]))
}

fn zone(text: &[u8]) -> Result<i64, TimeFault> {
    match text {
        [] => Err(TimeFault::NoZone),
        [b'Z' | b'z'] => Ok(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] | [sign @ (b'+' | b'-'), h1, h2, m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            if hours > 23 || minutes > 59 {
                return Err(TimeFault::Malformed);
            }
            let offset = hours * 3_600 + minutes * 60;
            Ok(if *sign == b'-' { -offset } else { offset })
        }
        _ => Err(TimeFault::Malformed),
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "chrono-compatible date algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// A time as text, UTC, to the second.
pub fn format_rfc3339(time: Time) -> String {
    let seconds = time.0.div_euclid(1_000_000);
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil_from_days(days);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Result<i64, TimeFault>) {
        assert_eq!(parse_rfc3339(text.as_bytes()), want, "{text}");
    }

    #[test]
    fn what_is_written_reads_back() {
        for day in (-700_000..800_000).step_by(97) {
            let us = day * 86_400_000_000 + 45_296_000_000;
            let text = format_rfc3339(Time(us));
            assert_eq!(parse_rfc3339(text.as_bytes()), Ok(us), "{text}");
        }
        assert_eq!(format_rfc3339(Time(1_795_651_200_000_000)), "2026-11-26T00:00:00Z");
    }

    #[test]
    fn table() {
        check("1970-01-01T00:00:00Z", Ok(0));
        check("2026-11-26T08:00:00+08:00", Ok(1_795_651_200_000_000));
        check("2026-11-26 00:00:00.25Z", Ok(1_795_651_200_250_000));
        check("2024-02-29T00:00:00-0130", Ok(1_709_170_200_000_000));
        check("2026-11-26T08:00:00", Err(TimeFault::NoZone));
        check("2026-11-26T08:00:00.5", Err(TimeFault::NoZone));
        check("2026-02-29T08:00:00Z", Err(TimeFault::Malformed));
        check("2026-11-26", Err(TimeFault::Malformed));
        check("", Err(TimeFault::Malformed));
        check("2026-11-26T08:00:00+8", Err(TimeFault::Malformed));
    }
}
