//! Reads one TOML table key by key and keeps every problem; keys nobody asked for are problems too.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::Problem;
use crate::problem::nearest;

/// Where problems of one file go.
#[derive(Clone)]
pub(crate) struct Report<'t> {
    file: &'t str,
    text: &'t str,
    problems: Rc<RefCell<Vec<Problem>>>,
}

impl<'t> Report<'t> {
    pub(crate) fn new(file: &'t str, text: &'t str) -> Self {
        Self { file, text, problems: Rc::default() }
    }

    pub(crate) fn add(&self, at: usize, code: &'static str, key: &str, (en, zh): (String, String)) {
        let line = self.line(at);
        let problem = Problem { file: self.file.into(), line, code, key: key.into(), message_en: en, message_zh: zh };
        self.problems.borrow_mut().push(problem);
    }

    /// A problem found by looking at several tables.
    pub(crate) fn push(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    pub(crate) fn line(&self, at: usize) -> usize {
        1 + self.text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count()
    }

    pub(crate) fn take(&self) -> Vec<Problem> {
        std::mem::take(&mut self.problems.borrow_mut())
    }

    /// Parses the whole text; syntax errors are problems and what could be read is returned.
    pub(crate) fn parse(&self) -> Spanned<DeTable<'t>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for e in errors {
            let at = e.span().map_or(0, |s| s.start);
            self.add(at, "SYNTAX", "", (e.message().to_owned(), format!("TOML 语法错误：{}", e.message())));
        }
        table
    }
}

/// One table being read.
pub(crate) struct Reader<'a, 't> {
    table: &'a DeTable<'t>,
    at: usize,
    report: Report<'t>,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'a, 't> Reader<'a, 't> {
    pub(crate) fn new(table: &'a DeTable<'t>, at: usize, report: &Report<'t>) -> Self {
        Self { table, at, report: report.clone(), asked: RefCell::default() }
    }

    pub(crate) fn problem(&self, key: &str, code: &'static str, en: String, zh: String) {
        self.report.add(self.place(key), code, key, (en, zh));
    }

    fn place(&self, key: &str) -> usize {
        self.table.get(key).map_or(self.at, |v| v.span().start)
    }

    /// Line of a key, for errors found later.
    pub(crate) fn line(&self, key: &str) -> usize {
        self.report.line(self.place(key))
    }

    fn get(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'t>>> {
        self.asked.borrow_mut().insert(key);
        self.table.get(key)
    }

    fn wrong_type(&self, key: &str, wanted: (&str, &str), found: &DeValue<'_>) {
        let found = found.type_str();
        self.problem(
            key,
            "VALUE_TYPE",
            format!("key `{key}` is a {found}, wanted {}", wanted.0),
            format!("键 `{key}` 的类型是 {found}，应为{}", wanted.1),
        );
    }

    fn missing(&self, key: &str) {
        self.problem(key, "KEY_MISSING", format!("key `{key}` is missing"), format!("缺少键 `{key}`"));
    }

    pub(crate) fn opt_text(&self, key: &'static str) -> Option<String> {
        let value = self.get(key)?.get_ref();
        if value.as_str().is_none() {
            self.wrong_type(key, ("text in quotes", "带引号的文本"), value);
        }
        value.as_str().map(str::to_owned)
    }

    pub(crate) fn text(&self, key: &'static str) -> String {
        if self.get(key).is_none() {
            self.missing(key);
        }
        self.opt_text(key).unwrap_or_default()
    }

    pub(crate) fn opt_bool(&self, key: &'static str) -> Option<bool> {
        let value = self.get(key)?.get_ref();
        if value.as_bool().is_none() {
            self.wrong_type(key, ("true or false", "true 或 false"), value);
        }
        value.as_bool()
    }

    pub(crate) fn opt_number(&self, key: &'static str) -> Option<f64> {
        let value = self.get(key)?.get_ref();
        let number = number(value);
        if number.is_none() {
            self.wrong_type(key, ("a finite number", "有限数值"), value);
        }
        number
    }

