//! Exercise alarms: a second engine, scoped to the drills that run, which sees injected readings and nothing else. What it
//! finds leaves as [`FactBody::Exercise`] in the one stream. The hall's own state never sees an injected reading, so no
//! drill can raise, mask, delay or end a real alarm.

use std::sync::Arc;

use alarm::AlarmId;
use model::{Actor, GatewayIndex, Quality, Reading, ReadingFlags, TagIndex, Time};
use response::{EXERCISE_FROM, Injection, Kind, Provenance, Sourced, Turn};

use crate::deadline::Due;
use crate::engine::Engine;
use crate::episode::NEVER;
use crate::work::News;
use crate::{Effects, Event, Fact, FactBody, Notice};

/// The state of the drills' own engine between two events.
#[derive(Debug)]
pub(crate) struct Theatre {
    /// Present while a drill runs.
    pub engine: Option<Box<Engine>>,
    /// When the heap's entry for it comes up; `NEVER`: none that counts.
    pub armed: Time,
    /// Last number given to an exercise alarm; numbers go on over drills.
    pub last_alarm: u64,
}

impl Default for Theatre {
    fn default() -> Self {
        Self { engine: None, armed: NEVER, last_alarm: EXERCISE_FROM }
    }
}

/// Whether an alarm belongs to a drill.
pub(crate) const fn is_played(alarm: AlarmId) -> bool {
    alarm.0 > EXERCISE_FROM
}

impl Engine {
    /// An injected reading. Without a running drill it is counted and nothing else.
    pub(crate) fn play(&mut self, now: Time, reading: &Reading, out: &mut Effects) {
        if self.theatre.engine.is_none() {
            out.counts.exercise_ignored += 1;
            return;
        }
        out.counts.exercise += 1;
        self.in_theatre(now, &Event::Reading(*reading), out);
    }

    /// What a drill's script or its director injects, as a reading of now. A tag that left the rules since the script
    /// was checked is counted.
    pub(crate) fn inject(&mut self, now: Time, injection: &Injection, out: &mut Effects) {
        let (enterprise, name) = injection.tag.split_once('/').unwrap_or_default();
        let Ok(tag) = self.find_tag(enterprise, name) else {
            out.counts.exercise_ignored += 1;
            return;
        };
        let reading = Reading {
            tag: TagIndex(tag),
            gateway: GatewayIndex(0),
            value: injection.value,
            source_time: now,
            server_time: now,
            seq: 0,
            quality: Quality::Good,
            flags: ReadingFlags::default(),
        };
        self.play(now, &reading, out);
    }

    /// Lets the drills' engine take an event; what it says gets the stream's next numbers.
    pub(crate) fn in_theatre(&mut self, now: Time, event: &Event, out: &mut Effects) {
        let Some(engine) = &mut self.theatre.engine else { return };
        let mut effects = Effects::default();
        engine.seq = self.seq;
        engine.step(now, event, &mut effects);
        self.seq = engine.seq;
        self.theatre.last_alarm = engine.episodes.last;
        if effects.reply.is_some() {
            out.reply = effects.reply;
        }
        let news: Vec<News> = effects.facts.iter().filter_map(news).collect();
        let played = |f: Fact| Fact { seq: f.seq, at: f.at, body: FactBody::Exercise(Box::new(f.body)) };
        out.facts.extend(effects.facts.into_iter().map(played));
        for news in news {
            self.played_alarm(now, &news, out);
        }
        self.arm_theatre();
    }

    /// An exercise alarm was handled: incidents of the exercise take their stamps from it.
    fn played_alarm(&mut self, now: Time, news: &News, out: &mut Effects) {
        let system = Actor::system();
        let turn = Turn { now, seq: self.seq + 1, actor: &system };
        let events = self.book.played_alarm(turn, news.alarm(), news.what());
        self.push_work(now, events, out);
    }

    pub(crate) fn arm_theatre(&mut self) {
        let next = self.theatre.engine.as_ref().and_then(|e| e.next_deadline()).unwrap_or(NEVER);
        if next < self.theatre.armed {
            self.theatre.armed = next;
            self.deadlines.push(next, Due::Theatre);
        }
    }

    pub(crate) fn theatre_due(&mut self, at: Time, out: &mut Effects) {
        if self.theatre.armed == at {
            self.theatre.armed = NEVER;
        }
        self.in_theatre(at, &Event::Tick, out);
        self.arm_theatre();
    }

    /// A drill began or ended: the theatre opens with the first and closes with the last one.
    pub(crate) fn settle_theatre(&mut self, now: Time, out: &mut Effects) {
        let running = self.book.open_of(Kind::Drill).any(|d| &*d.state == "running");
        if running == self.theatre.engine.is_some() {
            return;
        }
        self.theatre.engine = running.then(|| {
            let mut engine = Self::new(self.rules.clone());
            engine.played = true;
            engine.episodes.last = self.theatre.last_alarm;
            Box::new(engine)
        });
        self.theatre.armed = NEVER;
        self.notice(now, Notice::Exercise { on: running }, out);
    }

    /// Alarms of the drills that run.
    pub fn exercise_alarms(&self) -> Vec<alarm::AlarmRecord> {
        self.theatre.engine.as_ref().map_or_else(Vec::new, |e| e.open_alarms())
    }

    /// Puts the drills' engine back after a restore.
    pub(crate) fn adopt_theatre(&mut self, engine: Option<Engine>, last_alarm: u64) {
        let engine = engine.map(|mut engine| {
            engine.played = true;
            Box::new(engine)
        });
        self.theatre = Theatre { engine, armed: NEVER, last_alarm };
    }

    /// The rules in force hold for drills too.
    pub(crate) fn rules_in_theatre(&mut self, now: Time, actor: &Actor, out: &mut Effects) {
        let rules: Arc<alarm::RuleSet> = self.rules.clone();
        self.in_theatre(now, &Event::Rules(rules, actor.clone()), out);
    }
}

fn news(fact: &Fact) -> Option<News> {
    match &fact.body {
        FactBody::Alarm(transition) => News::of(transition),
        _ => None,
    }
}

impl Sourced for Fact {
    fn provenance(&self) -> Provenance {
        match &self.body {
            FactBody::Exercise(_) => Provenance::Exercise,
            FactBody::Work(event) => event.provenance(),
            FactBody::Alarm(_) | FactBody::Notice(_) => Provenance::Real,
        }
    }
}
