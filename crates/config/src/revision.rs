//! Checked files to one revision: the tag directory and the rule set, with the dense numbers that the journal remembers.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use alarm::rule::{Program, Resolved, RuleCode};
use alarm::{Condition, ConditionKind, GapPolicy, HallSettings, OnUnknown, RuleSet, TagSettings};
use model::{Directory, Priority, TagEntry, TagIndex};

use crate::conditions::{Base, Shared, priority};
use crate::problem::nearest;
use crate::{Loaded, Problem, RuleText, Site, TagText, levels};

/// Names that already have numbers, in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// `(enterprise, tag)`.
    pub tags: Vec<(String, String)>,
    /// Condition keys.
    pub conditions: Vec<String>,
}

/// What comes into force together.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// Tags by number and name.
    pub directory: Directory,
    /// What the engine runs on.
    pub rules: RuleSet,
    /// All names with numbers now: `known` and the new ones behind them.
    pub known: Known,
}

impl Revision {
    /// Builds revision `number`. Names in `known` keep their numbers; what the files no longer have is retired.
    ///
    /// # Errors
    /// Every problem between files: names twice, unknown tags, rules that do not compile.
    pub fn build(loaded: &Loaded, known: &Known, number: u64) -> Result<Self, Vec<Problem>> {
        let mut b = Builder::new(loaded, known);
        b.check_enterprises();
        b.number_tags();
        b.build_tags();
        b.build_conditions();
        b.finish(number)
    }
}

/// Index into `sites` and that site's tags.
type Place = (usize, usize);

struct Builder<'a> {
    loaded: &'a Loaded,
    known: Known,
    places: Vec<Option<Place>>,
    by_name: HashMap<(&'a str, &'a str), TagIndex>,
    entries: Vec<TagEntry>,
    settings: Vec<TagSettings>,
    made: HashMap<String, Condition>,
    shared: Shared,
    problems: Vec<Problem>,
}

impl<'a> Builder<'a> {
    fn new(loaded: &'a Loaded, known: &Known) -> Self {
        Self {
            loaded,
            known: known.clone(),
            places: Vec::new(),
            by_name: HashMap::new(),
            entries: Vec::new(),
            settings: Vec::new(),
            // Grown once: moving 600,000 conditions again and again takes longer than making them.
            made: HashMap::with_capacity(known.conditions.len()),
            shared: Shared::default(),
            problems: Vec::new(),
        }
    }

    fn problem(&mut self, (file, line): (&str, usize), code: &'static str, (en, zh): (String, String)) {
        let key = String::new();
        self.problems.push(Problem { file: file.into(), line, code, key, message_en: en, message_zh: zh });
    }

    fn check_enterprises(&mut self) {
        let mut seen = HashSet::new();
        for site in &self.loaded.sites {
            if !seen.insert(&site.enterprise.id) {
                let id = &site.enterprise.id;
                let text = (format!("enterprise \"{id}\" is in two files"), format!("企业 \"{id}\" 出现在两个文件中"));
                self.problem((&site.file, 1), "NAME_TWICE", text);
            }
        }
    }

    /// Known names keep their numbers, new ones follow; `places` says where each number's text is, if anywhere.
    fn number_tags(&mut self) {
        let loaded = self.loaded;
        let known: HashMap<(String, String), usize> =
            self.known.tags.iter().enumerate().map(|(i, n)| (n.clone(), i)).collect();
        self.places = vec![None; self.known.tags.len()];
        for (s, site) in loaded.sites.iter().enumerate() {
            for (t, tag) in site.tags.iter().enumerate() {
                let name = (site.enterprise.id.clone(), tag.tag.clone());
                let number = known.get(&name).copied().unwrap_or(self.places.len());
                if number == self.places.len() {
                    self.places.push(None);
                    self.known.tags.push(name);
                }
                self.places[number] = Some((s, t));
                let key = (site.enterprise.id.as_str(), tag.tag.as_str());
                if self.by_name.insert(key, TagIndex(number as u32)).is_some() {
                    let text = (format!("tag \"{}\" is there twice", tag.tag), format!("测点 \"{}\" 重复", tag.tag));
                    self.problem((&site.file, tag.line), "NAME_TWICE", text);
                }
            }
        }
    }

