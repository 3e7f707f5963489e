//! The slow reading of a payload: every fault named, every reading that can be kept is kept.

use model::{Quality, Reading, ReadingFlags, Time};

use super::json::{self, Node};
use super::{Arrival, Outcome, Sensor, fast, time};
use crate::refusal::escape;
use crate::{Code, Refusal};

/// The tag a payload is about.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) sensor: &'a Sensor,
    pub(super) unit: &'a str,
}

pub(super) fn read(payload: &[u8], subject: Subject<'_>, arrival: Arrival, out: &mut Vec<Reading>) -> Outcome {
    match json::parse(payload) {
        Err(refusal) => Outcome::refused(*refusal),
        Ok(Node::Array(items)) if !items.is_empty() => {
            let mut outcome = Outcome::default();
            for (i, item) in items.iter().enumerate() {
                element(item, &format!("[{i}]."), subject, arrival, (&mut outcome, out));
            }
            outcome
        }
        Ok(item @ Node::Object(_)) => {
            let mut outcome = Outcome::default();
            element(&item, "", subject, arrival, (&mut outcome, out));
            outcome
        }
        Ok(other) => {
            let what = format!("is {} and not an object or a filled array", other.kind());
            Outcome::refused(*json::fault(payload, 0, &what))
        }
    }
}

fn element(item: &Node<'_>, at: &str, subject: Subject<'_>, arrival: Arrival, to: (&mut Outcome, &mut Vec<Reading>)) {
    let (outcome, out) = to;
    outcome.offered += 1;
    let mut flags = Flags { notes: Vec::new(), bits: ReadingFlags::default(), at };
    match flags.reading(item, subject, arrival) {
        Ok(reading) => {
            outcome.accepted += 1;
            out.push(reading);
            flags.notes.into_iter().for_each(|note| outcome.note(note));
        }
        Err(refusal) => outcome.note(*refusal),
    }
}

/// Collects what is odd about one reading that is kept.
pub(super) struct Flags<'a> {
    pub(super) notes: Vec<Refusal>,
    pub(super) bits: ReadingFlags,
    pub(super) at: &'a str,
}

