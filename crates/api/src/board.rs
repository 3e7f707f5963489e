//! The open alarms and orders as of the newest settled frame: what `GET /alarms?state=open` answers without a query.

use std::collections::BTreeMap;

use engine::{Fact, FactBody};
use model::Directory;
use parking_lot::RwLock;
use protocol::{AlarmView, OrderView};
use response::{Kind, flow_of};

/// Open alarms and orders. One writer (the hall), many readers.
#[derive(Debug, Default)]
pub struct Board {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    seq: u64,
    flood: bool,
    alarms: BTreeMap<u64, AlarmView>,
    orders: BTreeMap<u64, OrderView>,
}

impl Board {
    /// From what recovery found.
    pub fn new(seq: u64, alarms: Vec<(u64, AlarmView)>, orders: Vec<(u64, OrderView)>) -> Self {
        let state =
            State { seq, flood: false, alarms: alarms.into_iter().collect(), orders: orders.into_iter().collect() };
        Self { state: RwLock::new(state) }
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
                FactBody::Work(e) if e.item.id.kind != Kind::Order => {}
                FactBody::Work(e) if flow_of(Kind::Order).is_end(&e.item.state) => {
                    state.orders.remove(&e.item.id.number);
                }
                FactBody::Work(e) => {
                    state.orders.insert(e.item.id.number, (&*e.item).into());
                }
                FactBody::Notice(engine::Notice::Flood { on, .. }) => state.flood = *on,
                FactBody::Notice(_) => {}
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
    pub fn orders(&self) -> (u64, Vec<OrderView>) {
        let state = self.state.read();
        (state.seq, state.orders.values().cloned().collect())
    }

    /// Newest settled number, and whether a desk is flooded.
    pub fn seq(&self) -> (u64, bool) {
        let state = self.state.read();
        (state.seq, state.flood)
    }
}
