//! Random histories: what the property tests feed the engine with.

use std::sync::Arc;

use alarm::rule::{Program, Resolved, compile};
use alarm::{ConditionKind, EscalationStep, HallSettings, OnUnknown, RuleSet};
use engine::{AlarmAction, Event, LinkChange, LinkScope};
use model::{GatewayIndex, Priority, Quality, Reading, ReadingFlags, TagIndex};
use proptest::prelude::*;

use crate::hall::{Hall, at, condition, officer, tag};

/// One step of a history; times are milliseconds after the last step.
#[derive(Clone, Debug)]
pub enum Step {
    Read { tag: u32, value: u8, quality: u8, behind_ms: i64, dt_ms: i64 },
    Tick { dt_ms: i64 },
    Act { which: u8, action: u8, dt_ms: i64 },
    Link { gateway: u8, up: bool, dt_ms: i64 },
    Edit { limit: u8, retire: bool, dt_ms: i64 },
    Restart { down_ms: i64 },
}

/// Cases per property: 48, or what PROPTEST_CASES says.
pub fn cases() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(48);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn step() -> impl Strategy<Value = Step> {
    let dt = || prop_oneof![4 => 1..2_000_i64, 2 => 2_000..20_000_i64, 1 => 20_000..200_000_i64];
    prop_oneof![
        20 => (0..4_u32, 0..100_u8, 0..12_u8, 0..10_i64, dt()).prop_map(|(tag, value, quality, behind, dt_ms)| {
            let behind_ms = if behind == 0 { 3_000 } else { 0 };
            Step::Read { tag, value, quality, behind_ms, dt_ms }
        }),
        6 => dt().prop_map(|dt_ms| Step::Tick { dt_ms }),
        6 => (any::<u8>(), 0..7_u8, dt()).prop_map(|(which, action, dt_ms)| Step::Act { which, action, dt_ms }),
        1 => (0..3_u8, any::<bool>(), dt()).prop_map(|(gateway, up, dt_ms)| Step::Link { gateway, up, dt_ms }),
        1 => (20..90_u8, any::<bool>(), dt()).prop_map(|(limit, retire, dt_ms)| Step::Edit { limit, retire, dt_ms }),
        1 => (0..100_000_i64).prop_map(|down_ms| Step::Restart { down_ms }),
    ]
}

pub fn script() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..150)
}

/// A rule over the hall's tags `a` to `d`.
pub fn program(source: &str) -> Program {
    let resolve = |name: &str| {
        let index = ["a", "b", "c", "d"].iter().position(|n| *n == name)?;
        Some(Resolved::Tag { tag: TagIndex(index as u32), unit: "ppm".into(), boolean: false })
    };
    compile(source, &resolve).unwrap()
}

/// Four tags with every kind of condition.
pub fn rules() -> RuleSet {
    let mut tags: Vec<_> = ["a", "b", "c", "d"].map(tag).into();
    tags[0].period_s = Some(5.0);
    tags[1].span = Some((0.0, 95.0));
    tags[1].period_s = Some(10.0);
    tags[2].stuck = Some((60.0, 0.5));
    tags[3].safety = true;
    let mut list = vec![
        condition(0, ConditionKind::High(50.0)),
        condition(0, ConditionKind::HighHigh(80.0)),
        condition(0, ConditionKind::Stale),
        condition(1, ConditionKind::Low(20.0)),
        condition(1, ConditionKind::OutOfRange),
        condition(1, ConditionKind::Unknown),
        condition(2, ConditionKind::Expression(program("avg(c, 1m) > 50 and a > 10 or age(b) > 30 s"))),
        condition(2, ConditionKind::Rate { per_s: 1.0, window_s: 20.0 }),
        condition(2, ConditionKind::Stuck),
        condition(3, ConditionKind::High(70.0)),
        condition(1, ConditionKind::Stale),
    ];
    for (i, c) in list.iter_mut().enumerate() {
        c.on_delay_s = [0.0, 5.0, 0.0, 12.0][i % 4];
        c.off_delay_s = [3.0, 0.0, 0.0, 20.0][i % 4];
        c.deadband = [5.0, 0.0, 2.0][i % 3];
    }
    list[1].latch = true;
    list[3].suppress_when = Some(program("c > 70"));
    list[5].on_delay_s = 30.0;
    list[9].on_unknown = OnUnknown::Raise;
    list[9].priority = Priority::I;
    list[0].escalation = vec![EscalationStep { after_s: 30.0, to: "shift_lead".into() }];
    list[0].group = "plant".into();
    list[3].group = "plant".into();
    RuleSet { revision: 1, tags, conditions: list, hall: HallSettings::default() }
}

