//! Topic and payload to readings: what the door and the foreign brokers have in common.

use std::sync::Arc;

use model::{GatewayIndex, Reading, Time};

use crate::mqtt::topics::{self, Refused, Site, Target, Topics};
use crate::mqtt::{Identity, Limits, Note};
use crate::payload::{self, Arrival, Outcome, Sensor};
use crate::{Batch, Code, Refusal};

/// What a message is answered with.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// MQTT 5 reason code.
    pub(crate) reason: u8,
    /// MQTT 5 reason string.
    pub(crate) text: String,
    /// The topic was for someone else.
    pub(crate) foreign: bool,
}

/// Where a message's readings and refusals go.
pub(crate) type Sink<'a> = (&'a mut Batch, &'a mut Vec<Note>);

/// Reads the messages of one source; caches its topics.
#[derive(Debug)]
pub(crate) struct Reader {
    identity: Arc<Identity>,
    gateway: GatewayIndex,
    topics: Topics,
    topic_max: usize,
    cache_max: usize,
    new: Option<String>,
}

impl Reader {
    pub(crate) fn new(identity: Arc<Identity>, gateway: GatewayIndex, limits: &Limits) -> Self {
        let (topic_max, cache_max) = (limits.topic_max, limits.cache_max);
        Self { identity, gateway, topics: Topics::default(), topic_max, cache_max, new: None }
    }

    pub(crate) fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    pub(crate) fn gateway(&self) -> GatewayIndex {
        self.gateway
    }

    /// The enterprise of a topic that was new in the last read.
    #[inline]
    pub(crate) fn take_new(&mut self) -> Option<String> {
        self.new.take()
    }

    /// Reads one message; the usual case is a cache hit and the fast decoder.
    #[inline]
    pub(crate) fn read(&mut self, (topic, payload): (&[u8], &[u8]), now: Time, site: &Site, to: Sink<'_>) -> Answer {
        self.topics.refresh(site.version);
        let arrival = Arrival { gateway: self.gateway, now };
        if let Some(Target::Tag(sensor)) = self.topics.get(topic)
            && let Some(n) = payload::decode(payload, sensor, arrival, &mut to.0.readings)
        {
            to.0.offered += u64::from(n);
            to.0.urgent |= sensor.alarms(&to.0.readings[to.0.readings.len() - n as usize..]);
            return Answer::default();
        }
        self.read_slowly((topic, payload), arrival, site, to)
    }

    #[cold]
    fn read_slowly(&mut self, (topic, payload): (&[u8], &[u8]), arrival: Arrival, site: &Site, to: Sink<'_>) -> Answer {
        let target = match self.target(topic, site) {
            Ok(target) => target,
            Err(refused) => return refuse_topic(refused, (topic, payload), site, to),
        };
        let mut parked = Vec::new();
        let readings = &mut to.0.readings;
        let before = readings.len();
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
        let alarms = |r: &Reading| {
            let entry = site.directory.get(r.tag);
            entry.is_some_and(|entry| Sensor::new(r.tag, entry).alarms(std::slice::from_ref(r)))
        };
        to.0.urgent |= readings[before..].iter().any(alarms);
        let enterprise = match &target {
            Target::Tag(sensor) => site.directory.get(sensor.tag).map_or("", |entry| entry.enterprise.as_str()),
            Target::Mapped(mapped) => mapped.enterprise.as_str(),
        };
        tell(outcome, parked, (enterprise, topic, payload), to)
    }

    fn target(&mut self, topic: &[u8], site: &Site) -> Result<Target, Refused> {
        if let Some(target) = self.topics.get(topic) {
            return Ok(target.clone());
        }
        let (target, enterprise) = topics::resolve(topic, self.topic_max, site, &self.identity)?;
        self.topics.put(topic, target.clone(), self.cache_max);
        self.new = Some(enterprise);
        Ok(target)
    }
}

fn refuse_topic(refused: Refused, (topic, payload): (&[u8], &[u8]), site: &Site, (batch, notes): Sink<'_>) -> Answer {
    let shown = crate::refusal::escape(topic, 128);
    let mut parked = None;
    let mut enterprise = std::str::from_utf8(topic).ok().and_then(topics::contract).map_or("", |(e, _)| e).to_owned();
    let refusal = match refused {
        Refused::Invalid(at) => invalid_topic(at, &shown),
        Refused::Foreign => {
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
    let foreign = refusal.code == Code::TopicNotYours;
    let answer = Answer { reason: refusal.code.reason(), text: refusal.reason_string(), foreign };
    batch.offered += 1;
    batch.refuse(refusal.code, 1);
    notes.push(Note { refusal: *refusal, enterprise, topic: topic.to_vec(), payload: head(payload), parked });
    answer
}

/// Counts an outcome, keeps its notes, and finds the answer.
fn tell(
    outcome: Outcome,
    parked: Vec<(String, Option<f64>)>,
    (enterprise, topic, payload): (&str, &[u8], &[u8]),
    (batch, notes): Sink<'_>,
) -> Answer {
    batch.offered += outcome.offered;
    for (code, count) in outcome.refused {
        batch.refuse(code, count);
    }
    let worst = outcome.notes.iter().max_by_key(|note| note.code.reason());
    let answer = worst.map_or(Answer::default(), |note| Answer {
        reason: note.code.reason(),
        text: note.reason_string(),
        foreign: false,
    });
    let mut parked = parked.into_iter();
    for refusal in outcome.notes {
        let parked = if refusal.code == Code::TagUnknown { parked.next() } else { None };
        let (topic, payload) = (topic.to_vec(), head(payload));
        notes.push(Note { refusal, enterprise: enterprise.to_owned(), topic, payload, parked });
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
