//! A desk to test with: one book, a clock in seconds, people by their account names.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Actor, Priority, Time};
use response::{
    AlarmNews, AlarmRef, Attachment, Book, Crew, Fields, Group, Item, ItemId, Kind, Link, Party, PlanCard, Provenance,
    RosterPattern, ShiftPattern, Sight, TaskTemplate, Turn, Value, WorkCommand, WorkEvent, WorkRefusal, WorkSettings,
};

/// Start of every test's clock: 2026-11-27 00:00 UTC.
pub const START_S: i64 = 1_795_737_600;

pub fn at(s: f64) -> Time {
    Time::from_secs(START_S).plus_s(s)
}

pub fn person(account: &str) -> Actor {
    Actor { account: account.into(), name: account.to_uppercase() }
}

pub fn party(id: &str, superior: Option<&str>, substitutes: &[&str]) -> Party {
    Party {
        id: id.into(),
        kind: "team".into(),
        name_zh: format!("{id} 队"),
        name_en: id.into(),
        superior: superior.map(str::to_owned),
        substitutes: substitutes.iter().map(|s| (*s).to_owned()).collect(),
        town: "东镇".into(),
        industry: "化工".into(),
        ..Party::default()
    }
}

fn task(id: &str, receiver: &str, after: &[&str]) -> TaskTemplate {
    TaskTemplate {
        id: id.into(),
        group: "rescue".into(),
        role: "rescue_lead".into(),
        receiver: receiver.into(),
        text_zh: format!("任务 {id}"),
        text_en: format!("task {id}"),
        after: after.iter().map(|s| (*s).to_owned()).collect(),
        ack_within_s: 60.0,
        ..TaskTemplate::default()
    }
}

/// A hall with two brigades that step in for one another, a plan, and two crews of three.
pub fn settings() -> WorkSettings {
    let levels = BTreeMap::from([
        (2, vec![task("seal", "brigade-1", &[]), task("evacuate", "town", &[]), task("test", "brigade-2", &["seal"])]),
        (4, vec![task("seal", "brigade-1", &[]), task("watch", "brigade-2", &[])]),
    ]);
    let plan = PlanCard {
        id: "ammonia".into(),
        groups: vec![Group { id: "rescue".into(), role: "rescue_lead".into(), ..Group::default() }],
        levels,
        checklists: vec![response::Checklist {
            chemical: "氨".into(),
            items: [("水幕稀释", "water curtain"), ("上风向", "upwind")]
                .map(|(zh, en)| response::ChecklistItem {
                    zh: zh.into(),
                    en: en.into(),
                    ..response::ChecklistItem::default()
                })
                .into(),
            ..response::Checklist::default()
        }],
        ..PlanCard::default()
    };
    let crew = |n: &str| Crew {
        leader: format!("leader-{n}"),
        main: format!("main-{n}"),
        deputies: vec![format!("deputy-{n}")],
        standby: vec![],
    };
    let shift = |name: &str, starts_at| ShiftPattern {
        name_zh: name.into(),
        name_en: name.into(),
        starts_at,
        length_s: 43_200,
    };
    WorkSettings {
        hall: "hall".into(),
        parties: vec![
            party("hall", None, &[]),
            party("brigade-1", Some("hall"), &["brigade-2", "brigade-3"]),
            party("brigade-2", Some("hall"), &["brigade-1"]),
            party("brigade-3", Some("brigade-2"), &[]),
            party("town", Some("hall"), &[]),
            party("chem-01", Some("town"), &[]),
            party("elsewhere", None, &[]),
        ],
        plans: vec![plan],
        roster: RosterPattern {
            shifts: vec![shift("白班", 28_800), shift("夜班", 72_000)],
            crews: vec![crew("a"), crew("b"), crew("c")],
            utc_offset_s: 28_800,
        },
        ..WorkSettings::default()
    }
}

/// The book with everything it said.
pub struct Desk {
    pub book: Book,
    pub now: Time,
    pub seq: u64,
    pub told: Vec<WorkEvent>,
    pub sight: Sight,
    /// Compares the whole book after each refusal; off where thousands of items are open.
    pub strict: bool,
}