impl Flags<'_> {
    fn name(&self, key: &str) -> String {
        format!("{}{key}", self.at)
    }

    fn flag(&mut self, bit: ReadingFlags, note: Refusal) {
        self.bits = self.bits.with(bit);
        self.notes.push(note);
    }

    fn reading(&mut self, item: &Node<'_>, subject: Subject<'_>, arrival: Arrival) -> Result<Reading, Box<Refusal>> {
        if !matches!(item, Node::Object(_)) {
            return Err(self.wrong_type("", item.kind()));
        }
        self.unit(item.get("unit"), subject.unit)?;
        let value = item.get("v").ok_or_else(|| self.wrong_type("v", "nothing"))?;
        let value = self.value(value, subject.sensor)?;
        let quality = self.quality(item.get("q"))?;
        let seq = self.seq(item.get("seq"))?;
        let source_time = self.source_time(item.get("ts"), arrival.now)?;
        Ok(self.finish(Parts { value, quality, seq, source_time }, subject.sensor, arrival))
    }

    /// Puts a reading together; what the door found worsens its quality.
    pub(super) fn finish(&self, parts: Parts, sensor: &Sensor, arrival: Arrival) -> Reading {
        let bad = self.bits.has(ReadingFlags::NOT_FINITE) || self.bits.has(ReadingFlags::OVER_RANGE);
        Reading {
            tag: sensor.tag,
            gateway: arrival.gateway,
            value: parts.value,
            source_time: parts.source_time,
            server_time: arrival.now,
            seq: parts.seq,
            quality: if bad { Quality::Bad } else { parts.quality },
            flags: self.bits,
        }
    }

    fn wrong_type(&self, key: &str, got: &str) -> Box<Refusal> {
        Refusal::new(
            Code::ValueType,
            format!("字段 {key} 应为数字或布尔值，收到 {got}"),
            format!("{key} expects a number or a boolean, got {got}"),
        )
        .field(self.name(key))
        .hint(r#""v":12.5"#)
    }

    fn unit(&self, sent: Option<&Node<'_>>, want: &str) -> Result<(), Box<Refusal>> {
        match sent {
            None | Some(Node::Null) => Ok(()),
            Some(Node::Text(unit)) if unit == want => Ok(()),
            Some(other) => Err(self.wrong_unit(other, want)),
        }
    }

    fn wrong_unit(&self, sent: &Node<'_>, want: &str) -> Box<Refusal> {
        let got = match sent {
            Node::Text(unit) => escape(unit.as_bytes(), 32),
            other => other.kind().to_owned(),
        };
        Refusal::new(
            Code::UnitMismatch,
            format!("单位不符：应为 \"{want}\"，收到 \"{got}\"；不会自动换算"),
            format!("unit mismatch: expected \"{want}\", got \"{got}\"; values are not converted silently"),
        )
        .field(self.name("unit"))
        .hint(format!("send the value in {want}, or add a mapping with a scale"))
    }

    /// The value; one that is not finite is kept as 0 with quality bad.
    pub(super) fn value(&mut self, node: &Node<'_>, sensor: &Sensor) -> Result<f64, Box<Refusal>> {
        let (value, text) = match node {
            Node::Bool(on) => (f64::from(u8::from(*on)), ""),
            Node::Number(value, text) => (*value, *text),
            Node::Null => (f64::NAN, "null"),
            Node::Text(text) => {
                return Err(self.wrong_type("v", &format!("string \"{}\"", escape(text.as_bytes(), 32))));
            }
            other => return Err(self.wrong_type("v", other.kind())),
        };
        Ok(self.in_span(value, text, sensor))
    }

    /// Flags a value that is not finite or outside the instrument's span.
    pub(super) fn in_span(&mut self, value: f64, text: &str, sensor: &Sensor) -> f64 {
        if !value.is_finite() {
            let shown = escape(text.as_bytes(), 32);
            let zh = format!("数值 {shown} 不是有限数，按质量 bad 记录");
            let en = format!("value {shown} is not finite; recorded with quality bad");
            self.flag(ReadingFlags::NOT_FINITE, *Refusal::new(Code::ValueNotFinite, zh, en).field(self.name("v")));
            return 0.0;
        }
        if !(sensor.low..=sensor.high).contains(&value) {
            let (low, high) = (sensor.low, sensor.high);
            let zh = format!("数值 {value} 超出仪表量程 {low} 至 {high}，按质量 bad 记录");
            let en =
                format!("value {value} is outside the instrument's span {low} to {high}; recorded with quality bad");
            self.flag(ReadingFlags::OVER_RANGE, *Refusal::new(Code::ValueOverRange, zh, en).field(self.name("v")));
        }
        value
    }

    pub(super) fn quality(&self, node: Option<&Node<'_>>) -> Result<Quality, Box<Refusal>> {
        let word = match node {
            None | Some(Node::Null) => return Ok(Quality::Good),
            Some(Node::Text(word)) => fast::quality(word.as_bytes()),
            Some(_) => None,
        };
        word.ok_or_else(|| self.shape("q", "good、uncertain 或 bad", "good, uncertain or bad"))
    }

    pub(super) fn seq(&self, node: Option<&Node<'_>>) -> Result<u64, Box<Refusal>> {
        let seq = match node {
            None | Some(Node::Null) => return Ok(0),
            Some(Node::Number(_, text)) => text.parse().ok(),
            Some(_) => None,
        };
        seq.ok_or_else(|| self.shape("seq", "非负整数", "a whole number from 0"))
    }

    fn shape(&self, key: &str, zh: &str, en: &str) -> Box<Refusal> {
        let (zh, en) = (format!("字段 {key} 应为{zh}"), format!("{key} must be {en}"));
        Refusal::new(Code::PayloadFormat, zh, en).field(self.name(key))
    }

    /// The source time; one that cannot be is replaced by the server's, flagged.
    pub(super) fn source_time(&mut self, node: Option<&Node<'_>>, now: Time) -> Result<Time, Box<Refusal>> {
        let at_us = match node {
            None | Some(Node::Null) => {
                self.bits = self.bits.with(ReadingFlags::NO_SOURCE_TIME);
                return Ok(now);
            }
            Some(Node::Number(ms, _)) => (*ms * 1_000.0) as i64,
            Some(Node::Text(text)) => match model::parse_rfc3339(text.as_bytes()) {
                Ok(at_us) => at_us,
                Err(model::TimeFault::NoZone) => return Ok(self.no_zone(text, now)),
                Err(model::TimeFault::Malformed) => return Err(self.not_a_time()),
            },
            Some(_) => return Err(self.not_a_time()),
        };
        if time::plausible(at_us, now) {
            return Ok(Time(at_us));
        }
        Ok(self.implausible(at_us, now))
    }

    fn not_a_time(&self) -> Box<Refusal> {
        self.shape("ts", "毫秒时间戳或带时区的 RFC 3339 时间", "milliseconds since the epoch or RFC 3339 with a zone")
            .hint("2026-11-26T08:00:00+08:00")
    }

    fn no_zone(&mut self, text: &str, now: Time) -> Time {
        let shown = escape(text.as_bytes(), 40);
        let zh = format!("时间 {shown} 没有时区，已改用服务器时间；示例：2026-11-26T08:00:00+08:00");
        let en = format!("time {shown} has no zone; server time is used; write 2026-11-26T08:00:00+08:00");
        let note = Refusal::new(Code::TsNoZone, zh, en).field(self.name("ts")).hint("2026-11-26T08:00:00+08:00");
        self.flag(ReadingFlags::NO_SOURCE_TIME, *note);
        now
    }

    fn implausible(&mut self, at_us: i64, now: Time) -> Time {
        let ms = at_us / 1_000;
        let zh = format!("时间 {ms} ms 不可信（早于一年或晚于三十天），已改用服务器时间");
        let en = format!("time {ms} ms is implausible (older than a year or 30 days ahead); server time is used");
        let note = Refusal::new(Code::TsImplausible, zh, en)
            .field(self.name("ts"))
            .hint("milliseconds since 1970-01-01T00:00:00Z; check the device's clock");
        self.flag(ReadingFlags::IMPLAUSIBLE_TIME, *note);
        now
    }
}

/// The parts of a reading as the payload gave them.
pub(super) struct Parts {
    pub(super) value: f64,
    pub(super) quality: Quality,
    pub(super) seq: u64,
    pub(super) source_time: Time,
}