    fn build_tags(&mut self) {
        for (number, place) in self.places.clone().into_iter().enumerate() {
            let (enterprise, name) = self.known.tags[number].clone();
            let text = place.map(|(s, t)| &self.loaded.sites[s].tags[t]);
            self.entries.push(entry(&enterprise, &name, text));
            self.settings.push(tag_settings((&enterprise, &name), text, &self.shared));
        }
    }

    fn build_conditions(&mut self) {
        let loaded = self.loaded;
        for (number, place) in self.places.clone().into_iter().enumerate() {
            let Some((s, t)) = place else { continue };
            let (site, tag) = (&loaded.sites[s], &loaded.sites[s].tags[t]);
            for condition in self.tag_conditions(site, tag, TagIndex(number as u32)) {
                self.made.insert(condition.key.to_string(), condition);
            }
        }
        for rule in &loaded.rules {
            self.add_rule(rule);
        }
    }

    fn tag_conditions(&mut self, site: &Site, tag: &TagText, index: TagIndex) -> Vec<Condition> {
        let suppress = tag.suppress_when.as_ref().and_then(|text| {
            let rule = (site.file.as_str(), tag.line, text.as_str());
            self.compile(rule, &site.enterprise.id)
        });
        let levels = self.two_levels(site, tag, index);
        let base = Base { site, tag, index, suppress, shared: &self.shared };
        let mut all: Vec<Condition> = base.limits().collect();
        all.extend(base.diagnostics());
        all.extend(levels.map(|(program, delay_s)| base.inconsistent(program, delay_s)));
        all
    }

    /// What watches a detector whose second level is `tag`, and how long it must hold.
    fn two_levels(&mut self, site: &Site, tag: &TagText, index: TagIndex) -> Option<(Program, f64)> {
        let (name, enterprise) = (tag.first_level.as_deref()?, &site.enterprise.id);
        let at = (site.file.as_str(), tag.line);
        let found = self.by_name.get(&(enterprise.as_str(), name)).copied();
        let Some((s, t)) = found.and_then(|first| self.places[first.0 as usize]) else {
            let text = self.unknown_tag(enterprise, name);
            self.problem(at, "RULE_TAG_UNKNOWN", text);
            return None;
        };
        let first = &self.loaded.sites[s].tags[t];
        match levels::contradiction(tag, first).filter(|_| found != Some(index)) {
            Some(text) => Some((self.compile((at.0, at.1, &text), enterprise)?, levels::delay_s(first))),
            None => {
                let en = format!(
                    "first_level is \"{name}\": it must be another tag, and both must be switches or have a limit"
                );
                let zh = format!("first_level 的值 \"{name}\" 应为另一测点，且两者须为开关量或设有限值");
                self.problem(at, "RULE_RANGE", (en, zh));
                None
            }
        }
    }

    fn add_rule(&mut self, rule: &RuleText) {
        let at = (rule.file.as_str(), rule.line);
        let Some(&tag) = self.by_name.get(&(rule.enterprise.as_str(), rule.tag.as_str())) else {
            let text = self.unknown_tag(&rule.enterprise, &rule.tag);
            return self.problem(at, "RULE_TAG_UNKNOWN", text);
        };
        let Some(program) = self.compile((at.0, at.1, &rule.when), &rule.enterprise) else { return };
        let key = format!("{}/{}", rule.enterprise, rule.id);
        if self.made.contains_key(&key) {
            let text = (format!("rule \"{}\" is there twice", rule.id), format!("规则 \"{}\" 重复", rule.id));
            return self.problem(at, "NAME_TWICE", text);
        }
        let group = self.group(tag);
        let fault = program.faulted().map(|watch| self.fault_watch((&key, tag), rule, watch));
        let condition = Condition {
            key: key.as_str().into(),
            tag,
            kind: ConditionKind::Expression(program),
            priority: priority(rule.priority),
            on_delay_s: rule.on_delay_s,
            off_delay_s: rule.off_delay_s,
            deadband: 0.0,
            latch: rule.latch,
            on_unknown: OnUnknown::Hold,
            gap: if rule.bridge { GapPolicy::Bridge } else { GapPolicy::Restart },
            suppress_when: None,
            escalation: Vec::new(),
            message_zh: rule.message_zh.as_str().into(),
            message_en: rule.message_en.as_str().into(),
            group: group.into(),
            class: rule.class.as_str().into(),
            retired: false,
        };
        self.made.insert(key, condition);
        self.made.extend(fault.map(|f| (f.key.to_string(), f)));
    }

