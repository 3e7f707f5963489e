//! PUBLISH: topic to tag, payload to readings, and the acknowledgement that waits for the commit.

use super::*;

/// What a PUBLISH is answered with.
pub(super) struct Answer {
    reason: u8,
    text: String,
}

const FINE: Answer = Answer { reason: 0, text: String::new() };

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
            None => self.ingest(p.topic, p.payload, now, site, out),
            Some(alias) => {
                let topic = self.alias(alias, p.topic)?;
                self.ingest(&topic, p.payload, now, site, out)
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

    /// One message of one topic; the usual case is a cache hit and the fast decoder.
    #[inline]
    pub(super) fn ingest(&mut self, topic: &[u8], payload: &[u8], now: Time, site: &Site, out: &mut Actions) -> Answer {
        let gateway = self.client.as_ref().map_or(GatewayIndex(0), |c| c.gateway);
        let arrival = Arrival { gateway, now };
        if let Some(Target::Tag(sensor)) = self.topics.get(topic)
            && let Some(n) = payload::decode(payload, sensor, arrival, &mut out.batch.readings)
        {
            out.batch.offered += u64::from(n);
            return FINE;
        }
        self.ingest_slowly(topic, payload, arrival, site, out)
    }

    #[cold]
    fn ingest_slowly(
        &mut self,
        topic: &[u8],
        payload: &[u8],
        arrival: Arrival,
        site: &Site,
        out: &mut Actions,
    ) -> Answer {
        let target = match self.target(topic, site, out) {
            Ok(target) => target,
            Err(refused) => return self.refuse_topic(refused, (topic, payload), site, out),
        };
        let mut parked = Vec::new();
        let readings = &mut out.batch.readings;
        let outcome = match &target {
            Target::Tag(sensor) => match payload::decode(payload, sensor, arrival, readings) {
                Some(n) => Outcome { offered: n.into(), accepted: n.into(), ..Outcome::default() },
                None => {
                    let unit = site.directory.get(sensor.tag).map_or("", |entry| entry.unit.as_str());
                    payload::explain(payload, sensor, unit, arrival, readings)
                }
            },
            Target::Mapped(mapped) => {
                let mut unknown = |tag: &str, value: Option<f64>| parked.push((tag.to_owned(), value));
                mapped.read(payload, arrival, readings, &mut unknown)
            }
        };
        let enterprise = match &target {
            Target::Tag(sensor) => site.directory.get(sensor.tag).map_or("", |entry| entry.enterprise.as_str()),
            Target::Mapped(mapped) => mapped.enterprise.as_str(),
        };
        tell(outcome, parked, (enterprise, topic, payload), out)
    }

    fn target(&mut self, topic: &[u8], site: &Site, out: &mut Actions) -> Result<Target, Refused> {
        if let Some(target) = self.topics.get(topic) {
            return Ok(target.clone());
        }
        let identity = self.client.as_ref().map(|c| c.identity.clone()).ok_or(Refused::Foreign)?;
        let (target, enterprise) = topics::resolve(topic, self.limits.topic_max, site, &identity)?;
        self.topics.put(topic, target.clone(), self.limits.cache_max);
        self.link_up(&enterprise, out);
        Ok(target)
    }

    fn refuse_topic(
        &mut self,
        refused: Refused,
        (topic, payload): (&[u8], &[u8]),
        site: &Site,
        out: &mut Actions,
    ) -> Answer {
        let shown = crate::refusal::escape(topic, 128);
        let mut parked = None;
        let mut enterprise =
            std::str::from_utf8(topic).ok().and_then(topics::contract).map_or("", |(e, _)| e).to_owned();
        let refusal = match refused {
            Refused::Invalid(at) => invalid_topic(at, &shown),
            Refused::Foreign => {
                self.strike();
                // Another firm's name must not collect our device's mistakes.
                enterprise.clear();
                foreign_topic(&shown)
            }
            Refused::Unknown { enterprise, tag } => {
                let refusal = unknown_tag(&enterprise, &tag, site);
                parked = Some((tag, payload::glance(payload)));
                refusal
            }
        };
        let answer = Answer { reason: refusal.code.reason(), text: refusal.reason_string() };
        out.batch.offered += 1;
        out.batch.refuse(refusal.code, 1);
        let payload = head(payload);
        out.notes.push(Note { refusal: *refusal, enterprise, topic: topic.to_vec(), payload, parked });
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

/// Counts an outcome, keeps its notes, and finds the answer.
fn tell(
    outcome: Outcome,
    parked: Vec<(String, Option<f64>)>,
    (enterprise, topic, payload): (&str, &[u8], &[u8]),
    out: &mut Actions,
) -> Answer {
    out.batch.offered += outcome.offered;
    for (code, count) in outcome.refused {
        out.batch.refuse(code, count);
    }
    let worst = outcome.notes.iter().max_by_key(|note| note.code.reason());
    let answer = worst.map_or(FINE, |note| Answer { reason: note.code.reason(), text: note.reason_string() });
    let mut parked = parked.into_iter();
    for refusal in outcome.notes {
        let parked = if refusal.code == Code::TagUnknown { parked.next() } else { None };
        let (topic, payload) = (topic.to_vec(), head(payload));
        out.notes.push(Note { refusal, enterprise: enterprise.to_owned(), topic, payload, parked });
    }
    answer
}

fn head(payload: &[u8]) -> Vec<u8> {
    payload[..payload.len().min(257)].to_vec()
}

fn invalid_topic(at: usize, shown: &str) -> Box<Refusal> {
    Refusal::new(
        Code::TopicInvalid,
        format!("主题 {shown} 无效：第 {at} 字节处有误"),
        format!("topic {shown} is not valid at byte {at}"),
    )
    .field("topic")
    .hint("fh/v1/{enterprise}/{tag}, at most 256 bytes, without + # and NUL")
}

fn foreign_topic(shown: &str) -> Box<Refusal> {
    Refusal::new(
        Code::TopicNotYours,
        format!("主题 {shown} 不属于本设备的单位"),
        format!("topic {shown} does not belong to this device's enterprise"),
    )
    .field("topic")
}

fn unknown_tag(enterprise: &str, tag: &str, site: &Site) -> Box<Refusal> {
    let shown = crate::refusal::escape(tag.as_bytes(), 64);
    let near = crate::rejections::nearest(&site.directory, enterprise, tag).join(", ");
    let refusal = Refusal::new(
        Code::TagUnknown,
        format!("测点 {shown} 未登记，已列入待处理；相近：{near}"),
        format!("tag {shown} is not registered; it is listed as pending; nearest: {near}"),
    );
    refusal.field("topic").hint(near)
}
