//! Drills inside the engine: injected readings raise exercise alarms, and what is real never notices.

use alarm::{AlarmId, ConditionKind};
use engine::{AlarmAction, Command, CommandKind, Effects, Engine, Event, Fact, FactBody, Refusal};
use model::{Actor, Priority, TagIndex};
use response::{EXERCISE_FROM, ItemId, Kind, Link, Provenance, Sourced, Told, Value, WorkCommand};

use crate::hall::{Hall, at, condition, tag};
use crate::work::{act, create};

fn hall(tags: u32) -> Hall {
    let conditions = (0..tags).map(|t| {
        let mut c = condition(t, ConditionKind::High(50.0));
        c.priority = [Priority::I, Priority::II, Priority::III][t as usize % 3];
        (c.on_delay_s, c.off_delay_s, c.deadband) = (f64::from(t % 4), f64::from(t % 3), 2.0);
        c
    });
    Hall::new((0..tags).map(|t| tag(&format!("gas.{t:02}"))).collect(), conditions.collect())
}

/// A running drill.
fn drill(hall: &mut Hall) -> ItemId {
    let id = hall.work(0.0, "chief", create(Kind::Drill, &[("title", "演练".into())], &[], &[])).unwrap().items[0];
    let script = [("script", Value::List(vec!["泄漏".into()]))];
    let command = act(hall, id, "write_script", &script);
    hall.work(0.0, "chief", command).unwrap();
    let command = act(hall, id, "begin", &[]);
    hall.work(0.0, "chief", command).unwrap();
    id
}

fn inject(hall: &mut Hall, tag: u32, s: f64, value: f64) {
    hall.step(s, Event::Exercise(Hall::reading(tag, s, value)));
}

/// Words `id:cause` of exercise alarms.
fn played(hall: &Hall) -> Vec<String> {
    let word = |f: &Fact| match &f.body {
        FactBody::Exercise(body) => match &**body {
            FactBody::Alarm(t) => Some(format!("{}:{:?}", t.alarm.alarm_id, t.cause)),
            _ => None,
        },
        _ => None,
    };
    hall.facts.iter().filter_map(word).collect()
}

#[test]
fn m7_an_injected_reading_raises_an_exercise_alarm_and_masks_nothing() {
    let mut hall = hall(1);
    inject(&mut hall, 0, 0.0, 60.0);
    assert_eq!(played(&hall), [""; 0], "no drill runs");
    let id = drill(&mut hall);
    hall.read(0, 1.0, 20.0);
    inject(&mut hall, 0, 2.0, 90.0);
    assert_eq!(played(&hall), ["A-900000001:Raised"]);
    assert_eq!((hall.story().as_str(), hall.engine.last(TagIndex(0)).unwrap().value), ("", 20.0));
    // The real one comes while the played one is open, and the other way round it ends alone.
    hall.read(0, 3.0, 60.0);
    assert_eq!(hall.story(), "1:Raised");
    inject(&mut hall, 0, 4.0, 10.0);
    assert_eq!((played(&hall).len(), hall.engine.open_alarms()[0].active), (2, true));
    let seqs: Vec<u64> = hall.facts.iter().map(|f| f.seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "one stream without a gap");
    let end = act(&hall, id, "end", &[]);
    hall.work(5.0, "chief", end).unwrap();
    assert!(hall.engine.exercise_alarms().is_empty());
}

#[test]
fn m7_exercise_alarms_are_acknowledged_as_real_ones_are_and_survive_a_kill() {
    let mut hall = hall(2);
    let id = drill(&mut hall);
    inject(&mut hall, 1, 1.0, 60.0);
    hall.restart(0.5);
    inject(&mut hall, 1, 3.0, 60.0);
    assert_eq!(played(&hall), ["A-900000001:Bridged"], "its delay went on over the restart");
    let alarm = hall.engine.exercise_alarms()[0].clone();
    let ack = |hall: &mut Hall, number: u64, seq| {
        hall.act_seen(4.0, (number, seq), AlarmAction::Acknowledge { note: "演练".into() })
    };
    let outcome = ack(&mut hall, alarm.alarm_id.0, alarm.seq).unwrap();
    assert_eq!((outcome.alarm, played(&hall).len()), (Some(alarm.alarm_id), 2));
    let end = act(&hall, id, "end", &[]);
    hall.work(5.0, "chief", end).unwrap();
    let gone = ack(&mut hall, alarm.alarm_id.0, alarm.seq);
    assert!(matches!(gone, Err(Refusal::NotFound { .. })), "{gone:?}");
    drill(&mut hall);
    inject(&mut hall, 0, 6.0, 60.0);
    assert_eq!(played(&hall)[2], "A-900000002:Raised", "numbers go on over drills");
}

