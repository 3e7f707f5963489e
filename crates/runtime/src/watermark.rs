//! A count that only grows, and one task that waits for it: how a connection learns that its readings are committed.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// "Everything up to this number is durable." Written by the hall, awaited by one connection.
#[derive(Debug, Default)]
pub struct Watermark {
    value: AtomicU64,
    waker: Mutex<Option<std::task::Waker>>,
}

impl Watermark {
    /// The number after [`fail`](Self::fail): above every count.
    pub const FAILED: u64 = u64::MAX;

    /// What waits will never be durable: the commit failed. The waiter must not acknowledge anything any more.
    pub fn fail(&self) {
        self.advance(Self::FAILED);
    }

    /// Starts at 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number now.
    pub fn get(&self) -> u64 {
        self.value.load(Ordering::Acquire)
    }

    /// Moves it up (never down) and wakes the waiting task.
    pub fn advance(&self, to: u64) {
        self.value.fetch_max(to, Ordering::AcqRel);
        let waker = self.waker.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Wakes the waiting task without a change, for instance to stop.
    pub fn nudge(&self) {
        self.advance(0);
    }

    /// Ready with the number once it is above `seen`. For use inside a hand-written poll loop.
    pub fn poll_above(&self, cx: &mut std::task::Context<'_>, seen: u64) -> std::task::Poll<u64> {
        let now = self.get();
        if now > seen {
            return std::task::Poll::Ready(now);
        }
        *self.waker.lock() = Some(cx.waker().clone());
        // The hall may have advanced between the load and the registration.
        match self.get() {
            now if now > seen => std::task::Poll::Ready(now),
            _ => std::task::Poll::Pending,
        }
    }

    /// Waits until the number is above `seen`.
    pub async fn above(&self, seen: u64) -> u64 {
        std::future::poll_fn(|cx| self.poll_above(cx, seen)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn a_waiter_sees_the_advance_and_it_never_goes_back() {
        let mark = Arc::new(Watermark::new());
        let other = mark.clone();
        let thread = std::thread::spawn(move || other.advance(5));
        assert_eq!(mark.above(0).await, 5);
        thread.join().unwrap();
        mark.advance(3);
        assert_eq!(mark.get(), 5);
    }
}
