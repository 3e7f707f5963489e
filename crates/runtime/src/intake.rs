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
    waiting: bool,
    closed: bool,
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
        let state = State { items: Vec::new(), weight: 0, waiting: false, closed: false };
        Self { state: Mutex::new(state), arrived: Condvar::new(), weight_max }
    }

    /// Offers one item.
    pub fn offer(&self, item: T, weight: usize) -> Offer<T> {
        let mut state = self.state.lock();
        if state.closed {
            return Offer::Closed(item);
        }
        if state.weight > 0 && state.weight + weight > self.weight_max {
            return Offer::Full(item);
        }
        state.items.push(item);
        state.weight += weight;
        let wake = std::mem::take(&mut state.waiting);
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
        while state.items.is_empty() && !state.closed {
            state.waiting = true;
            if self.arrived.wait_until(&mut state, deadline).timed_out() {
                state.waiting = false;
                break;
            }
        }
        !(state.closed && state.items.is_empty())
    }

    /// Moves everything that is there into `into`, which must be empty.
    pub fn take(&self, into: &mut Vec<T>) {
        let mut state = self.state.lock();
        std::mem::swap(&mut state.items, into);
        state.weight = 0;
    }

    /// Wakes the hall without an item.
    pub fn nudge(&self) {
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
        assert!(matches!(intake.offer("a", 8), Offer::Taken));
        assert!(matches!(intake.offer("b", 8), Offer::Full("b")));
        intake.close();
        assert!(matches!(intake.offer("c", 1), Offer::Closed("c")));
        let mut got = Vec::new();
        assert!(intake.wait(Duration::ZERO));
        intake.take(&mut got);
        assert_eq!(got, ["a"]);
        assert!(!intake.wait(Duration::ZERO));
    }
}