fn reading(step: &Step, now_s: f64) -> Reading {
    let Step::Read { tag, value, quality, behind_ms, .. } = *step else { unreachable!("a reading was asked for") };
    Reading {
        tag: TagIndex(tag),
        gateway: GatewayIndex(tag % 3),
        value: f64::from(value),
        source_time: at(now_s - behind_ms as f64 / 1e3),
        server_time: at(now_s),
        seq: 0,
        quality: [Quality::Bad, Quality::Uncertain].get(quality as usize).copied().unwrap_or(Quality::Good),
        flags: ReadingFlags::default(),
    }
}

fn action(number: u8) -> AlarmAction {
    let why = || "因故".to_owned();
    match number {
        0 | 1 => AlarmAction::Acknowledge { note: why() },
        2 => AlarmAction::Unacknowledge { reason: why() },
        3 => AlarmAction::Shelve { for_s: Some(60.0), reason: why() },
        4 => AlarmAction::Shelve { for_s: None, reason: why() },
        5 => AlarmAction::Reset { reason: why() },
        _ => AlarmAction::Comment { text: why() },
    }
}

impl Hall {
    /// Carries out one step of a history.
    pub fn follow(&mut self, step: &Step) {
        let after = |ms: i64| self.now_s + ms as f64 / 1e3;
        match *step {
            Step::Read { dt_ms, .. } => {
                let s = after(dt_ms);
                self.give(s, reading(step, s));
            }
            Step::Tick { dt_ms } => {
                self.tick(after(dt_ms));
            }
            Step::Act { which, action: number, dt_ms } => {
                let s = after(dt_ms);
                let open = self.engine.open_alarms();
                if let Some(alarm) = open.get(usize::from(which) % open.len().max(1)) {
                    let _ = self.act(s, alarm.alarm_id.0, action(number));
                }
            }
            Step::Link { gateway, up, dt_ms } => {
                let scope = match gateway {
                    2 => LinkScope::Broker("far".into()),
                    n => LinkScope::Gateway(GatewayIndex(u32::from(n)), "plant".into()),
                };
                self.step(after(dt_ms), Event::Link(LinkChange { scope, up, reason: "test".into() }));
            }
            Step::Edit { limit, retire, dt_ms } => {
                self.rules(after(dt_ms), |rules| {
                    rules.conditions[0].kind = ConditionKind::High(f64::from(limit));
                    rules.conditions[3].retired = retire;
                });
            }
            Step::Restart { down_ms } => {
                let s = after(down_ms);
                let (down_at, up_at) = (at(self.now_s), at(s));
                self.step(s, Event::Restarted { down_at, up_at });
            }
        }
    }

    pub fn play(steps: &[Step]) -> Self {
        let mut hall = Self::with(rules());
        steps.iter().for_each(|s| hall.follow(s));
        hall
    }

    /// Feeds a log again into another engine.
    pub fn replay(&mut self, log: &[(model::Time, Event)]) -> &mut Self {
        for (now, event) in log {
            let mut out = engine::Effects::default();
            self.engine.step(*now, event, &mut out);
            self.facts.append(&mut out.facts);
        }
        self
    }

    /// The rules in force changed to an equal revision.
    pub fn same_rules(&mut self, s: f64) {
        let same = Arc::new((**self.engine.rules()).clone());
        self.step(s, Event::Rules(same, officer()));
    }
}
