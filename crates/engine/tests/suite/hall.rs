//! A small hall to test with: rules by builder, readings by seconds, transitions as short words.

use std::sync::Arc;

use alarm::{
    AlarmId, Cause, Condition, ConditionKind, GapPolicy, HallSettings, OnUnknown, RuleSet, TagSettings, Transition,
};
use engine::{AlarmAction, Command, CommandKind, Effects, Engine, Event, Fact, FactBody, Outcome, Refusal, Snapshot};
use model::{Actor, GatewayIndex, Priority, Quality, Reading, ReadingFlags, TagIndex, Time};

/// Start of every test's clock, seconds.
pub const START_S: f64 = 1_700_000_000.0;

pub fn at(s: f64) -> Time {
    Time(((START_S + s) * 1e6).round() as i64)
}

pub fn tag(name: &str) -> TagSettings {
    TagSettings {
        enterprise: "plant".into(),
        tag: name.into(),
        unit: "ppm".into(),
        period_s: None,
        stale_factor: 3.0,
        span: None,
        stuck: None,
        rate_max_per_s: None,
        reorder_s: 0.0,
        safety: false,
        retired: false,
    }
}

pub fn condition(tag: u32, kind: ConditionKind) -> Condition {
    let word = format!("{kind:?}");
    Condition {
        key: format!("plant/t{tag}/{}", word.split(['(', ' ']).next().unwrap().to_lowercase()).into(),
        tag: TagIndex(tag),
        kind,
        priority: Priority::III,
        on_delay_s: 0.0,
        off_delay_s: 0.0,
        deadband: 0.0,
        latch: false,
        on_unknown: OnUnknown::Hold,
        gap: GapPolicy::Bridge,
        suppress_when: None,
        escalation: vec![],
        message_zh: "超限".into(),
        message_en: "limit exceeded".into(),
        group: "".into(),
        class: "gas".into(),
        retired: false,
    }
}

pub fn officer() -> Actor {
    Actor { account: "wang".into(), name: "王".into() }
}

/// An engine with everything it said.
pub struct Hall {
    pub engine: Engine,
    pub facts: Vec<Fact>,
    pub counts: engine::Counts,
    pub now_s: f64,
    commands: u64,
    /// Events as given, for replay.
    pub log: Vec<(Time, Event)>,
}

impl Hall {
    pub fn new(tags: Vec<TagSettings>, conditions: Vec<Condition>) -> Self {
        Self::with(RuleSet { revision: 1, tags, conditions, hall: HallSettings::default() })
    }

    pub fn with(rules: RuleSet) -> Self {
        Self {
            engine: Engine::new(Arc::new(rules)),
            facts: vec![],
            counts: Default::default(),
            now_s: 0.0,
            commands: 0,
            log: vec![],
        }
    }

    pub fn step(&mut self, s: f64, event: Event) -> Option<Result<Outcome, Refusal>> {
        self.now_s = s;
        let mut out = Effects::default();
        self.engine.step(at(s), &event, &mut out);
        self.log.push((at(s), event));
        self.counts.live += out.counts.live;
        self.counts.late += out.counts.late;
        self.counts.duplicate += out.counts.duplicate;
        self.counts.replayed += out.counts.replayed;
        self.counts.ignored += out.counts.ignored;
        self.facts.append(&mut out.facts);
        out.reply
    }

    pub fn reading(tag: u32, s: f64, value: f64) -> Reading {
        Reading {
            tag: TagIndex(tag),
            gateway: GatewayIndex(0),
            value,
            source_time: at(s),
            server_time: at(s),
            seq: 0,
            quality: Quality::Good,
            flags: ReadingFlags::default(),
        }
    }

    /// A reading whose source time is its arrival.
    pub fn read(&mut self, tag: u32, s: f64, value: f64) -> &mut Self {
        self.give(s, Self::reading(tag, s, value))
    }

    pub fn give(&mut self, s: f64, reading: Reading) -> &mut Self {
        self.step(s, Event::Reading(reading));
        self
    }