impl Desk {
    pub fn new() -> Self {
        Self::with(settings())
    }

    pub fn with(settings: WorkSettings) -> Self {
        let mut desk =
            Self { book: Book::default(), now: at(0.0), seq: 0, told: vec![], sight: Sight::default(), strict: true };
        let hall = person("hall");
        let turn = Turn { now: desk.now, seq: 1, actor: &hall };
        let events = desk.book.set_settings(turn, Arc::new(settings));
        desk.take(events);
        desk
    }

    /// The same desk once more.
    pub fn copy(&self) -> Self {
        let (book, told, sight) = (self.book.clone(), self.told.clone(), self.sight.clone());
        Self { book, now: self.now, seq: self.seq, told, sight, strict: self.strict }
    }

    fn take(&mut self, events: Vec<WorkEvent>) -> Vec<WorkEvent> {
        for event in &events {
            self.seq += 1;
            assert_eq!(event.item.seq, self.seq, "events are numbered without a gap");
        }
        self.told.extend(events.iter().cloned());
        events
    }

    pub fn command(&mut self, who: &str, command: &WorkCommand) -> Result<Vec<WorkEvent>, WorkRefusal> {
        let actor = person(who);
        let before = self.strict.then(|| self.book.clone());
        let turn = Turn { now: self.now, seq: self.seq + 1, actor: &actor };
        match self.book.command(turn, command, &self.sight) {
            Ok(events) => Ok(self.take(events)),
            Err(refusal) => {
                if let Some(before) = before {
                    assert!(self.book == before, "a refusal changes nothing: {refusal}");
                }
                Err(refusal)
            }
        }
    }

    /// Creates items; links as `rel:to`.
    pub fn try_create(
        &mut self,
        who: &str,
        kind: Kind,
        fields: &[(&str, Value)],
        links: &[&str],
        receivers: &[&str],
    ) -> Result<Vec<WorkEvent>, WorkRefusal> {
        self.command(who, &create(kind, fields, links, receivers, Provenance::Real))
    }

    #[track_caller]
    pub fn create(
        &mut self,
        who: &str,
        kind: Kind,
        fields: &[(&str, Value)],
        links: &[&str],
        receivers: &[&str],
    ) -> ItemId {
        let events = self.try_create(who, kind, fields, links, receivers);
        events.unwrap_or_else(|r| panic!("create {kind:?}: {r}"))[0].item.id
    }

    pub fn try_act(
        &mut self,
        who: &str,
        id: ItemId,
        action: &str,
        fields: &[(&str, Value)],
    ) -> Result<Vec<WorkEvent>, WorkRefusal> {
        let seq = self.book.get(id).map_or(u64::MAX, |i| i.seq);
        self.command(who, &act(id, seq, action, fields))
    }

    #[track_caller]
    pub fn act(&mut self, who: &str, id: ItemId, action: &str, fields: &[(&str, Value)]) -> Arc<Item> {
        let events = self.try_act(who, id, action, fields);
        let events = events.unwrap_or_else(|r| panic!("{action} on {id}: {r}"));
        events.iter().rev().find(|e| e.item.id == id).unwrap().item.clone()
    }

    /// Several actions without fields.
    #[track_caller]
    pub fn acts(&mut self, who: &str, id: ItemId, actions: &str) {
        for action in actions.split_whitespace() {
            self.act(who, id, action, &[]);
        }
    }

    /// Time passes to a second after the start; returns what deadlines told, as `action id`.
    pub fn wait_until(&mut self, s: f64) -> Vec<String> {
        let first = self.told.len();
        while let Some(due) = self.book.next_deadline().filter(|due| *due <= at(s)) {
            self.now = self.now.max(due);
            let events = self.book.due(due, self.now, self.seq + 1);
            self.take(events);
        }
        self.now = at(s);
        self.told[first..].iter().map(|e| format!("{} {}", e.action, e.item.id)).collect()
    }

