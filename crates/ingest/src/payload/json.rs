//! A small strict JSON reader that knows the offset of a fault, the depth, and keys that come twice.
//! It also reads `NaN`, `Infinity` and `1e999` as numbers, so that the reading can be kept with quality bad.

use std::borrow::Cow;

use super::{DEPTH_MAX, READINGS_MAX};
use crate::refusal::escape;
use crate::{Code, Refusal};

/// A JSON value; text borrows from the payload where it can.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node<'a> {
    Null,
    Bool(bool),
    /// The number (may be infinite or NaN) and its text.
    Number(f64, &'a str),
    Text(Cow<'a, str>),
    Array(Vec<Node<'a>>),
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node<'a>> {
        match self {
            Self::Object(fields) => fields.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// RFC 6901.
    pub(super) fn pointer(&self, pointer: &str) -> Option<&Node<'a>> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |node, token| match node {
            Self::Array(items) => items.get(token.parse::<usize>().ok()?),
            _ if token.contains('~') => node.get(&token.replace("~1", "/").replace("~0", "~")),
            _ => node.get(token),
        })
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(..) => "number",
            Self::Text(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

type Parsed<T> = Result<T, Box<Refusal>>;

/// Reads a whole payload.
pub(super) fn parse(payload: &[u8]) -> Parsed<Node<'_>> {
    let text = match std::str::from_utf8(payload) {
        Ok(text) => text,
        Err(error) => return Err(fault(payload, error.valid_up_to(), "is not UTF-8")),
    };
    let mut reader = Reader { text, at: 0 };
    let node = reader.value(0)?;
    reader.space();
    if reader.at < text.len() {
        return Err(reader.fault("has bytes after the JSON value"));
    }
    Ok(node)
}

/// `PAYLOAD_FORMAT` with the offset and the first bytes.
pub(super) fn fault(payload: &[u8], at: usize, what: &str) -> Box<Refusal> {
    let head = escape(payload, 32);
    Refusal::new(
        Code::PayloadFormat,
        format!("载荷不是约定的 JSON：第 {at} 字节处有误（{what}），开头为 {head}"),
        format!("payload {what} at byte {at}; it begins with {head}"),
    )
    .hint(r#"{"ts":1764144000000,"v":12.5,"q":"good","seq":7}"#)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    fn fault(&self, what: &str) -> Box<Refusal> {
        fault(self.bytes(), self.at, what)
    }

    fn space(&mut self) {
        while matches!(self.bytes().get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&mut self) -> Option<u8> {
        self.space();
        self.bytes().get(self.at).copied()
    }

    fn value(&mut self, depth: usize) -> Parsed<Node<'a>> {
        match self.peek() {
            Some(b'{' | b'[') if depth >= DEPTH_MAX => Err(too_deep()),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Node::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => self.word(),
            None => Err(self.fault("ends too early")),
        }
    }

    fn array(&mut self, depth: usize) -> Parsed<Node<'a>> {
        self.at += 1;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Node::Array(items));
        }
        loop {
            if items.len() == READINGS_MAX {
                return Err(too_large());
            }
            items.push(self.value(depth + 1)?);
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.fault("wants ',' or ']'")),
            }
        }
        self.at += 1;
        Ok(Node::Array(items))
    }

    fn object(&mut self, depth: usize) -> Parsed<Node<'a>> {
        self.at += 1;
        let mut fields: Vec<(Cow<'a, str>, Node<'a>)> = Vec::new();
        let mut seen = rustc_hash::FxHashSet::default();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Node::Object(fields));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.fault("wants a key"));
            }
            let key = self.string()?;
            if !seen.insert(key.clone()) {
                return Err(twice(&key));
            }
            if self.peek() != Some(b':') {
                return Err(self.fault("wants ':'"));
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            fields.push((key, value));
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.fault("wants ',' or '}'")),
            }
        }
        self.at += 1;
        Ok(Node::Object(fields))
    }

    fn string(&mut self) -> Parsed<Cow<'a, str>> {
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += 1;
            match self.bytes().get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1;
                }
                Some(0..0x20) => return Err(self.fault("has a control character in a string")),
                Some(_) => {}
                None => {
                    self.at = self.text.len();
                    return Err(self.fault("ends inside a string"));
                }
            }
        }
        self.at += 1;
        let quoted = &self.text[start..self.at];
        if !escaped {
            return Ok(Cow::Borrowed(&quoted[1..quoted.len() - 1]));
        }
        serde_json::from_str::<String>(quoted)
            .map(Cow::Owned)
            .map_err(|_| fault(self.bytes(), start, "has a bad escape"))
    }

    fn number(&mut self) -> Parsed<Node<'a>> {
        let start = self.at;
        if self.text[start..].starts_with("-Infinity") {
            self.at += "-Infinity".len();
            return Ok(Node::Number(f64::NEG_INFINITY, "-Infinity"));
        }
        while matches!(self.bytes().get(self.at), Some(b'0'..=b'9' | b'e' | b'E' | b'+' | b'-' | b'.')) {
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        match text.parse::<f64>() {
            Ok(value) if is_json_number(text.as_bytes()) => Ok(Node::Number(value, text)),
            _ => {
                self.at = start;
                Err(self.fault("has a malformed number"))
            }
        }
    }

    fn word(&mut self) -> Parsed<Node<'a>> {
        let words = [
            ("true", Node::Bool(true)),
            ("false", Node::Bool(false)),
            ("null", Node::Null),
            ("NaN", Node::Number(f64::NAN, "NaN")),
            ("Infinity", Node::Number(f64::INFINITY, "Infinity")),
        ];
        for (word, node) in words {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(node);
            }
        }
        Err(self.fault("is not JSON"))
    }
}

/// RFC 8259 section 6; Rust's parser is laxer (`1.`, `+1`, `01`).
fn is_json_number(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let whole = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let rest = &text[whole..];
    let whole_ok = whole == 1 || (whole > 1 && text[0] != b'0');
    whole_ok && (rest.first() != Some(&b'.') || rest.get(1).is_some_and(u8::is_ascii_digit))
}

fn too_deep() -> Box<Refusal> {
    Refusal::new(
        Code::JsonDepth,
        format!("JSON 嵌套超过 {DEPTH_MAX} 层"),
        format!("JSON is nested deeper than {DEPTH_MAX} levels"),
    )
}

fn too_large() -> Box<Refusal> {
    Refusal::new(
        Code::BatchTooLarge,
        format!("一条消息的读数超过 {READINGS_MAX} 个，全部未采用"),
        format!("more than {READINGS_MAX} readings in one message; none was applied"),
    )
    .hint(format!("at most {READINGS_MAX} per message"))
}

fn twice(key: &str) -> Box<Refusal> {
    let shown = escape(key.as_bytes(), 64);
    Refusal::new(Code::JsonDupKey, format!("JSON 中键 \"{shown}\" 重复"), format!("JSON key \"{shown}\" comes twice"))
        .field(shown)
}
