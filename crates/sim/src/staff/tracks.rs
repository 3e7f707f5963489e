//! Every order and call that a simulated party has to answer, and when it will. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::decide::{Act, Sight, Temper, next};

/// Orders and calls followed at once; more are left to real people.
const TRACKS_MAX: usize = 5_000;
/// Tries of one act; then the party gives up.
const TRIES: u32 = 5;
/// Seconds between tries.
const AGAIN_S: f64 = 3.0;

/// An act whose time has come.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub id: String,
    pub party: String,
    pub path: String,
    pub seq: u64,
    pub act: Act,
    pub reports: u32,
}

#[derive(Debug)]
struct Track {
    party: String,
    temper: Temper,
    seq: u64,
    sight: Sight,
    /// What comes next, and when.
    plan: Option<(f64, Act)>,
    tries: u32,
}

#[derive(Debug)]
pub(crate) struct Tracks {
    parties: BTreeMap<String, Temper>,
    open: BTreeMap<String, Track>,
    noise: u64,
}

impl Tracks {
    pub fn new(parties: BTreeMap<String, Temper>) -> Self {
        Self { parties, open: BTreeMap::new(), noise: 0x9e37_79b9_7f4a_7c15 }
    }

    /// xorshift64*, 0 to 1.
    fn random(&mut self) -> f64 {
        self.noise ^= self.noise >> 12;
        self.noise ^= self.noise << 25;
        self.noise ^= self.noise >> 27;
        (self.noise.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// An order as the hall shows it; `late` when this was told because a deadline passed.
    pub fn order(&mut self, now_s: f64, order: &Value, late: bool) {
        let text = |key: &str| order[key].as_str().unwrap_or_default();
        let (id, party) = (text("order_id"), text("receiver"));
        let Some(track) = self.follow(id, party) else { return };
        track.seq = order["seq"].as_u64().unwrap_or_default();
        track.sight.reminded |= late;
        let state = text("state");
        let changed = track.sight.state != state;
        state.clone_into(&mut track.sight.state);
        let act = next(track.temper, &track.sight);
        self.plan(now_s, id, act, changed);
    }

    /// An item: of an order, what its party has already said; calls of a roll-call are answered.
    pub fn item(&mut self, now_s: f64, item: &Value) {
        let text = |key: &str| item[key].as_str().unwrap_or_default();
        if text("kind") == "order" {
            return self.recall(now_s, text("id"), &item["fields"]);
        }
        if text("kind") != "call" {
            return;
        }
        let party = item["receiver"]["id"].as_str().or(item["receiver"].as_str()).unwrap_or_default();
        let id = text("id");
        let Some(track) = self.follow(id, party) else { return };
        track.seq = item["seq"].as_u64().unwrap_or_default();
        let waits = item["actions"].as_array().is_some_and(|a| a.iter().any(|a| a == Act::Answer.name()));
        let answers = waits && track.temper != Temper::Silent;
        let changed = track.sight.state != text("state");
        text("state").clone_into(&mut track.sight.state);
        self.plan(now_s, id, answers.then_some(Act::Answer), changed);
    }

    /// After a restart the hall remembers for the party what no state shows.
    fn recall(&mut self, now_s: f64, id: &str, fields: &Value) {
        let Some(track) = self.open.get_mut(id) else { return };
        track.sight.arrived |= fields["arrived_at"].is_number();
        let reports = fields["feedback_count"].as_f64().unwrap_or_default() as u32;
        track.sight.reports = track.sight.reports.max(reports);
        let act = next(track.temper, &track.sight);
        self.plan(now_s, id, act, false);
    }

    fn follow(&mut self, id: &str, party: &str) -> Option<&mut Track> {
        let temper = *self.parties.get(party)?;
        if !self.open.contains_key(id) {
            if id.is_empty() || self.open.len() >= TRACKS_MAX {
                return None;
            }
            let sight = Sight::default();
            let track = Track { party: party.to_owned(), temper, seq: 0, sight, plan: None, tries: 0 };
            self.open.insert(id.to_owned(), track);
        }
        self.open.get_mut(id)
    }

    /// Sets the next act; one that is on its way already keeps its time.
    fn plan(&mut self, now_s: f64, id: &str, act: Option<Act>, changed: bool) {
        let r = self.random();
        let Some(track) = self.open.get_mut(id) else { return };
        let Some(act) = act else {
            track.plan = None;
            let ended = matches!(track.sight.state.as_str(), "closed" | "revoked" | "reassigned");
            if ended {
                self.open.remove(id);
            }
            return;
        };
        if changed || track.plan.is_none_or(|(_, planned)| planned != act) {
            track.plan = Some((now_s + act.delay_s(r), act));
            track.tries = 0;
        }
    }

    /// Acts whose time has come.
    pub fn due(&self, now_s: f64) -> Vec<Step> {
        let due = self.open.iter().filter_map(|(id, t)| Some((id, t, t.plan.filter(|(at, _)| *at <= now_s)?.1)));
        let step = |(id, t, act): (&String, &Track, Act)| {
            let base = if act == Act::Answer { "/api/v1/work" } else { "/api/v1/orders" };
            let path = format!("{base}/{id}/{}", act.name());
            Step { id: id.clone(), party: t.party.clone(), path, seq: t.seq, act, reports: t.sight.reports }
        };
        due.map(step).collect()
    }

    /// A step was taken or refused. What it changed comes back by the stream; only what no state shows is kept here.
    pub fn taken(&mut self, now_s: f64, step: &Step, done: bool) {
        let r = self.random();
        let Some(track) = self.open.get_mut(&step.id) else { return };
        if !done {
            track.tries += 1;
            track.plan = (track.tries < TRIES).then_some((now_s + AGAIN_S, step.act));
            return;
        }
        match step.act {
            Act::Arrive => track.sight.arrived = true,
            Act::Feedback => track.sight.reports += 1,
            _ => {}
        }
        // Arriving and reporting leave the state as it is: what follows them is planned here.
        let follows =
            matches!(step.act, Act::Arrive | Act::Feedback).then(|| next(track.temper, &track.sight)).flatten();
        track.plan = follows.map(|act| (now_s + act.delay_s(r), act));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tracks() -> Tracks {
        let tempers = [("a", Temper::Prompt), ("slow", Temper::Slow), ("never", Temper::Silent)];
        Tracks::new(tempers.into_iter().map(|(p, t)| (p.to_owned(), t)).collect())
    }

    fn order(receiver: &str, state: &str, seq: u64) -> Value {
        json!({"order_id": "O-000001", "receiver": receiver, "state": state, "seq": seq})
    }

    /// The acts taken until nothing is due any more; the hall answers each with the state it leads to.
    fn life(tracks: &mut Tracks, receiver: &str) -> Vec<Act> {
        let (mut acts, mut state, mut seq) = (Vec::new(), "issued", 1);
        tracks.order(0.0, &order(receiver, state, seq), false);
        for second in 1..400 {
            let now_s = f64::from(second);
            for step in tracks.due(now_s) {
                assert_eq!(step.seq, seq, "acts carry the newest number");
                acts.push(step.act);
                seq += 1;
                state = match step.act {
                    Act::Deliver => "delivered",
                    Act::Acknowledge => "acknowledged",
                    Act::Complete => "done",
                    _ => "in_progress",
                };
                tracks.taken(now_s, &step, true);
                tracks.order(now_s, &order(receiver, state, seq), false);
            }
        }
        acts
    }

    #[test]
    fn a_prompt_party_goes_all_the_way_and_each_act_comes_once() {
        use Act::*;
        let whole = [Deliver, Acknowledge, Start, Arrive, Feedback, Feedback, Complete];
        assert_eq!(life(&mut tracks(), "a"), whole);
        assert_eq!(life(&mut tracks(), "slow"), [Deliver]);
        assert_eq!(life(&mut tracks(), "never"), []);
        assert_eq!(life(&mut tracks(), "somebody real"), []);
    }

    #[test]
    fn a_reminder_wakes_the_slow_and_does_not_put_off_the_prompt() {
        let mut tracks = tracks();
        tracks.order(0.0, &order("slow", "delivered", 2), false);
        assert!(tracks.due(1_000.0).is_empty());
        tracks.order(1_000.0, &order("slow", "delivered", 3), true);
        assert_eq!(tracks.due(1_020.0)[0].act, Act::Acknowledge);
        tracks.order(1_019.0, &order("slow", "delivered", 4), true);
        let step = tracks.due(1_020.0).remove(0);
        assert_eq!((step.act, step.seq), (Act::Acknowledge, 4));
    }

    #[test]
    fn a_refused_act_is_tried_again_a_few_times() {
        let mut tracks = tracks();
        tracks.order(0.0, &order("a", "issued", 1), false);
        let mut tries = 0;
        for second in 1..200 {
            for step in tracks.due(f64::from(second)) {
                tries += 1;
                tracks.taken(f64::from(second), &step, false);
            }
        }
        assert_eq!(tries, TRIES);
    }

    #[test]
    fn after_a_restart_a_party_does_not_arrive_again() {
        let mut tracks = tracks();
        tracks.order(0.0, &order("a", "in_progress", 9), false);
        let item = json!({"id": "O-000001", "kind": "order", "fields": {"arrived_at": 5, "feedback_count": 2.0}});
        tracks.item(0.0, &item);
        assert_eq!(tracks.due(60.0)[0].act, Act::Complete);
    }

    #[test]
    fn calls_are_answered_while_the_hall_waits_for_them() {
        let mut tracks = tracks();
        let call = |party: &str, actions: &[&str]| {
            json!({"id": format!("C-{party}"), "kind": "call", "seq": 4, "state": "called",
                "receiver": {"id": party}, "actions": actions})
        };
        tracks.item(0.0, &call("a", &["answer"]));
        tracks.item(0.0, &call("never", &["answer"]));
        let steps = tracks.due(60.0);
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].path, "/api/v1/work/C-a/answer");
        tracks.item(1.0, &call("a", &[]));
        assert!(tracks.due(60.0).is_empty());
    }
}
