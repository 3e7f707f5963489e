//! The bounded way into the hall thread: many offer, one takes all that is there.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// A bounded queue between tasks and one plain thread. Weight is counted in readings, so that a queue of
/// thousand-reading batches is as bounded as one of single readings.
#[derive(Debug)]
pub struct Intake<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
    weight_max: usize,
}

#[derive(Debug)]
struct State<T> {
    items: Vec<T>,
    weight: usize,
    waiting: Waiting,
    /// Something that is there cannot wait for more to come.
    urgent: bool,
    /// The taker is to look up, though there may be nothing to take.
    nudged: bool,
    closed: bool,
}

/// What the taker is to be woken for: a wake costs more than taking in a reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Waiting {
    #[default]
    Nothing,
    Anything,
    Urgent,
}

/// What became of an offered item.
#[derive(Debug)]
pub enum Offer<T> {
    /// The hall will take it.
    Taken,
    /// Full: keep it and try again later.
    Full(T),
    /// The hall has closed.
    Closed(T),
}

impl<T> Intake<T> {
    /// Holds at most `weight_max`, but always at least one item.
    pub fn new(weight_max: usize) -> Self {
        let state = State {
            items: Vec::new(),
            weight: 0,
            waiting: Waiting::Nothing,
            urgent: false,
            nudged: false,
            closed: false,
        };
        Self { state: Mutex::new(state), arrived: Condvar::new(), weight_max }
    }

    /// Offers one item. An `urgent` one ends a [`gather`](Self::gather); it changes nothing else.
    pub fn offer(&self, item: T, weight: usize, urgent: bool) -> Offer<T> {
        let mut state = self.state.lock();
        if state.closed {
            return Offer::Closed(item);
        }
        if state.weight > 0 && state.weight + weight > self.weight_max {
            return Offer::Full(item);
        }
        state.items.push(item);
        state.weight += weight;
        state.urgent |= urgent;
        let wake = state.waiting == Waiting::Anything || (urgent && state.waiting == Waiting::Urgent);
        if wake {
            state.waiting = Waiting::Nothing;
        }
        drop(state);
        if wake {
            self.arrived.notify_one();
        }
        Offer::Taken
    }

    /// Waits at most `wait` until something is there. Returns false once closed and empty.
    pub fn wait(&self, wait: Duration) -> bool {
        let deadline = Instant::now() + wait;
        let mut state = self.state.lock();
        while state.items.is_empty() && !state.nudged && !state.closed {
            state.waiting = Waiting::Anything;
            if self.arrived.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        state.waiting = Waiting::Nothing;
        state.nudged = false;
        !(state.closed && state.items.is_empty())
    }

    /// Lets more come together for at most `wait`, but not once something urgent is there.
    pub fn gather(&self, wait: Duration) {
        let deadline = Instant::now() + wait;
        let mut state = self.state.lock();
        while !state.urgent && !state.nudged && !state.closed {
            state.waiting = Waiting::Urgent;
            if self.arrived.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        state.waiting = Waiting::Nothing;
    }

    /// Moves everything that is there into `into`, which must be empty.
    pub fn take(&self, into: &mut Vec<T>) {
        let mut state = self.state.lock();
        std::mem::swap(&mut state.items, into);
        state.weight = 0;
        state.urgent = false;
    }

    /// Wakes the hall without an item: a `wait` or `gather` ends, the next one if there is none now.
    pub fn nudge(&self) {
        self.state.lock().nudged = true;
        self.arrived.notify_all();
    }

    /// What waits now, by weight.
    pub fn weight(&self) -> usize {
        self.state.lock().weight
    }

    /// Whether offers are still taken.
    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Takes no more offers; what is there can still be taken.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.arrived.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_gives_the_item_back_and_close_drains() {
        let intake = Intake::new(10);
        assert!(matches!(intake.offer("a", 8, false), Offer::Taken));
        assert!(matches!(intake.offer("b", 8, false), Offer::Full("b")));
        intake.close();
        assert!(matches!(intake.offer("c", 1, false), Offer::Closed("c")));
        let mut got = Vec::new();
        assert!(intake.wait(Duration::ZERO));
        intake.take(&mut got);
        assert_eq!(got, ["a"]);
        assert!(!intake.wait(Duration::ZERO));
    }

    #[test]
    fn a_nudge_ends_a_wait_though_nothing_is_there() {
        let intake = Intake::<u8>::new(10);
        let long = Duration::from_secs(600);
        intake.nudge();
        intake.gather(long);
        assert!(intake.wait(long), "it is open");
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| intake.wait(long));
            intake.nudge();
            assert!(waiter.join().expect("waits"));
        });
    }

    #[test]
    fn something_urgent_ends_a_gathering_and_nothing_else_does() {
        let intake = std::sync::Arc::new(Intake::new(10));
        let long = Duration::from_secs(600);
        let gatherer = {
            let intake = intake.clone();
            std::thread::spawn(move || intake.gather(long))
        };
        assert!(matches!(intake.offer("reading", 1, false), Offer::Taken));
        assert!(!gatherer.is_finished());
        assert!(matches!(intake.offer("alarm", 1, true), Offer::Taken));
        gatherer.join().unwrap();
        intake.gather(long);
        intake.take(&mut Vec::new());
        intake.gather(Duration::ZERO);
    }
}
