//! Links and restarts: what a gap does, and what must not be taken for a recovery or a storm.

use model::Time;

use crate::clock::GAP;
use crate::engine::Engine;
use crate::event::{LinkChange, LinkScope};
use crate::gateway::GATEWAYS_MAX;
use crate::{Effects, Notice};

impl Engine {
    pub(crate) fn link(&mut self, now: Time, change: &LinkChange, out: &mut Effects) {
        let scope = match &change.scope {
            LinkScope::Gateway(gateway, enterprise) => {
                self.gateway_link(now, gateway.0, change.up);
                format!("{enterprise}/gateway-{}", gateway.0)
            }
            LinkScope::Broker(name) => format!("broker/{name}"),
        };
        self.notice(now, Notice::Link { scope, up: change.up, reason: change.reason.clone() }, out);
    }

    fn gateway_link(&mut self, now: Time, number: u32, up: bool) {
        let index = (number as usize).min(GATEWAYS_MAX - 1);
        if index >= self.gateways.len() {
            self.gateways.resize(index + 1, crate::gateway::Gateway::NEW);
        }
        let gateway = &mut self.gateways[index];
        gateway.up = up;
        if up {
            gateway.up_at = now;
            gateway.catching_up = gateway.last_received != Time::MIN;
        }
    }

    /// The program was down: every tag has a gap, and no timer ran meanwhile.
    pub(crate) fn restarted(&mut self, now: Time, down_at: Time, up_at: Time, out: &mut Effects) {
        for tag in self.tags.iter_mut().filter(|t| t.is_known()) {
            tag.set(GAP, true);
        }
        self.notice(now, Notice::Restarted { down_at, up_at }, out);
        self.rebuild_deadlines();
    }
}