    /// A rule that divides by zero decides nothing: people must know that it watches no longer (reliability §7 row 28).
    fn fault_watch(&self, (key, tag): (&str, TagIndex), rule: &RuleText, watch: Program) -> Condition {
        Condition {
            key: format!("{key}/faulted").into(),
            tag,
            kind: ConditionKind::Expression(watch),
            priority: Priority::Diagnostic,
            on_delay_s: 0.0,
            off_delay_s: 0.0,
            deadband: 0.0,
            latch: false,
            on_unknown: OnUnknown::Hold,
            gap: GapPolicy::Bridge,
            suppress_when: None,
            escalation: Vec::new(),
            message_zh: format!("规则失效（除以零）：{}", rule.message_zh).into(),
            message_en: format!("Rule faulted (division by zero): {}", rule.message_en).into(),
            group: self.group(tag).into(),
            class: "rule-fault".into(),
            retired: false,
        }
    }

    fn group(&self, tag: TagIndex) -> String {
        let e = &self.entries[tag.0 as usize];
        if e.unit_id.is_empty() { e.enterprise.clone() } else { format!("{}/{}", e.enterprise, e.unit_id) }
    }

    fn unknown_tag(&self, enterprise: &str, tag: &str) -> (String, String) {
        let names = self.by_name.keys().filter(|(e, _)| *e == enterprise).map(|(_, t)| *t);
        let meant = nearest(tag, names);
        let en = meant.map_or_else(String::new, |m| format!(", did you mean \"{m}\"?"));
        let zh = meant.map_or_else(String::new, |m| format!("，是否应为 \"{m}\"？"));
        (
            format!("there is no tag \"{tag}\" in \"{enterprise}\"{en}"),
            format!("\"{enterprise}\" 没有测点 \"{tag}\"{zh}"),
        )
    }

    /// Compiles an expression; names without a slash are tags or rules of `enterprise`.
    fn compile(&mut self, (file, line, text): (&str, usize, &str), enterprise: &str) -> Option<Program> {
        let unresolved = RefCell::new(None);
        let resolve = |name: &str| {
            let found = self.resolve(name, enterprise);
            if found.is_none() {
                *unresolved.borrow_mut() = Some(name.to_owned());
            }
            found
        };
        let error = match alarm::rule::compile(text, &resolve) {
            Ok(program) => return Some(program),
            Err(error) => error,
        };
        let names = self.by_name.keys().filter(|(of, _)| *of == enterprise).map(|(_, t)| *t);
        let meant = unresolved.into_inner().and_then(|name| nearest(&name, names).map(str::to_owned));
        let (en_meant, zh_meant) = meant
            .map_or_else(Default::default, |m| (format!(", did you mean \"{m}\"?"), format!("，是否应为 \"{m}\"？")));
        let (column, message, hint) = (error.column, &error.message, &error.hint);
        let en = format!("column {column}: {message}{en_meant}; {hint}");
        let zh = format!("第 {column} 列：{}（{message}）{zh_meant}", chinese(error.code));
        self.problem((file, line + error.line as usize - 1), error.code.as_str(), (en, zh));
        None
    }

    fn resolve(&self, name: &str, enterprise: &str) -> Option<Resolved> {
        let (e, t) = name.split_once('/').unwrap_or((enterprise, name));
        if let Some(&tag) = self.by_name.get(&(e, t)) {
            let entry = &self.entries[tag.0 as usize];
            let boolean = entry.unit.is_empty() && entry.span.is_none();
            return Some(Resolved::Tag { tag, unit: entry.unit.as_str().into(), boolean });
        }
        let rule = self.loaded.rules.iter().find(|r| r.enterprise == e && r.id == t)?;
        Some(Resolved::Rule(rule.when.as_str().into()))
    }

