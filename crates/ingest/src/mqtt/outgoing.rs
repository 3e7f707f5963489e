//! `fenghuo/out/#`: messages to subscribers, retained ones, and the inbox of every connection.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

/// Retained topics; beyond it a new one is refused.
const RETAINED_MAX: usize = 10_000;

/// A message to subscribers.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    pub(super) qos: u8,
}

/// One message for one subscriber.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) message: Arc<Message>,
    pub(super) qos: u8,
    pub(super) retained: bool,
}

/// What others tell a connection. Checked by one atomic load per wake.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    news: AtomicBool,
    state: Mutex<InboxState>,
}

#[derive(Debug, Default)]
struct InboxState {
    queue: VecDeque<Delivery>,
    overflow: bool,
    close: Option<Close>,
    waker: Option<Waker>,
    gone: bool,
    heirs: Vec<Waker>,
}

/// Why others close a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    TakenOver,
    Stopping,
}

impl Inbox {
    pub(super) fn has_news(&self) -> bool {
        self.news.load(Ordering::Acquire)
    }

    fn tell(&self, change: impl FnOnce(&mut InboxState)) {
        let mut state = self.state.lock();
        change(&mut state);
        self.news.store(true, Ordering::Release);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn close(&self, close: Close) {
        self.tell(|state| state.close = state.close.or(Some(close)));
    }

    fn push(&self, delivery: Delivery, queue_max: usize) {
        self.tell(|state| match state.queue.len() < queue_max {
            true => state.queue.push_back(delivery),
            false => state.overflow = true,
        });
    }

    /// Takes one message if `wanted`, and says whether to close (0x97 for a slow subscriber).
    pub(super) fn take(&self, wanted: impl Fn(u8) -> bool) -> (Option<Delivery>, Option<Close>, bool) {
        let mut state = self.state.lock();
        let fits = state.queue.front().is_some_and(|d| wanted(d.qos));
        let next = if fits { state.queue.pop_front() } else { None };
        let more = next.is_some() && !state.queue.is_empty();
        self.news.store(more, Ordering::Release);
        (next, state.close, state.overflow)
    }

    /// After an acknowledgement there may be room for what waits.
    pub(super) fn look_again(&self) {
        if !self.state.lock().queue.is_empty() {
            self.news.store(true, Ordering::Release);
        }
    }

    pub(super) fn register(&self, waker: &Waker) {
        let mut state = self.state.lock();
        if !state.waker.as_ref().is_some_and(|w| w.will_wake(waker)) {
            state.waker = Some(waker.clone());
        }
    }

    /// The connection has ended and given back its session.
    pub(super) fn depart(&self) {
        let mut state = self.state.lock();
        state.gone = true;
        state.queue.clear();
        let heirs = std::mem::take(&mut state.heirs);
        drop(state);
        heirs.into_iter().for_each(Waker::wake);
    }

    /// Waits until the connection has ended.
    pub(super) async fn departed(&self) {
        std::future::poll_fn(|cx| {
            let mut state = self.state.lock();
            if state.gone {
                return std::task::Poll::Ready(());
            }
            state.heirs.push(cx.waker().clone());
            std::task::Poll::Pending
        })
        .await
    }
}

/// Publishes below `fenghuo/out/` to subscribed devices: sirens, signs, gateways. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    hub: Arc<Hub>,
}

#[derive(Debug, Default)]
struct Hub {
    queue_max: usize,
    state: Mutex<HubState>,
}

#[derive(Debug, Default)]
struct HubState {
    subscribers: FxHashMap<u64, Subscriber>,
    retained: BTreeMap<String, Arc<Message>>,
    next: u64,
}

#[derive(Debug)]
struct Subscriber {
    inbox: Arc<Inbox>,
    filters: Vec<(String, u8)>,
}

impl Outgoing {
    /// At most `queue_max` messages wait for one subscriber.
    pub fn new(queue_max: usize) -> Self {
        Self { hub: Arc::new(Hub { queue_max, ..Hub::default() }) }
    }

    /// Publishes with QoS 0 or 1 and returns how many subscribers it was queued for. Retained: new subscribers get it
    /// too; an empty retained payload removes it. Not delivered to anyone who is away (retain what must be).
    pub fn publish(&self, topic: &str, payload: &[u8], qos: u8, retain: bool) -> usize {
        let message = Arc::new(Message { topic: topic.to_owned(), payload: payload.to_owned(), qos: qos.min(1) });
        let mut state = self.hub.state.lock();
        if retain && payload.is_empty() {
            state.retained.remove(topic);
        } else if retain && (state.retained.len() < RETAINED_MAX || state.retained.contains_key(topic)) {
            state.retained.insert(topic.to_owned(), message.clone());
        }
        let mut count = 0;
        for subscriber in state.subscribers.values() {
            let granted = subscriber.filters.iter().filter(|(f, _)| matches(f, topic)).map(|(_, qos)| *qos).max();
            if let Some(granted) = granted {
                let delivery = Delivery { message: message.clone(), qos: granted.min(message.qos), retained: false };
                subscriber.inbox.push(delivery, self.hub.queue_max);
                count += 1;
            }
        }
        count
    }

    pub(super) fn join(&self, inbox: Arc<Inbox>) -> u64 {
        let mut state = self.hub.state.lock();
        state.next += 1;
        let key = state.next;
        state.subscribers.insert(key, Subscriber { inbox, filters: Vec::new() });
        key
    }

    pub(super) fn leave(&self, key: u64) {
        self.hub.state.lock().subscribers.remove(&key);
    }

    /// Adds filters; retained messages below them follow.
    pub(super) fn subscribe(&self, key: u64, filters: Vec<(String, u8)>) {
        let mut state = self.hub.state.lock();
        let state = &mut *state;
        let Some(subscriber) = state.subscribers.get_mut(&key) else { return };
        for (filter, qos) in filters {
            for (topic, message) in state.retained.iter().filter(|(topic, _)| matches(&filter, topic)) {
                tracing::trace!(topic, "retained message to a new subscriber");
                let delivery = Delivery { message: message.clone(), qos: qos.min(message.qos), retained: true };
                subscriber.inbox.push(delivery, self.hub.queue_max.max(RETAINED_MAX));
            }
            subscriber.filters.retain(|(f, _)| *f != filter);
            subscriber.filters.push((filter, qos));
        }
    }

    pub(super) fn unsubscribe(&self, key: u64, filters: &[String]) {
        if let Some(subscriber) = self.hub.state.lock().subscribers.get_mut(&key) {
            subscriber.filters.retain(|(f, _)| !filters.contains(f));
        }
    }
}

/// Exact, or everything at and below a prefix (`a/b/#`).
fn matches(filter: &str, topic: &str) -> bool {
    match filter.strip_suffix("/#") {
        Some(head) => topic.strip_prefix(head).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        None => filter == topic,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn filters() {
        for (filter, topic, want) in [
            ("fenghuo/out/#", "fenghuo/out/siren", true),
            ("fenghuo/out/#", "fenghuo/out", true),
            ("fenghuo/out/a", "fenghuo/out/a", true),
            ("fenghuo/out/a", "fenghuo/out/ab", false),
            ("fenghuo/out/a/#", "fenghuo/out/ab", false),
        ] {
            assert_eq!(matches(filter, topic), want, "{filter} {topic}");
        }
    }
}
