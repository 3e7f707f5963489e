//! Text to tokens. A unit is read together with its number, so that `/` and `%` in it are not operators.

use super::SOURCE_MAX;
use super::error::{RuleCode, RuleError, Span};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A number and its unit, if it has one.
    Number(f64, Option<String>),
    /// A bare name or keyword.
    Name(String),
    /// A quoted name.
    Quoted(String),
    /// An operator or bracket.
    Symbol(&'static str),
    End,
}

/// Longest first, so that `<=` is not read as `<`.
const SYMBOLS: [&str; 18] =
    ["<=", ">=", "==", "!=", "&&", "||", "<", ">", "=", "!", "+", "-", "*", "/", "(", ")", ",", "×"];
const KEYWORDS: [&str; 3] = ["and", "or", "not"];

struct Lexer<'a> {
    rest: &'a str,
    span: Span,
}

/// Splits a source text.
pub(super) fn tokens(source: &str) -> Result<Vec<(Token, Span)>, RuleError> {
    let start = Span { line: 1, column: 1 };
    if source.len() > SOURCE_MAX {
        let message = format!("the rule is {} bytes long, at most {SOURCE_MAX} are allowed", source.len());
        return Err(start.error(RuleCode::TooCostly, message, "split it into named rules"));
    }
    let mut lexer = Lexer { rest: source, span: start };
    let mut found = Vec::new();
    loop {
        lexer.skip_blank();
        let span = lexer.span;
        let token = lexer.next()?;
        let end = token == Token::End;
        found.push((token, span));
        if end {
            return Ok(found);
        }
    }
}

impl<'a> Lexer<'a> {
    fn take(&mut self, bytes: usize) -> &'a str {
        let (head, tail) = self.rest.split_at(bytes);
        for c in head.chars() {
            if c == '\n' {
                self.span = Span { line: self.span.line + 1, column: 1 };
            } else {
                self.span.column += 1;
            }
        }
        self.rest = tail;
        head
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let bytes = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        self.take(bytes)
    }

    fn skip_blank(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if !self.rest.starts_with('#') {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn next(&mut self) -> Result<Token, RuleError> {
        let Some(c) = self.rest.chars().next() else { return Ok(Token::End) };
        if c.is_ascii_digit() {
            return self.number();
        }
        if c == '"' {
            return self.quoted();
        }
        if is_name_start(c) {
            return Ok(Token::Name(self.name().to_owned()));
        }
        for symbol in SYMBOLS {
            if self.rest.starts_with(symbol) {
                self.take(symbol.len());
                return Ok(Token::Symbol(if symbol == "×" { "*" } else { symbol }));
            }
        }
        let hint = "a rule has numbers, names, quoted names, + - * / < <= > >= == != and or not ( )";
        Err(self.span.error(RuleCode::Syntax, format!("{c:?} is not part of a rule"), hint))
    }

    /// Letters, digits, `_`, and dots between them.
    fn name(&mut self) -> &'a str {
        let mut end = 0;
        let mut chars = self.rest.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let dot = c == '.' && chars.peek().is_some_and(|(_, n)| is_name_part(*n));
            if !dot && !is_name_part(c) {
                break;
            }
            end = at + c.len_utf8();
        }
        self.take(end)
    }

    fn quoted(&mut self) -> Result<Token, RuleError> {
        let span = self.span;
        self.take(1);
        let text = self.take_while(|c| c != '"' && c != '\n');
        if !self.rest.starts_with('"') {
            return Err(span.error(RuleCode::Syntax, "the quoted name does not end", "close it with \""));
        }
        self.take(1);
        Ok(Token::Quoted(text.to_owned()))
    }

    fn number(&mut self) -> Result<Token, RuleError> {
        let span = self.span;
        let text = self.take(number_len(self.rest));
        let value: f64 = text.parse().unwrap_or(f64::NAN);
        if !value.is_finite() {
            return Err(span.error(RuleCode::Range, format!("{text} is not a finite number"), "use a smaller number"));
        }
        Ok(Token::Number(value, self.unit()))
    }

    /// A unit after a number, with or without blanks between.
    fn unit(&mut self) -> Option<String> {
        let blanks = self.rest.len() - self.rest.trim_start_matches([' ', '\t']).len();
        let text = &self.rest[blanks..];
        let len = unit_len(text);
        let unit = &text[..len];
        if len == 0 || KEYWORDS.contains(&unit) {
            return None;
        }
        self.take(blanks + len);
        Some(unit.to_owned())
    }
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_name_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn number_len(text: &str) -> usize {
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let mut len = digits(text);
    if text[len..].starts_with('.') && digits(&text[len + 1..]) > 0 {
        len += 1 + digits(&text[len + 1..]);
    }
    if text[len..].starts_with(['e', 'E']) {
        let sign = usize::from(text[len + 1..].starts_with(['+', '-']));
        let exponent = digits(&text[len + 1 + sign..]);
        if exponent > 0 {
            len += 1 + sign + exponent;
        }
    }
    len
}

/// `ppm`, `%LEL`, `°C`, `mg/m³`, `m3/h`: letters, `%`, `°`, digits after a letter, and `/` before a letter.
fn unit_len(text: &str) -> usize {
    let mut end = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let letter = c.is_alphabetic() || matches!(c, '%' | '°' | 'µ' | '³' | '²' | '·');
        let digit = end > 0 && c.is_ascii_digit();
        let slash = end > 0 && c == '/' && chars.peek().is_some_and(|(_, n)| n.is_alphabetic());
        if !letter && !digit && !slash {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}
