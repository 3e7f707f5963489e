//! The open alarms and items as of the newest settled frame: what `GET /alarms?state=open` answers without a query.

use std::collections::BTreeMap;
use std::sync::Arc;

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

#[derive(Debug, Default)]
struct State {
    seq: u64,
    flood: bool,
    alarms: BTreeMap<u64, AlarmView>,
    items: BTreeMap<ItemId, Arc<Item>>,
}

impl Board {
    /// From what recovery found.
    pub fn new(seq: u64, alarms: Vec<(u64, AlarmView)>, items: Vec<Arc<Item>>) -> Self {
        let items = items.into_iter().map(|item| (item.id, item)).collect();
        Self { state: RwLock::new(State { seq, flood: false, alarms: alarms.into_iter().collect(), items }) }
    }

    /// Takes over settled facts.
    pub fn apply(&self, facts: &[Fact], directory: &Directory) {
        let mut state = self.state.write();
        for fact in facts {
            state.seq = state.seq.max(fact.seq);
            match &fact.body {
                FactBody::Alarm(t) => {
                    let view = AlarmView::new(&t.alarm, directory);
                    if view.open() {
                        state.alarms.insert(t.alarm.alarm_id.0, view);
                    } else {
                        state.alarms.remove(&t.alarm.alarm_id.0);
                    }
                }
                FactBody::Work(e) if e.item.ended_at.is_some() => {
                    state.items.remove(&e.item.id);
                }
                FactBody::Work(e) => {
                    state.items.insert(e.item.id, e.item.clone());
                }
                FactBody::Notice(engine::Notice::Flood { on, .. }) => state.flood = *on,
                FactBody::Notice(_) | FactBody::Exercise(_) => {}
            }
        }
    }

    /// Open alarms that pass the filter, with the stream number they are true for.
    pub fn alarms(&self, keep: impl Fn(&AlarmView) -> bool) -> (u64, Vec<AlarmView>) {
        let state = self.state.read();
        (state.seq, state.alarms.values().filter(|a| keep(a)).cloned().collect())
    }

    /// One open alarm.
    pub fn alarm(&self, id: u64) -> Option<AlarmView> {
        self.state.read().alarms.get(&id).cloned()
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