    /// Gives conditions their numbers: known keys keep theirs, new ones follow in the order of their keys.
    fn finish(mut self, number: u64) -> Result<Revision, Vec<Problem>> {
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let known: HashSet<&String> = self.known.conditions.iter().collect();
        let mut new: Vec<String> = self.made.keys().filter(|k| !known.contains(k)).cloned().collect();
        new.sort();
        self.known.conditions.extend(new);
        let mut conditions = Vec::with_capacity(self.known.conditions.len());
        for key in &self.known.conditions {
            let made = self.made.remove(key);
            conditions.push(made.unwrap_or_else(|| retired(key, &self.by_name)));
        }
        let enterprises = self.loaded.sites.iter().map(|s| s.enterprise.clone()).collect();
        let rules = RuleSet { revision: number, tags: self.settings, conditions, hall: HallSettings::default() };
        Ok(Revision { directory: Directory::new(number, enterprises, self.entries), rules, known: self.known })
    }
}

/// What kind of mistake it is, for people who read Chinese; the English message has the details.
const fn chinese(code: RuleCode) -> &'static str {
    match code {
        RuleCode::TagUnknown => "没有这个测点或规则",
        RuleCode::Cycle => "规则相互引用成环",
        RuleCode::Range => "数值超出允许范围",
        RuleCode::TooCostly => "规则过长、过深或运算过多",
        RuleCode::Type => "数值与条件混用",
        RuleCode::Unit => "单位不一致",
        RuleCode::Syntax => "语法错误",
    }
}

fn entry(enterprise: &str, name: &str, text: Option<&TagText>) -> TagEntry {
    let text_of = |f: fn(&TagText) -> &String| text.map_or_else(String::new, |t| f(t).clone());
    TagEntry {
        enterprise: enterprise.into(),
        tag: name.into(),
        unit_id: text_of(|t| &t.unit_id),
        description_zh: text_of(|t| &t.description_zh),
        description_en: text_of(|t| &t.description_en),
        unit: text_of(|t| &t.unit),
        span: text.and_then(|t| t.span),
        limits: text.map(|t| t.limits).unwrap_or_default(),
        deadband: text.map_or(0.0, |t| t.deadband),
        on_delay_s: text.map_or(0.0, |t| t.on_delay_s),
        off_delay_s: text.map_or(0.0, |t| t.off_delay_s),
        period_s: text.and_then(|t| t.period_s),
        retired: text.is_none(),
    }
}

fn tag_settings((enterprise, name): (&str, &str), text: Option<&TagText>, shared: &Shared) -> TagSettings {
    TagSettings {
        enterprise: shared.text(enterprise),
        tag: name.into(),
        unit: shared.text(text.map_or("", |t| &t.unit)),
        period_s: text.and_then(|t| t.period_s),
        stale_factor: text.map_or(3.0, |t| t.stale_factor),
        span: text.and_then(|t| t.span),
        stuck: text.and_then(|t| t.stuck),
        rate_max_per_s: text.and_then(|t| t.rate_max_per_s),
        reorder_s: text.map_or(0.0, |t| t.reorder_s),
        safety: text.is_some_and(|t| t.safety),
        retired: text.is_none(),
    }
}

/// Stands in for a condition that the files no longer have, so that numbers stay.
fn retired(key: &str, tags: &HashMap<(&str, &str), TagIndex>) -> Condition {
    let (enterprise, rest) = key.split_once('/').unwrap_or((key, ""));
    let name = rest.split_once('/').map_or(rest, |(t, _)| t);
    Condition {
        key: key.into(),
        tag: tags.get(&(enterprise, name)).copied().unwrap_or(TagIndex(u32::MAX)),
        kind: ConditionKind::Unknown,
        priority: Priority::Diagnostic,
        on_delay_s: 0.0,
        off_delay_s: 0.0,
        deadband: 0.0,
        latch: false,
        on_unknown: OnUnknown::Hold,
        gap: GapPolicy::Bridge,
        suppress_when: None,
        escalation: Vec::new(),
        message_zh: Arc::from(""),
        message_en: Arc::from(""),
        group: enterprise.into(),
        class: Arc::from(""),
        retired: true,
    }
}