#[test]
fn m7_a_script_runs_by_itself_and_is_measured_by_its_stamps() {
    let mut hall = hall(2);
    let step = |at_s: f64, value: f64| {
        let parts = [("at_s", at_s.into()), ("tag", "plant/gas.00".into()), ("value", value.into())];
        Value::record(parts)
    };
    let id = hall.work(0.0, "chief", create(Kind::Drill, &[("title", "演练".into())], &[], &[])).unwrap().items[0];
    let unknown = Value::record([("at_s", 1.0.into()), ("tag", "plant/none".into()), ("value", 1.0.into())]);
    let wrong = act(&hall, id, "write_script", &[("script", Value::List(vec![unknown]))]);
    assert!(matches!(hall.work(0.0, "chief", wrong), Err(Refusal::NotFound { .. })));
    let script = Value::List(vec!["点名".into(), step(10.0, 60.0), step(40.0, 20.0)]);
    let write = act(&hall, id, "write_script", &[("script", script)]);
    hall.work(0.0, "chief", write).unwrap();
    let begin = act(&hall, id, "begin", &[]);
    hall.work(100.0, "chief", begin).unwrap();
    assert_eq!(hall.engine.next_deadline(), Some(at(110.0)));
    hall.restart(5.0);
    hall.tick(110.0);
    assert_eq!(played(&hall), ["A-900000001:Raised"]);
    let mut incident = create(Kind::Incident, &[], &[("alarm", "A-900000001"), ("drill", &id.to_string())], &[]);
    if let WorkCommand::Create { provenance, .. } = &mut incident {
        *provenance = Provenance::Exercise;
    }
    let incident = hall.work(120.0, "wang", incident).unwrap().items[0];
    let seq = hall.engine.exercise_alarms()[0].seq;
    let ack = AlarmAction::Acknowledge { note: "演练".into() };
    hall.act_seen(130.0, (EXERCISE_FROM + 1, seq), ack).unwrap();
    let stamps = hall.engine.book().get(incident).unwrap();
    assert_eq!(response::stamps::get(stamps, "confirmed"), Some(at(130.0)));
    hall.tick(140.0);
    assert_eq!(played(&hall).last().unwrap(), "A-900000001:Recovered");
    let end = act(&hall, id, "end", &[]);
    hall.work(150.0, "chief", end).unwrap();
    let drill = hall.engine.book().get(id).unwrap();
    assert_eq!((drill.number("auto_score"), drill.number("injects")), (Some(100.0), Some(2.0)));
    assert_eq!(hall.story(), "", "nothing real happened");
}

/// SplitMix64, so that the test is the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// A fact without stream numbers, which a drill does move.
fn unnumbered(fact: &Fact) -> Fact {
    let mut fact = fact.clone();
    fact.seq = 0;
    match &mut fact.body {
        FactBody::Alarm(t) => t.alarm.seq = 0,
        FactBody::Work(e) => {
            let item = std::sync::Arc::make_mut(&mut e.item);
            item.seq = 0;
            item.log.iter_mut().for_each(|entry| entry.seq = 0);
        }
        FactBody::Notice(_) | FactBody::Exercise(_) => {}
    }
    fact
}

/// What is done, before each engine's own stream numbers are filled in.
enum Deed {
    Read(u32, f64),
    Inject(u32, f64),
    Tick,
    /// Acknowledge, by the place among the open alarms.
    Ack(Provenance, u64),
    Order(Provenance),
    /// An action on an open order, by its place.
    Act(Provenance, u64, &'static str),
}

const ACTIONS: [&str; 6] = ["deliver", "acknowledge", "arrive", "complete", "close", "revoke"];
const TAGS: u64 = 9;

fn deed(dice: &mut Dice) -> Deed {
    use Provenance::{Exercise, Real};
    let of = |n| if n == 0 { Real } else { Exercise };
    let (tag, value) = (dice.roll(TAGS) as u32, 30.0 + dice.roll(30) as f64);
    match dice.roll(1_000) {
        0..480 => Deed::Read(tag, value),
        480..960 => Deed::Inject(tag, value),
        960..975 => Deed::Tick,
        975..983 => Deed::Ack(of(dice.roll(2)), dice.roll(64)),
        983..987 => Deed::Order(of(dice.roll(2))),
        _ => Deed::Act(of(dice.roll(2)), dice.roll(64), ACTIONS[dice.roll(6) as usize]),
    }
}

impl Deed {
    fn provenance(&self) -> Provenance {
        match self {
            Self::Read(..) | Self::Tick => Provenance::Real,
            Self::Inject(..) => Provenance::Exercise,
            Self::Ack(p, _) | Self::Order(p) | Self::Act(p, ..) => *p,
        }
    }

