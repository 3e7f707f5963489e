//! What the doors refuse or flag: one code per thing a person can do about it, in Chinese and English.

use serde::{Deserialize, Serialize};

/// Stable code; metrics label, MQTT 5 reason string and HTTP answer all carry its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// Not JSON, not UTF-8, or not the agreed shape.
    PayloadFormat,
    /// NaN, Infinity or beyond a double; kept with quality bad.
    ValueNotFinite,
    /// Not a number or boolean.
    ValueType,
    /// Outside the instrument's span; kept with quality bad.
    ValueOverRange,
    /// The payload names another unit than the tag's.
    UnitMismatch,
    /// The source time cannot be; kept with the server's time.
    TsImplausible,
    /// A local time without zone; kept with the server's time.
    TsNoZone,
    /// The tag is not in the site files; parked.
    TagUnknown,
    /// More readings in one message than allowed.
    BatchTooLarge,
    /// Nested too deep.
    JsonDepth,
    /// The same key twice in one object.
    JsonDupKey,
    /// The login is not known.
    FirmUnknown,
    /// The topic belongs to another enterprise.
    TopicNotYours,
    /// The topic is not one that can be published to.
    TopicInvalid,
    /// Larger than the packet limit.
    PacketTooLarge,
    /// Against the MQTT standard.
    Protocol,
}

impl Code {
    /// The word on every wire and metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PayloadFormat => "PAYLOAD_FORMAT",
            Self::ValueNotFinite => "VALUE_NOT_FINITE",
            Self::ValueType => "VALUE_TYPE",
            Self::ValueOverRange => "VALUE_OVER_RANGE",
            Self::UnitMismatch => "UNIT_MISMATCH",
            Self::TsImplausible => "TS_IMPLAUSIBLE",
            Self::TsNoZone => "TS_NO_ZONE",
            Self::TagUnknown => "TAG_UNKNOWN",
            Self::BatchTooLarge => "BATCH_TOO_LARGE",
            Self::JsonDepth => "JSON_DEPTH",
            Self::JsonDupKey => "JSON_DUP_KEY",
            Self::FirmUnknown => "FIRM_UNKNOWN",
            Self::TopicNotYours => "TOPIC_NOT_YOURS",
            Self::TopicInvalid => "TOPIC_INVALID",
            Self::PacketTooLarge => "PACKET_TOO_LARGE",
            Self::Protocol => "PROTOCOL",
        }
    }

    /// All codes, for metrics that show a zero before the first case.
    pub const ALL: [Self; 16] = [
        Self::PayloadFormat,
        Self::ValueNotFinite,
        Self::ValueType,
        Self::ValueOverRange,
        Self::UnitMismatch,
        Self::TsImplausible,
        Self::TsNoZone,
        Self::TagUnknown,
        Self::BatchTooLarge,
        Self::JsonDepth,
        Self::JsonDupKey,
        Self::FirmUnknown,
        Self::TopicNotYours,
        Self::TopicInvalid,
        Self::PacketTooLarge,
        Self::Protocol,
    ];

    /// Whether the reading is stored all the same, flagged.
    pub const fn is_kept(self) -> bool {
        matches!(self, Self::ValueNotFinite | Self::ValueOverRange | Self::TsImplausible | Self::TsNoZone)
    }

    /// MQTT 5 reason code of a PUBACK or PUBREC. An unknown tag is 0x10 (no matching subscribers): it is parked,
    /// and sending it again would change nothing.
    pub const fn reason(self) -> u8 {
        match self {
            Self::ValueNotFinite | Self::ValueOverRange | Self::TsImplausible | Self::TsNoZone => 0x00,
            Self::TagUnknown => 0x10,
            Self::PayloadFormat | Self::ValueType | Self::UnitMismatch | Self::JsonDepth | Self::JsonDupKey => 0x99,
            Self::BatchTooLarge => 0x97,
            Self::FirmUnknown => 0x86,
            Self::TopicNotYours => 0x87,
            Self::TopicInvalid => 0x90,
            Self::PacketTooLarge => 0x95,
            Self::Protocol => 0x82,
        }
    }
}

/// One refused or flagged reading or message, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What.
    pub code: Code,
    /// In Chinese.
    pub message_zh: String,
    /// In English.
    pub message_en: String,
    /// Which key or array element, `[3].v`; empty: the message as a whole.
    pub field: String,
    /// What to do.
    pub hint: String,
}

impl Refusal {
    /// A refusal; texts are given, `field` and `hint` may be empty.
    pub fn new(code: Code, zh: impl Into<String>, en: impl Into<String>) -> Box<Self> {
        Box::new(Self { code, message_zh: zh.into(), message_en: en.into(), field: String::new(), hint: String::new() })
    }

    /// With the key it is about.
    #[must_use]
    pub fn field(mut self: Box<Self>, field: impl Into<String>) -> Box<Self> {
        self.field = field.into();
        self
    }

    /// With what to do.
    #[must_use]
    pub fn hint(mut self: Box<Self>, hint: impl Into<String>) -> Box<Self> {
        self.hint = hint.into();
        self
    }

    /// The MQTT 5 reason string: code, English, Chinese; at most 400 bytes.
    pub fn reason_string(&self) -> String {
        let mut text = format!("{} {} | {}", self.code.as_str(), self.message_en, self.message_zh);
        let mut end = text.len().min(400);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text
    }
}

/// Bytes as people can read them: printable ASCII stays, all else is `\xNN`; at most `max` bytes are shown.
pub fn escape(bytes: &[u8], max: usize) -> String {
    let shown = &bytes[..bytes.len().min(max)];
    let mut text: String = shown.escape_ascii().to_string();
    if bytes.len() > max {
        text.push('…');
    }
    text
}
