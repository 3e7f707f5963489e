//! Invariants 1 to 19 of the engine, each against random histories. PROPTEST_CASES raises the number of histories.

use std::collections::BTreeMap;

use alarm::{AlarmId, Annunciation, Cause, ConditionKind, HallSettings, OnUnknown, State, Transition};
use engine::{AlarmAction, Engine, Event, Snapshot};
use model::{GatewayIndex, Priority, Quality, Reading, ReadingFlags, TagIndex, Time};
use proptest::prelude::*;

use crate::hall::{Hall, at, condition, tag};
use crate::oracle::{self, Limit};
use crate::script::{cases, rules, script};

fn restored(engine: &Engine) -> Engine {
    let bytes = postcard::to_stdvec(&engine.snapshot()).unwrap();
    let snapshot: Snapshot = postcard::from_bytes(&bytes).unwrap();
    Engine::restore(snapshot, engine.rules().clone()).unwrap()
}

/// The same facts; names the first that differs.
fn same_facts(a: &Hall, b: &Hall) -> Result<(), TestCaseError> {
    for (left, right) in a.facts.iter().zip(&b.facts) {
        prop_assert_eq!(left, right);
    }
    prop_assert_eq!(a.facts.len(), b.facts.len());
    Ok(())
}

/// Transitions of each alarm in order.
fn by_alarm(hall: &Hall) -> BTreeMap<AlarmId, Vec<&Transition>> {
    let mut lives: BTreeMap<AlarmId, Vec<&Transition>> = BTreeMap::new();
    hall.transitions().for_each(|t| lives.entry(t.alarm.alarm_id).or_default().push(t));
    lives
}

/// Samples `(ms, value)` with distinct times.
fn samples() -> impl Strategy<Value = Vec<(i64, f64)>> {
    prop::collection::vec((1_000..9_000_i64, 0..12_u8), 1..60).prop_map(|list| {
        let mut t = 0;
        let place = |(dt, v): (i64, u8)| {
            t += dt;
            (t, 40.0 + 2.0 * f64::from(v))
        };
        list.into_iter().map(place).collect()
    })
}

fn limits() -> impl Strategy<Value = Limit> {
    (0..4_usize, 0..4_usize, 0..3_usize).prop_map(|(on, off, band)| Limit {
        limit: 52.0,
        deadband: [0.0, 2.0, 6.0][band],
        on_ms: [0, 1_500, 8_000, 20_000][on],
        off_ms: [0, 1_000, 5_000, 30_000][off],
    })
}

fn limit_hall(limit: Limit) -> Hall {
    let mut c = condition(0, ConditionKind::High(limit.limit));
    (c.on_delay_s, c.off_delay_s) = (limit.on_ms as f64 / 1e3, limit.off_ms as f64 / 1e3);
    c.deadband = limit.deadband;
    let mut hall = Hall::new(vec![tag("a")], vec![c]);
    hall.rules(0.0, |r| r.hall = quiet());
    hall
}

/// Settings under which chatter, flood and branches do not come into play.
fn quiet() -> HallSettings {
    HallSettings { chatter_raises_per_min: 60, flood_per_10_min: 100_000, branches_max: 100_000, ..Default::default() }
}

/// `(raised, ms)` as the engine saw them.
fn edges(hall: &Hall) -> Vec<(bool, i64)> {
    let edge = |t: &Transition| match t.cause {
        Cause::Raised | Cause::Bridged => Some((true, (t.event_time.0 - at(0.0).0) / 1_000)),
        Cause::Recovered => Some((false, (t.event_time.0 - at(0.0).0) / 1_000)),
        _ => None,
    };
    hall.transitions().filter_map(edge).collect()
}