    pub fn tick(&mut self, s: f64) -> &mut Self {
        self.step(s, Event::Tick);
        self
    }

    pub fn rules(&mut self, s: f64, change: impl FnOnce(&mut RuleSet)) -> &mut Self {
        let mut rules = (**self.engine.rules()).clone();
        rules.revision += 1;
        change(&mut rules);
        self.step(s, Event::Rules(Arc::new(rules), officer()));
        self
    }

    /// Carries out an action on an alarm as it stands.
    pub fn act(&mut self, s: f64, alarm: u64, action: AlarmAction) -> Result<Outcome, Refusal> {
        let seq = self.engine.alarm(AlarmId(alarm)).map_or(0, |r| r.seq);
        self.act_seen(s, (alarm, seq), action)
    }

    pub fn act_seen(&mut self, s: f64, seen: (u64, u64), action: AlarmAction) -> Result<Outcome, Refusal> {
        self.alarm_command(s, officer(), seen, action)
    }

    /// The same by another person.
    pub fn act_by(&mut self, s: f64, who: &str, alarm: u64, action: AlarmAction) -> Result<Outcome, Refusal> {
        let seq = self.engine.alarm(AlarmId(alarm)).map_or(0, |r| r.seq);
        self.alarm_command(s, Actor { account: who.into(), name: who.into() }, (alarm, seq), action)
    }

    fn alarm_command(
        &mut self,
        s: f64,
        actor: Actor,
        (alarm, seq): (u64, u64),
        action: AlarmAction,
    ) -> Result<Outcome, Refusal> {
        self.commands += 1;
        let kind = CommandKind::Alarm { alarm: AlarmId(alarm), seq, action };
        let command = Command { actor, key: format!("k{}", self.commands), kind };
        self.step(s, Event::Operator(command)).unwrap()
    }

    pub fn ack(&mut self, s: f64, alarm: u64) -> Result<Outcome, Refusal> {
        self.act(s, alarm, AlarmAction::Acknowledge { note: "现场确认".into() })
    }

    /// kill -9 between two events, and the restart after `down_s` seconds.
    pub fn restart(&mut self, down_s: f64) -> &mut Self {
        let bytes = postcard::to_stdvec(&self.engine.snapshot()).unwrap();
        let snapshot: Snapshot = postcard::from_bytes(&bytes).unwrap();
        self.engine = Engine::restore(snapshot, self.engine.rules().clone()).unwrap();
        let (down_at, up_at) = (at(self.now_s), at(self.now_s + down_s));
        self.step(self.now_s + down_s, Event::Restarted { down_at, up_at });
        self
    }

    /// Carries out a command of the work systems.
    pub fn work(&mut self, s: f64, who: &str, command: response::WorkCommand) -> Result<Outcome, Refusal> {
        self.commands += 1;
        let actor = Actor { account: who.into(), name: who.into() };
        let command = Command { actor, key: format!("k{}", self.commands), kind: CommandKind::Work(command) };
        self.step(s, Event::Operator(command)).unwrap()
    }

    /// Words `action id` of the work systems, in order.
    pub fn works(&self) -> Vec<String> {
        let word = |f: &Fact| match &f.body {
            FactBody::Work(e) => Some(format!("{} {}", e.action, e.item.id)),
            _ => None,
        };
        self.facts.iter().filter_map(word).collect()
    }

    pub fn transitions(&self) -> impl Iterator<Item = &Transition> {
        self.facts.iter().filter_map(|f| match &f.body {
            FactBody::Alarm(t) => Some(&**t),
            _ => None,
        })
    }

    pub fn causes(&self) -> Vec<Cause> {
        self.transitions().map(|t| t.cause).collect()
    }

    /// Words `id:cause` in order.
    pub fn story(&self) -> String {
        let words: Vec<String> = self.transitions().map(|t| format!("{}:{:?}", t.alarm.alarm_id.0, t.cause)).collect();
        words.join(" ")
    }
}