    /// A number within bounds, or the default.
    pub(crate) fn number(&self, key: &'static str, default: f64, range: std::ops::RangeInclusive<f64>) -> f64 {
        let Some(n) = self.opt_number(key) else { return default };
        if range.contains(&n) {
            return n;
        }
        let (from, to) = (range.start(), range.end());
        self.problem(
            key,
            "VALUE_RANGE",
            format!("key `{key}` is {n}, wanted {from} to {to}"),
            format!("键 `{key}` 的值 {n} 超出范围 {from} 至 {to}"),
        );
        default
    }

    /// A number that must be there.
    pub(crate) fn needed_number(&self, key: &'static str) -> Option<f64> {
        if self.get(key).is_none() {
            self.missing(key);
        }
        self.opt_number(key)
    }

    /// A number that must be there, within bounds; none after a problem.
    pub(crate) fn required_number(&self, key: &'static str, range: std::ops::RangeInclusive<f64>) -> Option<f64> {
        let n = self.needed_number(key)?;
        // The default is what the bounds refuse, so that it is told apart from a number that was read.
        let read = self.number(key, f64::NAN, range);
        (read == n).then_some(n)
    }

    /// Every key of this table with its text, in the order of the file; keys are data here, so none is unknown.
    pub(crate) fn entries(&self) -> Vec<(String, String, usize)> {
        let mut all = Vec::new();
        for (key, value) in self.table {
            let (name, text) = (key.get_ref().as_ref(), value.get_ref().as_str());
            match text {
                Some(text) => all.push((name.to_owned(), text.to_owned(), self.report.line(key.span().start))),
                None => self.wrong_type(name, ("text in quotes", "带引号的文本"), value.get_ref()),
            }
        }
        all.sort_by_key(|(_, _, line)| *line);
        all
    }

    pub(crate) fn texts(&self, key: &'static str) -> Vec<String> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(key, ("a list of texts", "文本列表"), value.get_ref());
            return Vec::new();
        };
        let texts: Vec<String> = array.iter().filter_map(|v| v.get_ref().as_str().map(str::to_owned)).collect();
        if texts.len() != array.iter().count() {
            self.wrong_type(key, ("a list of texts", "文本列表"), value.get_ref());
        }
        texts
    }

    /// `[from, to]` with from < to.
    pub(crate) fn opt_span(&self, key: &'static str) -> Option<(f64, f64)> {
        let value = self.get(key)?.get_ref();
        let numbers: Vec<f64> =
            value.as_array().map(|a| a.iter().filter_map(|v| number(v.get_ref())).collect()).unwrap_or_default();
        match numbers[..] {
            [from, to] if from < to => Some((from, to)),
            _ => {
                let en = format!("key `{key}` must be [from, to] with from < to");
                self.problem(key, "VALUE_RANGE", en, format!("键 `{key}` 应为 [下限, 上限] 且下限小于上限"));
                None
            }
        }
    }

    pub(crate) fn opt_table(&self, key: &'static str) -> Option<Reader<'a, 't>> {
        let value = self.get(key)?;
        match value.get_ref().as_table() {
            Some(table) => Some(Reader::new(table, value.span().start, &self.report)),
            None => {
                self.wrong_type(key, ("a table", "表"), value.get_ref());
                None
            }
        }
    }

    pub(crate) fn tables(&self, key: &'static str) -> Vec<Reader<'a, 't>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(key, ("a list of tables ([[…]])", "表的列表（[[…]]）"), value.get_ref());
            return Vec::new();
        };
        array
            .iter()
            .filter_map(|v| v.get_ref().as_table().map(|t| Reader::new(t, v.span().start, &self.report)))
            .collect()
    }

    /// Every key that nobody asked for, with "did you mean".
    pub(crate) fn finish(self) {
        let asked = self.asked.borrow();
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            if asked.contains(name) {
                continue;
            }
            let (mut en, mut zh) = (format!("unknown key \"{name}\""), format!("未知键 \"{name}\""));
            if let Some(meant) = nearest(name, asked.iter().copied()) {
                en += &format!(", did you mean \"{meant}\"?");
                zh += &format!("，是否应为 \"{meant}\"？");
            }
            self.report.add(key.span().start, "KEY_UNKNOWN", name, (en, zh));
        }
    }
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    let text = match value {
        DeValue::Integer(i) if i.radix() == 10 => i.as_str().replace('_', ""),
        DeValue::Float(f) => f.as_str().replace('_', ""),
        _ => return None,
    };
    text.parse().ok().filter(|n: &f64| n.is_finite())
}