    fn event(&self, engine: &Engine, drill: ItemId, s: f64) -> Option<Event> {
        let kind = match self {
            Self::Read(tag, value) => return Some(Event::Reading(Hall::reading(*tag, s, *value))),
            Self::Inject(tag, value) => return Some(Event::Exercise(Hall::reading(*tag, s, *value))),
            Self::Tick => return Some(Event::Tick),
            Self::Ack(provenance, place) => {
                let alarms = match provenance {
                    Provenance::Real => engine.open_alarms(),
                    Provenance::Exercise => engine.exercise_alarms(),
                };
                let alarm = alarms.get(*place as usize % alarms.len().max(1))?;
                let action = AlarmAction::Acknowledge { note: "确认".into() };
                CommandKind::Alarm { alarm: alarm.alarm_id, seq: alarm.seq, action }
            }
            Self::Order(provenance) => CommandKind::Work(order(*provenance, drill)),
            Self::Act(provenance, place, action) => {
                let open = engine.book().open_of(Kind::Order).filter(|o| o.provenance == *provenance);
                let open: Vec<_> = open.collect();
                let item = open.get(*place as usize % open.len().max(1))?;
                let (fields, note) = (response::Fields::new(), "演练".to_owned());
                let (action, attachments) = ((*action).into(), vec![]);
                CommandKind::Work(WorkCommand::Act { item: item.id, seq: item.seq, action, fields, note, attachments })
            }
        };
        Some(Event::Operator(Command {
            actor: Actor { account: "wang".into(), name: "王".into() },
            key: String::new(),
            kind,
        }))
    }
}

fn order(provenance: Provenance, drill: ItemId) -> WorkCommand {
    let links = match provenance {
        Provenance::Real => vec![],
        Provenance::Exercise => vec![Link::new("drill", drill.to_string())],
    };
    let fields = [("content".into(), "到场".into()), ("ack_within_s".into(), 30.0.into())].into_iter().collect();
    WorkCommand::Create {
        kind: Kind::Order,
        fields,
        links,
        receivers: vec!["brigade-1".into()],
        provenance,
        seen: None,
    }
}

/// A million events, half of them of a drill. One engine takes all, the other only what is real.
#[test]
fn m7_a_million_mixed_events_leak_nothing_and_change_nothing_real() {
    let (mut with, mut without) = (hall(TAGS as u32), hall(TAGS as u32));
    let (drill, same) = (drill(&mut with), drill(&mut without));
    assert_eq!(drill, same);
    let mut dice = Dice(20_261_127);
    let mut s = 1.0;
    let (mut played, mut real) = (0_u64, 0_u64);
    let (mut out, mut expected) = (Effects::default(), Effects::default());
    for _ in 0..1_000_000 {
        let deed = deed(&mut dice);
        if deed.provenance() == Provenance::Exercise {
            let Some(event) = deed.event(&with.engine, drill, s) else { continue };
            with.engine.step(at(s), &event, &mut out);
            for fact in out.facts.drain(..) {
                assert!(Told::of(&fact).real().is_none(), "a drill leaked: {fact:?}");
                played += 1;
            }
            continue;
        }
        s += 0.05;
        let (a, b) = (deed.event(&with.engine, drill, s), deed.event(&without.engine, drill, s));
        assert_eq!(a.is_some(), b.is_some());
        let (Some(a), Some(b)) = (a, b) else { continue };
        with.engine.step(at(s), &a, &mut out);
        without.engine.step(at(s), &b, &mut expected);
        let told: Vec<Fact> =
            out.facts.drain(..).filter(|f| f.provenance() == Provenance::Real).map(|f| unnumbered(&f)).collect();
        let wanted: Vec<Fact> = expected.facts.drain(..).map(|f| unnumbered(&f)).collect();
        real += wanted.len() as u64;
        assert_eq!(told, wanted, "the drill changed what is real");
    }
    assert!(played > 10_000 && real > 10_000, "{played} played and {real} real facts");
    assert_same_state(&with.engine, &without.engine);
}

fn assert_same_state(with: &Engine, without: &Engine) {
    for tag in 0..TAGS as u32 {
        assert_eq!(with.last(TagIndex(tag)), without.last(TagIndex(tag)));
    }
    let alarms = |e: &Engine| -> Vec<(AlarmId, alarm::State)> {
        e.open_alarms().iter().map(|a| (a.alarm_id, a.state)).collect()
    };
    assert_eq!(alarms(with), alarms(without));
    let items = |e: &Engine| -> Vec<(ItemId, response::Name)> {
        let real = e.items().filter(|i| i.provenance == Provenance::Real);
        real.map(|i| (i.id, i.state.clone())).collect()
    };
    assert_eq!(items(with), items(without));
    assert!(with.items().any(|i| i.id.number > EXERCISE_FROM), "the drill did happen");
    assert_eq!(with.tally(), without.tally());
}
