//! What is said about names that lead nowhere or stand twice.

use crate::Problem;
use crate::problem::nearest;
use crate::reader::Reader;

/// Where something stands, for problems found after its file was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub file: String,
    pub line: usize,
}

impl Place {
    pub fn problem(&self, code: &'static str, key: &str, (en, zh): (String, String)) -> Problem {
        Problem { file: self.file.clone(), line: self.line, code, key: key.into(), message_en: en, message_zh: zh }
    }
}

/// A kind of thing that names refer to: English, Chinese.
pub(crate) type Noun = (&'static str, &'static str);

pub(crate) const ACCOUNT: Noun = ("account of fenghuo.toml", "fenghuo.toml 中的账号");
pub(crate) const GROUP: Noun = ("group of this plan", "本预案的工作组");
pub(crate) const LEVEL: Noun = ("level (I, II, III or IV)", "响应级别（I、II、III、IV）");
pub(crate) const PARTY: Noun = ("party", "单位或人员");
pub(crate) const PROFILE_KEY: Noun = ("profile key", "时限键");
pub(crate) const ROLE: Noun = ("role of [roles]", "[roles] 中的角色");
pub(crate) const RECEIVER: Noun = ("party or role", "单位、人员或角色");
pub(crate) const SOURCE: Noun = ("source of this plan", "本预案的来源");
pub(crate) const TASK: Noun = ("task of this plan", "本预案的任务");

/// `key` names something that is not there.
pub(crate) fn unknown<'n>(
    key: &str,
    noun: Noun,
    name: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> (String, String) {
    let (mut en, mut zh) = (
        format!("key `{key}` is \"{name}\", wanted a {}", noun.0),
        format!("键 `{key}` 的值 \"{name}\" 不是{}", noun.1),
    );
    if let Some(meant) = nearest(name, names) {
        en += &format!(", did you mean \"{meant}\"?");
        zh += &format!("，是否应为 \"{meant}\"？");
    }
    (en, zh)
}

/// `key` says what an earlier one said.
pub(crate) fn twice(key: &str, name: &str, before: usize) -> (String, String) {
    (
        format!("key `{key}` is \"{name}\", which line {before} has already"),
        format!("键 `{key}` 的值 \"{name}\" 与第 {before} 行重复"),
    )
}

/// Reports a name of the table `r` that leads nowhere.
pub(crate) fn check<'n>(
    r: &Reader<'_, '_>,
    (key, noun, name): (&'static str, Noun, &str),
    names: impl Iterator<Item = &'n str> + Clone,
) -> bool {
    let known = names.clone().any(|n| n == name);
    if !known && !name.is_empty() {
        let (en, zh) = unknown(key, noun, name, names);
        r.problem(key, "NAME_UNKNOWN", en, zh);
    }
    known
}

/// Ids of one list in the order of the file, each with its line.
#[derive(Default)]
pub(crate) struct Ids(Vec<(String, usize)>);

impl Ids {
    /// Takes the `key` of a table; twice is a problem.
    pub fn take(&mut self, r: &Reader<'_, '_>, key: &'static str) -> String {
        let id = r.text(key);
        match self.0.iter().find(|(known, _)| *known == id) {
            Some((_, before)) if !id.is_empty() => {
                let (en, zh) = twice(key, &id, *before);
                r.problem(key, "NAME_TWICE", en, zh);
            }
            _ => self.0.push((id.clone(), r.line(key))),
        }
        id
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.iter().map(|(id, _)| id.as_str())
    }
}

/// A text that must be one of a few words.
pub(crate) fn one_of(r: &Reader<'_, '_>, key: &'static str, words: &[&'static str]) -> &'static str {
    let text = r.text(key);
    if let Some(word) = words.iter().find(|w| **w == text) {
        return word;
    }
    if !text.is_empty() {
        let wanted = words.join(", ");
        let en = format!("key `{key}` is \"{text}\", wanted one of {wanted}");
        r.problem(key, "VALUE_RANGE", en, format!("键 `{key}` 的值 \"{text}\" 应为 {wanted} 之一"));
    }
    words[0]
}
