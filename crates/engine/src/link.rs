//! Links and restarts: what a gap does, and what must not be taken for a recovery or a storm.

use std::sync::Arc;

use model::Time;

use crate::clock::GAP;
use crate::diagnostic::{BLIND, JOURNAL};
use crate::engine::{Engine, Moment};
use crate::event::{LinkChange, LinkScope};
use crate::gateway::{GATEWAYS_MAX, Gateway};
use crate::plan::micros;
use crate::watch::Broker;
use crate::{Effects, Notice};

/// Foreign brokers told apart; more share the last entry.
const BROKERS_MAX: usize = 64;

impl Engine {
    pub(crate) fn link(&mut self, now: Time, change: &LinkChange, out: &mut Effects) {
        let scope = match &change.scope {
            LinkScope::Gateway(gateway, enterprise) => {
                self.gateway_link(now, gateway.0, change.up);
                format!("{enterprise}/gateway-{}", gateway.0)
            }
            LinkScope::Broker(name) => {
                self.broker_link(now, name, change.up, out);
                format!("broker/{name}")
            }
            LinkScope::Journal => {
                match change.up {
                    false => self.raise_diagnostic(JOURNAL, Moment::at(now, now), out),
                    true => self.clear_diagnostic(JOURNAL, &Moment::at(now, now), out),
                }
                "journal".to_owned()
            }
        };
        self.notice(now, Notice::Link { scope, up: change.up, reason: change.reason.clone() }, out);
    }

    fn gateway_link(&mut self, now: Time, number: u32, up: bool) {
        let index = (number as usize).min(GATEWAYS_MAX - 1);
        if index >= self.gateways.len() {
            self.gateways.resize(index + 1, Gateway::NEW);
        }
        let gateway = &mut self.gateways[index];
        gateway.up = up;
        if up {
            gateway.up_at = now;
            gateway.catching_up = gateway.last_received != Time::MIN;
        }
    }

    /// Our own link: while it is down no silence behind it counts; when it is back, everybody gets a grace time.
    fn broker_link(&mut self, now: Time, name: &Arc<str>, up: bool, out: &mut Effects) {
        let number = self.watch.brokers.len().min(BROKERS_MAX - 1) as u32;
        if self.watch.brokers.len() >= BROKERS_MAX && !self.watch.brokers.contains_key(name) {
            return;
        }
        let fresh = Broker { number, up: true, down_at: Time::MIN };
        let broker = self.watch.brokers.entry(name.clone()).or_insert(fresh);
        let was_up = std::mem::replace(&mut broker.up, up);
        let condition = BLIND | broker.number;
        let moment = Moment::at(now, now);
        match (was_up, up) {
            (true, false) => {
                broker.down_at = now;
                self.raise_diagnostic(condition, moment, out);
            }
            (false, true) => {
                let down_at = broker.down_at;
                self.broker_is_back(now, down_at);
                self.clear_diagnostic(condition, &moment, out);
            }
            (true, true) | (false, false) => {}
        }
    }

    fn broker_is_back(&mut self, now: Time, down_at: Time) {
        self.watch.grace_until = now.plus_us(micros(self.rules.hall.return_grace_s));
        for gateway in self.gateways.iter_mut().filter(|g| g.last_received <= down_at && g.last_received != Time::MIN) {
            gateway.up_at = now;
            gateway.catching_up = true;
        }
        self.rebuild_deadlines();
    }

    /// The program was down: every tag has a gap, no timer of ours ran meanwhile, and the backlog is still to come.
    pub(crate) fn restarted(&mut self, now: Time, down_at: Time, up_at: Time, out: &mut Effects) {
        for tag in self.tags.iter_mut().filter(|t| t.is_known()) {
            tag.set(GAP, true);
        }
        for gateway in self.gateways.iter_mut().filter(|g| g.last_received != Time::MIN) {
            gateway.up = true;
            gateway.up_at = now;
            gateway.catching_up = true;
        }
        for broker in self.watch.brokers.values_mut().filter(|b| !b.up) {
            broker.down_at = broker.down_at.min(now);
        }
        self.watch.grace_until = now.plus_us(micros(self.rules.hall.return_grace_s));
        self.watch.ran_until = self.watch.ran_until.max(now);
        self.notice(now, Notice::Restarted { down_at, up_at }, out);
        for index in 0..self.rule_due.len() as u32 {
            self.rule_due[index as usize] = crate::episode::NEVER;
            self.arm_evaluation(index, now);
        }
        self.rebuild_deadlines();
        self.settle_edits(now, out);
    }
}
