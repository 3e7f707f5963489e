//! PUBLISH: topic to tag, payload to readings, and the acknowledgement that waits for the commit.

use super::*;

impl Session {
    pub(super) fn publish(&mut self, p: Publish<'_>, now: Time, site: &Site, out: &mut Actions) -> Result<(), Fault> {
        if p.qos > 0 && self.acks.in_flight() >= usize::from(self.limits.in_flight_max) {
            return Err(Fault { reason: 0x93, text: "more messages in flight than the receive maximum".into() });
        }
        // A QoS 2 resend is answered again, but its readings are not taken twice (MQTT 4.3.3).
        if p.qos == 2 && self.acks.is_repeat(p.id) {
            self.acks.push(p.id, 2, 0, "");
            return Ok(());
        }
        let answer = match p.alias {
            None => self.ingest((p.topic, p.payload), now, site, out),
            Some(alias) => {
                let topic = self.alias(alias, p.topic)?;
                self.ingest((&topic, p.payload), now, site, out)
            }
        };
        if p.qos > 0 {
            let wanted = self.client.as_ref().is_some_and(|c| c.problem_info);
            self.acks.push(p.id, p.qos, answer.reason, if wanted { &answer.text } else { "" });
        }
        Ok(())
    }

    /// Resolves a topic alias (MQTT 5, 3.3.2.3.4). The topic still passes authorisation like any other.
    fn alias(&mut self, alias: u16, topic: &[u8]) -> Result<Arc<[u8]>, Fault> {
        let max = self.limits.alias_max;
        let invalid = || Fault { reason: 0x94, text: format!("topic alias {alias} is not known, or not 1 to {max}") };
        let client = self.client.as_mut().ok_or_else(invalid)?;
        if alias == 0 || alias > max {
            return Err(invalid());
        }
        let index = usize::from(alias) - 1;
        if topic.is_empty() {
            return client.aliases.get(index).cloned().flatten().ok_or_else(invalid);
        }
        if client.aliases.len() <= index {
            client.aliases.resize(index + 1, None);
        }
        let topic: Arc<[u8]> = topic.into();
        client.aliases[index] = Some(topic.clone());
        Ok(topic)
    }

    /// One message of one topic: readings, and the links and strikes that come of it.
    #[inline]
    pub(super) fn ingest(&mut self, message: (&[u8], &[u8]), now: Time, site: &Site, out: &mut Actions) -> Answer {
        let Some(client) = &mut self.client else { return Answer::default() };
        let to = (&mut out.batch, &mut out.notes);
        let answer = client.reader.read(message, now, site, to);
        if let Some(enterprise) = client.reader.take_new() {
            self.link_up(&enterprise, out);
        }
        if answer.foreign {
            self.strike();
        }
        answer
    }

    /// MQTT 3 cannot be told: it is acknowledged, counted, and disconnected after some.
    fn strike(&mut self) {
        let max = self.limits.strikes_max;
        let Some(client) = &mut self.client else { return };
        client.strikes = client.strikes.saturating_add(1);
        if self.version == Version::V3 && client.strikes >= max {
            self.fail(Fault { reason: 0x87, text: "TOPIC_NOT_YOURS".into() });
        }
    }
}
