//! The usual payload, read in place: no allocation, no copy. Anything unusual returns `None`
//! and is read again by the strict path, which knows how to say what is wrong.

use model::{Quality, Reading, ReadingFlags, Time};

use super::{Arrival, READINGS_MAX, Sensor, time};

/// Reads one value or an array of values. On `None`, `out` is as it was.
pub(super) fn read(payload: &[u8], sensor: &Sensor, arrival: Arrival, out: &mut Vec<Reading>) -> Option<u32> {
    let mut cursor = Cursor { bytes: payload, at: 0 };
    let before = out.len();
    let taken = match cursor.peek()? {
        b'{' => cursor.object(sensor, arrival).map(|reading| out.push(reading)),
        b'[' => cursor.array(sensor, arrival, out),
        _ => None,
    };
    cursor.space();
    if taken.is_none() || cursor.at != payload.len() {
        out.truncate(before);
        return None;
    }
    Some((out.len() - before) as u32)
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// What the keys of one object gave.
#[derive(Default)]
struct Fields {
    value: Option<f64>,
    source_time: Option<i64>,
    quality: Option<Quality>,
    seq: Option<u64>,
}

impl Cursor<'_> {
    #[inline]
    fn space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    #[inline]
    fn peek(&mut self) -> Option<u8> {
        self.space();
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn array(&mut self, sensor: &Sensor, arrival: Arrival, out: &mut Vec<Reading>) -> Option<()> {
        self.expect(b'[')?;
        for _ in 0..READINGS_MAX {
            out.push(self.object(sensor, arrival)?);
            match self.peek()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
        None
    }

    #[inline]
    fn object(&mut self, sensor: &Sensor, arrival: Arrival) -> Option<Reading> {
        self.expect(b'{')?;
        let mut fields = Fields::default();
        loop {
            self.field(&mut fields)?;
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => break,
                _ => return None,
            }
        }
        self.at += 1;
        fields.into_reading(sensor, arrival)
    }

    #[inline]
    fn field(&mut self, fields: &mut Fields) -> Option<()> {
        let key = self.text()?;
        let (new, value) = match key {
            b"v" => (fields.value.is_none(), b'v'),
            b"ts" => (fields.source_time.is_none(), b't'),
            b"q" => (fields.quality.is_none(), b'q'),
            b"seq" => (fields.seq.is_none(), b's'),
            _ => return None,
        };
        self.expect(b':')?;
        match value {
            b'v' => fields.value = Some(self.value()?),
            b't' => fields.source_time = Some(self.source_time()?),
            b'q' => fields.quality = Some(quality(self.text()?)?),
            _ => fields.seq = Some(self.unsigned()?),
        }
        new.then_some(())
    }

    /// A string without escapes or control characters.
    #[inline]
    fn text(&mut self) -> Option<&[u8]> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            match *self.bytes.get(self.at)? {
                b'"' => break,
                b'\\' | 0..0x20 | 0x80.. => return None,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        self.bytes.get(start..self.at - 1)
    }

    fn source_time(&mut self) -> Option<i64> {
        if self.peek()? == b'"' {
            return model::parse_rfc3339(self.text()?).ok();
        }
        i64::try_from(self.unsigned()?).ok()?.checked_mul(1_000)
    }

    /// A JSON number that is a whole number below 10^18.
    #[inline]
    fn unsigned(&mut self) -> Option<u64> {
        self.space();
        let start = self.at;
        let mut n = 0u64;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(self.at) {
            n = n.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        let digits = self.at - start;
        let leading_zero = digits > 1 && self.bytes.get(start) == Some(&b'0');
        let goes_on = matches!(self.bytes.get(self.at), Some(b'.' | b'e' | b'E'));
        (digits > 0 && digits < 19 && !leading_zero && !goes_on).then_some(n)
    }

    fn value(&mut self) -> Option<f64> {
        match self.peek()? {
            b't' => self.word(b"true", 1.0),
            b'f' => self.word(b"false", 0.0),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &[u8], value: f64) -> Option<f64> {
        let end = self.at + word.len();
        (self.bytes.get(self.at..end)? == word).then(|| self.at = end)?;
        Some(value)
    }

    /// Exact for up to 15 digits and 22 decimals (Clinger); longer ones and exponents go to the standard parser.
    #[inline]
    fn number(&mut self) -> Option<f64> {
        let start = self.at;
        let negative = self.bytes.get(self.at) == Some(&b'-');
        self.at += usize::from(negative);
        let first = self.at;
        let mut mantissa = self.digits(0);
        let whole = self.at - first;
        if whole == 0 || (whole > 1 && self.bytes.get(first) == Some(&b'0')) {
            return None;
        }
        let mut decimals = 0;
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            let from = self.at;
            mantissa = self.digits(mantissa);
            decimals = self.at - from;
            if decimals == 0 {
                return None;
            }
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) || whole + decimals > 15 {
            return self.long_number(start);
        }
        let value = mantissa as f64 / POWERS.get(decimals)?;
        Some(if negative { -value } else { value })
    }

    #[inline]
    fn digits(&mut self, mut n: u64) -> u64 {
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(self.at) {
            n = n.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        n
    }

    #[cold]
    fn long_number(&mut self, start: usize) -> Option<f64> {
        while matches!(self.bytes.get(self.at), Some(b'0'..=b'9' | b'e' | b'E' | b'+' | b'-')) {
            self.at += 1;
        }
        let text = std::str::from_utf8(self.bytes.get(start..self.at)?).ok()?;
        text.parse::<f64>().ok().filter(|v| v.is_finite())
    }
}

const POWERS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

pub(super) fn quality(word: &[u8]) -> Option<Quality> {
    match word {
        b"good" => Some(Quality::Good),
        b"uncertain" => Some(Quality::Uncertain),
        b"bad" => Some(Quality::Bad),
        _ => None,
    }
}

impl Fields {
    #[inline]
    fn into_reading(self, sensor: &Sensor, arrival: Arrival) -> Option<Reading> {
        let value = self.value?;
        if !(sensor.low..=sensor.high).contains(&value) {
            return None;
        }
        let (source_time, flags) = match self.source_time {
            Some(at) if time::plausible(at, arrival.now) => (Time(at), ReadingFlags::default()),
            Some(_) => return None,
            None => (arrival.now, ReadingFlags::NO_SOURCE_TIME),
        };
        Some(Reading {
            tag: sensor.tag,
            gateway: arrival.gateway,
            value,
            source_time,
            server_time: arrival.now,
            seq: self.seq.unwrap_or(0),
            quality: self.quality.unwrap_or_default(),
            flags,
        })
    }
}
