//! One client's TCP connection as both the session and the pacer write to it: whole messages in order, a bounded remainder.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::fault::End;

/// What could not be sent at once, and how the connection ends.
#[derive(Debug, Default)]
struct Out {
    remainder: Vec<u8>,
    end: Option<End>,
}

/// A connection. Sending never waits.
#[derive(Debug)]
pub(super) struct Link {
    pub stream: TcpStream,
    pub peer: SocketAddr,
    out: Mutex<Out>,
    /// Somebody must look: there is a remainder, or an end.
    pub wake: Notify,
    over: AtomicBool,
    remainder_max: usize,
}

/// What became of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// In the kernel, or in the remainder.
    Taken,
    /// The reader is too slow: the connection is being cut.
    TooSlow,
    /// There is no connection any more.
    Over,
}

impl Link {
    pub fn new(stream: TcpStream, peer: SocketAddr, remainder_max: usize) -> Self {
        let out = Mutex::default();
        Self { stream, peer, out, wake: Notify::new(), over: AtomicBool::new(false), remainder_max }
    }

    /// Sends whole messages. What the kernel does not take waits, up to the bound.
    pub fn send(&self, bytes: &[u8]) -> Sent {
        if self.is_over() {
            return Sent::Over;
        }
        let mut out = self.out.lock();
        let taken = if out.remainder.is_empty() { self.try_write(bytes) } else { Ok(0) };
        let Ok(taken) = taken else {
            drop(out);
            self.finish(End::Rst);
            return Sent::Over;
        };
        if out.remainder.len() + bytes.len() - taken > self.remainder_max {
            drop(out);
            self.finish(End::Rst);
            return Sent::TooSlow;
        }
        if taken < bytes.len() {
            out.remainder.extend_from_slice(&bytes[taken..]);
            self.wake.notify_one();
        }
        Sent::Taken
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.stream.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            other => other,
        }
    }

    /// Sends what waits; true if nothing is left.
    pub fn flush(&self) -> io::Result<bool> {
        let mut out = self.out.lock();
        while !out.remainder.is_empty() {
            let taken = self.try_write(&out.remainder)?;
            if taken == 0 {
                return Ok(false);
            }
            out.remainder.drain(..taken);
        }
        Ok(true)
    }

    /// Asks for the end; the session's task carries it out.
    pub fn finish(&self, end: End) {
        self.out.lock().end.get_or_insert(end);
        self.over.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// How it ends, if it does.
    pub fn end(&self) -> Option<End> {
        self.out.lock().end
    }

    /// Whether nothing more is sent.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}