    pub fn alarm(&mut self, alarm: &AlarmRef, news: AlarmNews) -> Vec<WorkEvent> {
        let system = Actor::system();
        let turn = Turn { now: self.now, seq: self.seq + 1, actor: &system };
        let events = self.book.alarm(turn, alarm, news);
        self.take(events)
    }

    pub fn raise(&mut self, alarm: &AlarmRef) -> Vec<WorkEvent> {
        let at = self.now;
        self.alarm(alarm, AlarmNews::Raised { at, recurs: true })
    }

    pub fn operator(&mut self, who: &str) -> Vec<WorkEvent> {
        let actor = person(who);
        let turn = Turn { now: self.now, seq: self.seq + 1, actor: &actor };
        let events = self.book.operator_acted(turn);
        self.take(events)
    }

    #[track_caller]
    pub fn item(&self, id: ItemId) -> &Arc<Item> {
        self.book.get(id).unwrap_or_else(|| panic!("{id} is not open"))
    }

    /// The state in the newest event of an item, ended or not.
    #[track_caller]
    pub fn state(&self, id: ItemId) -> String {
        self.last(id).state.to_string()
    }

    #[track_caller]
    pub fn last(&self, id: ItemId) -> &Arc<Item> {
        &self.told.iter().rev().find(|e| e.item.id == id).expect("was told").item
    }

    /// The process is killed and starts again from its snapshot.
    pub fn restart(&mut self) {
        let bytes = postcard::to_allocvec(&self.book).unwrap();
        let book: Book = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(book, self.book, "the snapshot keeps everything");
        self.book = book;
    }
}

pub fn create(
    kind: Kind,
    fields: &[(&str, Value)],
    links: &[&str],
    receivers: &[&str],
    provenance: Provenance,
) -> WorkCommand {
    let link = |text: &&str| text.split_once(':').map(|(rel, to)| Link::new(rel, to)).unwrap();
    WorkCommand::Create {
        kind,
        fields: given(fields),
        links: links.iter().map(link).collect(),
        receivers: receivers.iter().map(|r| (*r).to_owned()).collect(),
        provenance,
        seen: None,
    }
}

/// `note` among the fields is the note.
pub fn act(item: ItemId, seq: u64, action: &str, fields: &[(&str, Value)]) -> WorkCommand {
    let mut fields = given(fields);
    let note = fields.remove("note").and_then(|v| v.as_text().map(str::to_owned)).unwrap_or_default();
    let attachments: Vec<Attachment> = vec![];
    WorkCommand::Act { item, seq, action: action.into(), fields, note, attachments }
}

pub fn given(fields: &[(&str, Value)]) -> Fields {
    fields.iter().map(|(name, value)| ((*name).into(), value.clone())).collect()
}

pub fn red_alarm(number: u64, tag: &str) -> AlarmRef {
    AlarmRef {
        id: format!("A-{number:06}"),
        tag: format!("chem-01/{tag}"),
        enterprise: "chem-01".into(),
        title: "氨浓度高".into(),
        priority: Priority::I,
        state: "unacknowledged".into(),
        raised_at: at(0.0),
        acknowledged_at: None,
        owner: None,
        evidence: "gas.01/hh = 62 ppm".into(),
    }
}

/// A refusal by its variant's word.
pub fn word(refusal: &WorkRefusal) -> &'static str {
    match refusal {
        WorkRefusal::NotFound { .. } => "not_found",
        WorkRefusal::VersionConflict { .. } => "version_conflict",
        WorkRefusal::State { .. } => "state",
        WorkRefusal::FieldRequired(_) => "field_required",
        WorkRefusal::FieldInvalid { .. } => "field_invalid",
        WorkRefusal::OutsideCommandChain { .. } => "outside_command_chain",
        WorkRefusal::SecondPerson { .. } => "second_person",
        WorkRefusal::ItemsOpen { .. } => "items_open",
    }
}

#[track_caller]
pub fn refused<T: std::fmt::Debug>(result: Result<T, WorkRefusal>, expected: &str) -> WorkRefusal {
    let refusal = result.expect_err("must be refused");
    assert_eq!(word(&refusal), expected, "{refusal}");
    refusal
}