fn feed(hall: &mut Hall, samples: &[(i64, f64)], ticks: bool) -> i64 {
    for &(ms, value) in samples {
        hall.read(0, ms as f64 / 1e3, value);
        if ticks {
            hall.tick(ms as f64 / 1e3 + 0.25);
        }
    }
    let horizon = samples.last().map_or(0, |s| s.0) + 60_000;
    hall.tick(horizon as f64 / 1e3);
    horizon
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn invariant_01_the_same_inputs_give_the_same_bytes(steps in script()) {
        let (a, b) = (Hall::play(&steps), Hall::play(&steps));
        prop_assert_eq!(postcard::to_stdvec(&a.facts).unwrap(), postcard::to_stdvec(&b.facts).unwrap());
        prop_assert_eq!(postcard::to_stdvec(&a.engine.snapshot()).unwrap(), postcard::to_stdvec(&b.engine.snapshot()).unwrap());
    }

    /// The journal keeps only ticks that had effects: the others must not have mattered.
    #[test]
    fn invariant_01_a_tick_without_facts_changes_nothing(steps in script()) {
        let mut hall = Hall::with(rules());
        let mut kept = Vec::new();
        for step in &steps {
            let (facts, logged) = (hall.facts.len(), hall.log.len());
            hall.follow(step);
            for entry in &hall.log[logged..] {
                if entry.1 != Event::Tick || hall.facts.len() > facts {
                    kept.push(entry.clone());
                }
            }
        }
        let mut again = Hall::with(rules());
        again.replay(&kept);
        prop_assert_eq!(again.story(), hall.story());
        same_facts(&again, &hall)?;
    }

    #[test]
    fn invariant_02_snapshot_and_tail_equal_the_whole(steps in script(), cut in any::<prop::sample::Index>()) {
        let whole = Hall::play(&steps);
        let cut = cut.index(whole.log.len() + 1);
        let mut hall = Hall::with(rules());
        hall.replay(&whole.log[..cut]);
        hall.engine = restored(&hall.engine);
        hall.replay(&whole.log[cut..]);
        prop_assert_eq!(hall.story(), whole.story());
        same_facts(&hall, &whole)?;
        prop_assert_eq!(hall.engine.open_alarms(), whole.engine.open_alarms());
    }

    #[test]
    fn invariant_03_every_prefix_restores_to_itself(steps in script()) {
        let mut hall = Hall::with(rules());
        for step in &steps {
            hall.follow(step);
            let again = restored(&hall.engine);
            prop_assert_eq!(again.open_alarms(), hall.engine.open_alarms());
            prop_assert_eq!(again.last_seq(), hall.engine.last_seq());
            prop_assert_eq!(again.tally(), hall.engine.tally());
        }
    }

    #[test]
    fn invariant_04_no_condition_has_two_active_episodes(steps in script()) {
        let mut hall = Hall::with(rules());
        for step in &steps {
            hall.follow(step);
            let mut active: Vec<u32> =
                hall.engine.open_alarms().iter().filter(|a| a.active).map(|a| a.condition.0).collect();
            let all = active.len();
            active.sort_unstable();
            active.dedup();
            prop_assert_eq!(active.len(), all);
        }
    }

    #[test]
    fn invariant_05_only_legal_edges(steps in script()) {
        let hall = Hall::play(&steps);
        for life in by_alarm(&hall).values() {
            prop_assert_eq!(life[0].from, State::Normal);
            for pair in life.windows(2) {
                let (before, after) = (&pair[0].alarm, &pair[1].alarm);
                let by_person = matches!(pair[1].cause, Cause::Acknowledged | Cause::Unacknowledged);
                prop_assert!(by_person || before.acknowledged == after.acknowledged, "{:?}", pair[1]);
                let by_process = matches!(
                    pair[1].cause,
                    Cause::Raised | Cause::Bridged | Cause::Recovered | Cause::RuleEdited | Cause::Retired
                );
                prop_assert!(by_process || before.active == after.active, "{:?}", pair[1]);
                prop_assert_ne!(before.state, State::Normal, "a closed episode moved again");
            }
        }
    }

    #[test]
    fn invariant_06_every_end_names_its_cause(steps in script()) {
        let hall = Hall::play(&steps);
        for life in by_alarm(&hall).values() {
            for pair in life.windows(2).filter(|p| p[0].alarm.active && !p[1].alarm.active) {
                let named = matches!(pair[1].cause, Cause::Recovered | Cause::RuleEdited | Cause::Retired);
                prop_assert!(named, "{:?}", pair[1].cause);
            }
        }
    }

    /// With the naive batch evaluator: every raise and return, to the millisecond.
    #[test]
    fn invariant_07_on_delay_as_the_oracle_says(samples in samples(), limit in limits(), ticks in any::<bool>()) {
        let mut hall = limit_hall(limit);
        let horizon = feed(&mut hall, &samples, ticks);
        prop_assert_eq!(edges(&hall), oracle::evaluate(&samples, horizon, limit));
    }

    #[test]
    fn invariant_08_between_clear_and_raise_the_value_crossed_the_deadband(samples in samples(), limit in limits()) {
        let mut hall = limit_hall(limit);
        feed(&mut hall, &samples, true);
        let edges = edges(&hall);
        for pair in edges.windows(2).filter(|p| p[0].0) {
            let within = samples.iter().filter(|s| (pair[0].1..=pair[1].1).contains(&s.0));
            let lowest = within.map(|s| s.1).fold(f64::INFINITY, f64::min);
            prop_assert!(lowest <= limit.limit - limit.deadband, "{pair:?}");
        }
    }

    #[test]
    fn invariant_09_repeats_and_late_readings_change_nothing(
        samples in samples(),
        limit in limits(),
        extra in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), 0..12_u8), 0..8),
    ) {
        let (mut plain, mut noisy) = (limit_hall(limit), limit_hall(limit));
        feed(&mut plain, &samples, false);
        for (i, &(ms, value)) in samples.iter().enumerate() {
            noisy.read(0, ms as f64 / 1e3, value);
            // One extra after a sample: never a run of late ones, which would be a clock step.
            if let Some((_, repeat, v)) = extra.iter().find(|e| e.0.index(samples.len()) == i) {
                let late = Hall::reading(0, (ms - 500) as f64 / 1e3, 40.0 + 2.0 * f64::from(*v));
                let again = Hall::reading(0, ms as f64 / 1e3, value);
                noisy.give(ms as f64 / 1e3 + 0.001, if *repeat { again } else { late });
            }
        }
        noisy.tick((samples.last().map_or(0, |s| s.0) + 60_000) as f64 / 1e3);
        prop_assert_eq!(edges(&noisy), edges(&plain));
    }

    #[test]
    fn invariant_10_any_order_within_the_buffer_gives_the_same(samples in samples(), limit in limits(), seed in any::<u64>()) {
        let wait_ms = 20_000;
        let run = |arrivals: Vec<(i64, (i64, f64))>| {
            let mut hall = limit_hall(limit);
            hall.rules(0.0, |r| r.tags[0].reorder_s = wait_ms as f64 / 1e3);
            for (arrival, (ms, value)) in arrivals {
                let reading = Reading { server_time: at(arrival as f64 / 1e3), ..Hall::reading(0, ms as f64 / 1e3, value) };
                hall.give(arrival as f64 / 1e3, reading);
            }
            hall.tick(1e6);
            hall.transitions().map(|t| (t.cause, t.event_time)).collect::<Vec<_>>()
        };
        let ordered = samples.iter().map(|&s| (s.0, s)).collect();
        let delay = |i: usize| ((seed.rotate_left(i as u32 * 7) % wait_ms as u64) as i64).min(wait_ms - 1);
        let mut shuffled: Vec<_> = samples.iter().enumerate().map(|(i, &s)| (s.0 + delay(i), s)).collect();
        shuffled.sort_by_key(|s| s.0);
        prop_assert_eq!(run(shuffled), run(ordered));
    }

    /// A constant, jumping or reset device clock delays detection by at most F or n readings.
    #[test]
    fn invariant_11_no_clock_error_hides_an_excursion(
        skews in prop::collection::vec(-1_000_000_000..100_000_000_i64, 1..5),
        calm in 1..20_u32,
    ) {
        let mut hall = Hall::new(vec![tag("a")], vec![condition(0, ConditionKind::High(50.0))]);
        let mut s = 0.0;
        for (earlier, skew) in skews.into_iter().enumerate() {
            let mut read = |hall: &mut Hall, value: f64| {
                s += 1.0;
                let reading = Reading { source_time: at(s + skew as f64), server_time: at(s), ..Hall::reading(0, s, value) };
                hall.give(s, reading);
            };
            (0..calm).for_each(|_| read(&mut hall, 10.0));
            // F is 5 s and readings come each second; a step needs 3.
            (0..6).for_each(|i| read(&mut hall, 60.0 + f64::from(i)));
            let found = hall.transitions().filter(|t| t.cause == Cause::Raised && t.alarm.class.as_ref() == "gas").count();
            prop_assert_eq!(found, earlier + 1, "{}", hall.story());
            (0..6).for_each(|i| read(&mut hall, f64::from(i)));
        }
    }

    #[test]
    fn invariant_12_unknown_neither_raises_nor_clears(samples in samples(), limit in limits(), holes in any::<u64>()) {
        let (mut plain, mut holed) = (limit_hall(limit), limit_hall(limit));
        feed(&mut plain, &samples, false);
        for (i, &(ms, value)) in samples.iter().enumerate() {
            holed.read(0, ms as f64 / 1e3, value);
            if holes >> (i % 64) & 1 == 1 {
                let bad = Reading { quality: Quality::Bad, ..Hall::reading(0, (ms + 300) as f64 / 1e3, 99.0) };
                let facts = holed.facts.len();
                holed.give((ms + 300) as f64 / 1e3, bad);
                // Deadlines before the bad reading may fire; the bad reading itself does nothing.
                prop_assert!(holed.transitions().skip(facts).all(|t| t.event_time <= at((ms + 300) as f64 / 1e3)));
                let again = Hall::reading(0, (ms + 301) as f64 / 1e3, value);
                holed.give((ms + 301) as f64 / 1e3, again);
            }
        }
        holed.tick((samples.last().map_or(0, |s| s.0) + 60_000) as f64 / 1e3);
        let kinds = |hall: &Hall| edges(hall).into_iter().map(|e| e.0).collect::<Vec<_>>();
        prop_assert_eq!(kinds(&holed), kinds(&plain));
    }

    #[test]
    fn invariant_13_numbers_without_gaps_and_no_event_from_the_future(steps in script()) {
        let hall = Hall::play(&steps);
        let numbers: Vec<u64> = hall.facts.iter().map(|f| f.seq).collect();
        prop_assert_eq!(numbers, (1..=hall.facts.len() as u64).collect::<Vec<_>>());
        for t in hall.transitions() {
            prop_assert!(t.event_time <= t.detected_at.plus_s(5.0), "{t:?}");
        }
    }

    #[test]
    fn invariant_14_every_raise_is_counted_once(steps in script()) {
        let hall = Hall::play(&steps);
        let t = hall.engine.tally();
        prop_assert_eq!(t.annunciated + t.shelved + t.suppressed + t.collapsed + t.chattering, t.raised);
        let by_process = |c: Cause| matches!(c, Cause::Raised | Cause::Bridged | Cause::RetrospectiveExcursion);
        let by_edit = |t: &Transition| t.cause == Cause::RuleEdited && t.from == State::Normal;
        let raises = hall.transitions().filter(|t| by_process(t.cause) || by_edit(t));
        prop_assert_eq!(raises.count() as u64, t.raised);
    }

    #[test]
    fn invariant_15_shelving_always_ends(steps in script()) {
        let mut hall = Hall::play(&steps);
        let max = hall.engine.rules().hall.shelve_max_s;
        for alarm in hall.engine.open_alarms() {
            if let Some(shelving) = alarm.shelving {
                prop_assert!(shelving.until <= at(hall.now_s + max));
            }
        }
        hall.tick(hall.now_s + max + 1.0);
        prop_assert!(hall.engine.open_alarms().iter().all(|a| a.shelving.is_none()));
    }

    #[test]
    fn invariant_16_state_depends_on_the_rules_not_on_the_history(steps in script()) {
        let mut hall = Hall::with(rules());
        for _ in 0..6 {
            steps.iter().for_each(|s| hall.follow(s));
            let size = hall.engine.size();
            let rules = hall.engine.rules();
            let (tags, conditions) = (rules.tags.len(), rules.conditions.len());
            let own = 3 * 2 + 64; // diagnostics: two per gateway, and the brokers
            prop_assert!(size.slots <= conditions);
            prop_assert!(size.episodes <= (conditions + own) * (1 + rules.hall.branches_max as usize));
            prop_assert!(size.deadlines <= 65_536 + 4 * (conditions + tags) + conditions);
            prop_assert!(size.held <= 256 * tags);
        }
    }

    #[test]
    fn invariant_17_enough_ticks_drain_every_deadline(steps in script()) {
        let mut hall = Hall::play(&steps);
        for _ in 0..8 {
            hall.tick(hall.now_s + 86_400.0);
            prop_assert!(hall.engine.next_deadline().is_none_or(|d| d > at(hall.now_s)));
        }
        let left = hall.engine.next_deadline();
        prop_assert!(left.is_none() || rules().tags.iter().any(|t| t.stuck.is_some()), "{left:?}");
    }

    #[test]
    fn invariant_18_the_same_rules_again_are_no_event(steps in script()) {
        let mut hall = Hall::play(&steps);
        hall.tick(hall.now_s);
        let (before, facts) = (hall.engine.snapshot(), hall.facts.len());
        hall.same_rules(hall.now_s);
        prop_assert_eq!(hall.facts.len(), facts);
        prop_assert_eq!(hall.engine.snapshot(), before);
    }

    /// Whatever comes in, the engine answers.
    #[test]
    fn no_input_makes_it_panic(
        wild in prop::collection::vec(
            (0..6_u32, prop::num::f64::ANY, any::<i64>(), any::<i64>(), any::<u64>(), 0..3_u8, any::<u8>()),
            1..80,
        ),
        steps in script(),
    ) {
        let mut hall = Hall::play(&steps);
        for (tag, value, source, server, seq, quality, flags) in wild {
            let reading = Reading {
                tag: TagIndex(tag),
                gateway: GatewayIndex(tag),
                value,
                source_time: Time(source),
                server_time: Time(server),
                seq,
                quality: Quality::from_u8(quality),
                flags: ReadingFlags(flags),
            };
            hall.give(hall.now_s + 0.1, reading);
        }
        hall.engine = restored(&hall.engine);
        hall.rules(hall.now_s, |r| r.conditions.truncate(2));
        hall.tick(hall.now_s + 10.0);
        steps.iter().for_each(|s| hall.follow(s));
    }

    /// There and back between readings: the conditions end as if nothing had been edited.
    #[test]
    fn invariant_18_there_and_back_restores_the_outcome(samples in samples(), limit in limits(), other in 30..80_u8) {
        let (mut plain, mut edited) = (limit_hall(limit), limit_hall(limit));
        feed(&mut plain, &samples, false);
        let half = samples.len() / 2;
        for (i, &(ms, value)) in samples.iter().enumerate() {
            if i == half {
                let original = edited.engine.rules().conditions[0].kind.clone();
                let s = edited.now_s;
                edited.rules(s, |r| r.conditions[0].kind = ConditionKind::High(f64::from(other)));
                edited.rules(s, |r| r.conditions[0].kind = original);
            }
            edited.read(0, ms as f64 / 1e3, value);
        }
        edited.tick((samples.last().map_or(0, |s| s.0) + 60_000) as f64 / 1e3);
        let active = |hall: &Hall| hall.engine.open_alarms().iter().filter(|a| a.active).count();
        prop_assert_eq!(active(&edited), active(&plain));
    }

    #[test]
    fn invariant_19_a_safety_alarm_sounds_in_any_flood(load in 0..400_u32) {
        let mut list: Vec<_> = (0..load + 1).map(|n| condition(n, ConditionKind::High(50.0))).collect();
        list[load as usize].priority = Priority::I;
        let tags = (0..=load).map(|n| tag(&format!("t{n}"))).collect();
        let mut hall = Hall::new(tags, list);
        for n in 0..=load {
            hall.read(n, 1.0 + f64::from(n) * 0.01, 60.0);
        }
        let last = hall.transitions().last().unwrap();
        prop_assert_eq!((last.alarm.tag, last.annunciation), (TagIndex(load), Annunciation::Individual));
        let tally = hall.engine.tally();
        prop_assert_eq!((tally.raised, tally.collapsed), (u64::from(load) + 1, u64::from(load.saturating_sub(10))));
    }
}

#[test]
fn invariant_12_unknown_raises_only_where_the_rule_says_so() {
    for (policy, expected) in [(OnUnknown::Hold, 0), (OnUnknown::Raise, 1), (OnUnknown::Clear, 0)] {
        let mut c = condition(0, ConditionKind::High(50.0));
        c.on_unknown = policy;
        let mut hall = Hall::new(vec![tag("a")], vec![c]);
        hall.read(0, 1.0, 10.0);
        hall.give(2.0, Reading { quality: Quality::Bad, ..Hall::reading(0, 2.0, 10.0) });
        assert_eq!(hall.transitions().count(), expected, "{policy:?}");
    }
}

#[test]
fn invariant_15_a_shelving_beyond_the_maximum_is_refused() {
    let mut hall = Hall::new(vec![tag("a")], vec![condition(0, ConditionKind::High(50.0))]);
    hall.read(0, 1.0, 60.0);
    let long = AlarmAction::Shelve { for_s: Some(8.0 * 3_600.0 + 1.0), reason: "检修".into() };
    assert!(hall.act(2.0, 1, long).is_err());
}
