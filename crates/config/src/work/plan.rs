//! Plan cards: a hazard's groups, levels, orders and checklists, each line with its source.

use std::collections::BTreeMap;

use response::{Checklist, ChecklistItem, Condition, Group, Name, PlanCard, PlanSource, TaskTemplate};

use super::chain::circle;
use super::parties::{INCIDENT_ROLES, Parties};
use super::profile::CONFIDENCE;
use super::words::{GROUP, Ids, LEVEL, Place, RECEIVER, ROLE, SOURCE, TASK, check, one_of, twice, unknown};
use crate::Problem;
use crate::reader::{Reader, Report};

/// Response levels; I, the highest, is 1.
const LEVELS: [&str; 4] = ["I", "II", "III", "IV"];

/// One plan card file.
pub(crate) struct PlanText {
    file: String,
    line: usize,
    card: PlanCard,
    /// Roles and receivers that must lead somewhere: key, name, line.
    roles: Vec<(&'static str, String, usize)>,
}

/// One `[[task]]`: an order of the levels `highest..=lowest` (1 to 4).
struct TaskText {
    template: TaskTemplate,
    highest: u8,
    lowest: u8,
    line: usize,
}

pub(crate) fn read(file: &str, text: &str) -> (PlanText, Vec<Problem>) {
    let report = Report::new(file, text);
    let root = report.parse();
    let r = Reader::new(root.get_ref(), 0, &report);
    let mut card = read_head(&r);
    let sources = Sources::read(&r);
    card.confidence = sources.confidence(&r, "basis", &mut card.source);
    card.offsets_source = r.text("offsets_basis");
    check(&r, ("offsets_basis", SOURCE, &card.offsets_source), sources.ids());
    card.conditions = read_conditions(&r, &sources);
    let (groups, mut roles) = read_groups(&r);
    let tasks = read_tasks(&r, (&groups, &sources), &mut roles);
    check_order(&report, &tasks, file);
    card.roles = used_roles(&roles);
    card.groups = groups;
    card.levels = levels(&r, &tasks);
    card.checklists = r.tables("checklist").into_iter().map(|t| read_checklist(t, &sources)).collect();
    card.sources = sources.0;
    let line = r.line("id");
    r.finish();
    (PlanText { file: file.into(), line, card, roles }, report.take())
}

fn read_head(r: &Reader<'_, '_>) -> PlanCard {
    PlanCard {
        id: r.text("id"),
        hazard: r.text("hazard"),
        name_zh: r.text("name_zh"),
        name_en: r.text("name_en"),
        source: r.text("basis"),
        ..PlanCard::default()
    }
}

/// What a plan card rests on.
struct Sources(Vec<PlanSource>);

impl Sources {
    fn read(root: &Reader<'_, '_>) -> Self {
        let mut ids = Ids::default();
        let mut all = Vec::new();
        for r in root.tables("source") {
            let confidence = one_of(&r, "confidence", CONFIDENCE).into();
            all.push(PlanSource { id: ids.take(&r, "id"), title: r.text("title"), confidence });
            r.finish();
        }
        Self(all)
    }

    fn ids(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.iter().map(|s| s.id.as_str())
    }

    /// Holds the source that `key` names against the list; it becomes its title.
    fn confidence(&self, r: &Reader<'_, '_>, key: &'static str, source: &mut String) -> Name {
        check(r, (key, SOURCE, source), self.ids());
        let Some(found) = self.0.iter().find(|s| s.id == *source) else { return Name::from("G") };
        *source = found.title.clone();
        found.confidence.clone()
    }

