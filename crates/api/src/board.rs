//! The open alarms and items as of the newest settled frame: what `GET /alarms?state=open` answers without a query.

use std::collections::BTreeMap;
use std::sync::Arc;

use alarm::Transition;
use engine::{Fact, FactBody};
use model::Directory;
use parking_lot::RwLock;
use protocol::{AlarmView, OrderView};
use response::{Item, ItemId, Kind};

/// Open alarms and items. One writer (the hall), many readers.
#[derive(Debug, Default)]
pub struct Board {
    state: RwLock<State>,
}

/// Alarms by number.
type Numbered = Vec<(u64, AlarmView)>;

fn show(alarms: &mut BTreeMap<u64, AlarmView>, t: &Transition, directory: &Directory) {
    let view = AlarmView::new(&t.alarm, directory);
    if view.open() {
        alarms.insert(t.alarm.alarm_id.0, view);
    } else {
        alarms.remove(&t.alarm.alarm_id.0);
    }
}

#[derive(Debug, Default)]
struct State {
    seq: u64,
    flood: bool,
    alarms: BTreeMap<u64, AlarmView>,
    /// Alarms of a running drill; never among the real ones.
    played: BTreeMap<u64, AlarmView>,
    items: BTreeMap<ItemId, Arc<Item>>,
}

impl Board {
    /// From what recovery found: real alarms, those of a running drill, items.
    pub fn new(seq: u64, (alarms, played): (Numbered, Numbered), items: Vec<Arc<Item>>) -> Self {
        let items = items.into_iter().map(|item| (item.id, item)).collect();
        let (alarms, played) = (alarms.into_iter().collect(), played.into_iter().collect());
        Self { state: RwLock::new(State { seq, flood: false, alarms, played, items }) }
    }

    /// Takes over settled facts.
    pub fn apply(&self, facts: &[Fact], directory: &Directory) {
        let mut state = self.state.write();
        for fact in facts {
            state.seq = state.seq.max(fact.seq);
            match &fact.body {
                FactBody::Alarm(t) => show(&mut state.alarms, t, directory),
                FactBody::Exercise(body) => {
                    if let FactBody::Alarm(t) = &**body {
                        show(&mut state.played, t, directory);
                    }
                }
                FactBody::Work(e) if e.item.ended_at.is_some() => {
                    state.items.remove(&e.item.id);
                }
                FactBody::Work(e) => {
                    state.items.insert(e.item.id, e.item.clone());
                }
                FactBody::Notice(engine::Notice::Flood { on, .. }) => state.flood = *on,
                // The last drill ended, and what it played with it.
                FactBody::Notice(engine::Notice::Exercise { on: false }) => state.played.clear(),
                FactBody::Notice(_) => {}
            }
        }
    }

    /// Open alarms that pass the filter, with the stream number they are true for.
    pub fn alarms(&self, keep: impl Fn(&AlarmView) -> bool) -> (u64, Vec<AlarmView>) {
        let state = self.state.read();
        (state.seq, state.alarms.values().filter(|a| keep(a)).cloned().collect())
    }

    /// One open alarm, real or of a drill: their numbers differ.
    pub fn alarm(&self, id: u64) -> Option<AlarmView> {
        let state = self.state.read();
        state.alarms.get(&id).or_else(|| state.played.get(&id)).cloned()
    }

    /// Open alarms of a running drill.
    pub fn played(&self) -> (u64, Vec<AlarmView>) {
        let state = self.state.read();
        (state.seq, state.played.values().cloned().collect())
    }

    /// Open orders.
    pub fn orders(&self, keep: impl Fn(&Item) -> bool) -> (u64, Vec<OrderView>) {
        let (seq, items) = self.items(|item| item.id.kind == Kind::Order && keep(item));
        (seq, items.iter().map(|item| (&**item).into()).collect())
    }

    /// Open items that pass the filter, with the stream number they are true for.
    pub fn items(&self, keep: impl Fn(&Item) -> bool) -> (u64, Vec<Arc<Item>>) {
        let state = self.state.read();
        (state.seq, state.items.values().filter(|item| keep(item)).cloned().collect())
    }

    /// One open item.
    pub fn item(&self, id: ItemId) -> Option<Arc<Item>> {
        self.state.read().items.get(&id).cloned()
    }

    /// Newest settled number, and whether a desk is flooded.
    pub fn seq(&self) -> (u64, bool) {
        let state = self.state.read();
        (state.seq, state.flood)
    }
}