    fn of(&self, r: &Reader<'_, '_>) -> String {
        let source = r.text("source");
        check(r, ("source", SOURCE, &source), self.ids());
        source
    }
}

/// 1 to 4; the lowest level after a problem.
fn level(r: &Reader<'_, '_>, key: &'static str, name: &str) -> u8 {
    check(r, (key, LEVEL, name), LEVELS.into_iter());
    LEVELS.iter().position(|l| *l == name).map_or(4, |i| i as u8 + 1)
}

fn read_conditions(root: &Reader<'_, '_>, sources: &Sources) -> BTreeMap<u8, Condition> {
    let mut ids = Ids::default();
    let mut all = BTreeMap::new();
    for r in root.tables("level") {
        let at = level(&r, "level", &ids.take(&r, "level"));
        let condition = Condition { when_zh: r.text("when_zh"), when_en: r.text("when_en"), source: sources.of(&r) };
        all.insert(at, condition);
        r.finish();
    }
    all
}

fn read_groups(root: &Reader<'_, '_>) -> (Vec<Group>, Vec<(&'static str, String, usize)>) {
    let mut ids = Ids::default();
    let (mut groups, mut roles) = (Vec::new(), Vec::new());
    for r in root.tables("group") {
        let role = r.text("role");
        roles.push(("role", role.clone(), r.line("role")));
        let (name_zh, name_en) = (r.text("name_zh"), r.text("name_en"));
        groups.push(Group { id: ids.take(&r, "id"), name_zh, name_en, role: role.into() });
        r.finish();
    }
    (groups, roles)
}

fn read_tasks(
    root: &Reader<'_, '_>,
    (groups, sources): (&[Group], &Sources),
    roles: &mut Vec<(&'static str, String, usize)>,
) -> Vec<TaskText> {
    let mut ids = Ids::default();
    let tables = root.tables("task");
    let mut tasks = Vec::with_capacity(tables.len());
    for r in &tables {
        let task = read_task(r, &mut ids, sources);
        check(r, ("group", GROUP, &task.template.group), groups.iter().map(|g| g.id.as_str()));
        roles.push(("receiver", task.template.receiver.clone(), r.line("receiver")));
        tasks.push(task);
    }
    for (r, task) in tables.iter().zip(&tasks) {
        check_after(r, task, &tasks);
    }
    tables.into_iter().for_each(Reader::finish);
    tasks
}

fn read_task(r: &Reader<'_, '_>, ids: &mut Ids, sources: &Sources) -> TaskText {
    let receiver = r.text("receiver");
    let lowest = level(r, "from", &r.text("from"));
    let highest = r.opt_text("until").map_or(1, |until| level(r, "until", &until));
    if highest > lowest {
        let en = "key `until` is a lower level than `from`, wanted the same or a higher one".to_owned();
        r.problem("until", "VALUE_RANGE", en, "键 `until` 的级别低于 `from`，应相同或更高".into());
    }
    let (ack, feedback) =
        (r.required_number("ack_within_s", 1.0..=86_400.0), r.required_number("feedback_every_s", 1.0..=86_400.0));
    let complete = r.required_number("complete_within_s", 1.0..=2_592_000.0);
    check_offsets(r, [("ack_within_s", ack), ("feedback_every_s", feedback)], complete);
    let template = TaskTemplate {
        id: ids.take(r, "id"),
        group: r.text("group"),
        role: receiver.as_str().into(),
        receiver,
        text_zh: r.text("text_zh"),
        text_en: r.text("text_en"),
        after: r.texts("after"),
        ack_within_s: ack.unwrap_or_default(),
        feedback_every_s: feedback.unwrap_or_default(),
        complete_within_s: complete.unwrap_or_default(),
        source: sources.of(r),
    };
    TaskText { template, highest, lowest, line: r.line("id") }
}

/// Nobody can report on or finish what he has not yet acknowledged.
fn check_offsets(r: &Reader<'_, '_>, offsets: [(&'static str, Option<f64>); 2], complete: Option<f64>) {
    let Some(most) = complete else { return };
    for (key, value) in offsets {
        let Some(value) = value.filter(|v| *v > most) else { continue };
        let en = format!("key `{key}` is {value} s, looser than complete_within_s ({most} s)");
        r.problem(key, "VALUE_RANGE", en, format!("键 `{key}` 为 {value} s，比 complete_within_s（{most} s）更宽"));
    }
}

/// A task comes after tasks of this plan that its levels have too.
fn check_after(r: &Reader<'_, '_>, task: &TaskText, tasks: &[TaskText]) {
    for name in &task.template.after {
        if !check(r, ("after", TASK, name), tasks.iter().map(|t| t.template.id.as_str())) {
            continue;
        }
        let before = tasks.iter().filter(|t| t.template.id == *name);
        if !before.into_iter().any(|b| b.highest <= task.highest && b.lowest >= task.lowest) {
            let at = LEVELS[usize::from(task.lowest) - 1];
            let en = format!("key `after` is \"{name}\", which some level of this task (from {at}) does not have");
            r.problem(
                "after",
                "VALUE_RANGE",
                en,
                format!("键 `after` 的 \"{name}\" 在本任务的某一级别（自 {at} 级）中不存在"),
            );
        }
    }
}

fn check_order(report: &Report<'_>, tasks: &[TaskText], file: &str) {
    let mut edges: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for t in tasks {
        edges.entry(&t.template.id).or_default().extend(t.template.after.iter().map(String::as_str));
    }
    let Some(circle) = circle(&edges) else { return };
    let line = tasks.iter().find(|t| t.template.id == circle[0]).map_or(1, |t| t.line);
    let way = circle.join(" → ");
    let text = (format!("key `after` goes in a circle: {way}"), format!("键 `after` 成环：{way}"));
    report.push(Place { file: file.into(), line }.problem("CYCLE", "after", text));
}

/// Tasks of each level; a level without one cannot be activated.
fn levels(r: &Reader<'_, '_>, tasks: &[TaskText]) -> BTreeMap<u8, Vec<TaskTemplate>> {
    let mut all = BTreeMap::new();
    for at in 1..=4_u8 {
        let of = tasks.iter().filter(|t| (t.highest..=t.lowest).contains(&at));
        let of: Vec<TaskTemplate> = of.map(|t| t.template.clone()).collect();
        if of.is_empty() {
            let name = LEVELS[usize::from(at) - 1];
            let en = format!("level {name} has no [[task]]: activating it would order nothing");
            r.problem("task", "KEY_MISSING", en, format!("{name} 级没有任务 [[task]]，启动后不会下达任何指令"));
        }
        all.insert(at, of);
    }
    all
}

/// Roles in the order of the file, each once, after the commander, who leads all of them (Order 708 Art. 20).
fn used_roles(roles: &[(&'static str, String, usize)]) -> Vec<Name> {
    let mut used = vec![Name::from("commander")];
    for (_, role, _) in roles {
        if !used.iter().any(|u| **u == **role) {
            used.push(role.as_str().into());
        }
    }
    used
}

fn read_checklist(t: Reader<'_, '_>, sources: &Sources) -> Checklist {
    let mut items = Vec::new();
    for r in t.tables("item") {
        items.push(ChecklistItem { zh: r.text("zh"), en: r.text("en"), source: sources.of(&r) });
        r.finish();
    }
    let list =
        Checklist { chemical: t.text("chemical"), name_zh: t.text("name_zh"), name_en: t.text("name_en"), items };
    t.finish();
    list
}

/// Holds roles and receivers against the parties; a role becomes its party, the incident's own roles stay.
pub(crate) fn join(texts: Vec<PlanText>, parties: &Parties, problems: &mut Vec<Problem>) -> Vec<PlanCard> {
    let mut plans: Vec<(PlanCard, Place)> = Vec::new();
    for text in texts {
        let place = |line| Place { file: text.file.clone(), line };
        for (key, name, line) in &text.roles {
            if let Some(what) = leads_nowhere(key, name, parties) {
                problems.push(place(*line).problem("NAME_UNKNOWN", key, what));
            }
        }
        if let Some((_, before)) = plans.iter().find(|(p, _)| p.id == text.card.id && !p.id.is_empty()) {
            let (en, zh) = twice("id", &text.card.id, before.line);
            problems.push(place(text.line).problem("NAME_TWICE", "id", (en + " of " + &before.file, zh)));
        }
        let at = place(text.line);
        plans.push((resolved(text.card, parties), at));
    }
    plans.into_iter().map(|(p, _)| p).collect()
}

fn leads_nowhere(key: &str, name: &str, parties: &Parties) -> Option<(String, String)> {
    if name.is_empty() {
        return None;
    }
    let role = parties.roles.contains_key(name) || INCIDENT_ROLES.contains(&name);
    let party = key == "receiver" && parties.parties.iter().any(|p| p.id == name);
    if role || party {
        return None;
    }
    let roles = parties.roles.keys().map(String::as_str).chain(INCIDENT_ROLES);
    if key == "role" {
        return Some(unknown(key, ROLE, name, roles));
    }
    Some(unknown(key, RECEIVER, name, roles.chain(parties.parties.iter().map(|p| p.id.as_str()))))
}

fn resolved(mut card: PlanCard, parties: &Parties) -> PlanCard {
    for task in card.levels.values_mut().flatten() {
        if let Some(party) = parties.roles.get(&task.receiver) {
            task.receiver.clone_from(party);
        }
    }
    card
}
