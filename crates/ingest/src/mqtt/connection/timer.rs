//! The one timer of a connection, re-armed lazily: CONNECT deadline, keep-alive, patience with a full hall or a slow reader.

use std::future::Future;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::super::session::Loss;
use super::{Connection, LINGER, SEND_PATIENCE};

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    fn deadline(&self) -> Instant {
        let limits = &self.seat.house.limits;
        let far = self.heard + Duration::from_secs(3_600);
        let mut next = match self.session.keep_alive_s() {
            0 if self.session.is_open() => far,
            0 => self.heard + Duration::from_micros(limits.connect_deadline_us.unsigned_abs()),
            // 1.5 times the keep-alive (MQTT-3.1.2-22).
            seconds => self.heard + Duration::from_millis(u64::from(seconds) * 1_500),
        };
        if let Some(held) = &self.held {
            next = next.min(held.retry);
        }
        if let Some(since) = self.closing {
            next = next.min(since + LINGER);
        }
        if self.out.send.len() > self.written {
            next = next.min(self.progress + SEND_PATIENCE);
        }
        match self.pace.as_ref().and_then(|p| p.paused_until) {
            Some(until) => next.min(until),
            None => next,
        }
    }

    /// Arms the timer only when it would fire too late; a keep-alive deadline that has moved is looked at when it fires.
    pub(super) fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let wanted = self.deadline();
        if wanted < self.timer.deadline() {
            self.timer.as_mut().reset(wanted);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            self.expire();
            if self.ended {
                return Poll::Ready(());
            }
            let next = self.deadline().max(Instant::now() + Duration::from_millis(1));
            self.timer.as_mut().reset(next);
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn expire(&mut self) {
        let now = Instant::now();
        if self.out.send.len() > self.written && now >= self.progress + SEND_PATIENCE {
            self.seat.house.counters.turned_away("stuck_reader");
            self.ended = true;
            return;
        }
        if let Some(pace) = &mut self.pace {
            pace.paused_until = pace.paused_until.filter(|until| *until > now);
        }
        if self.session.is_closing() || now < self.deadline_of_silence() {
            return;
        }
        if self.session.is_open() && !self.may_read() {
            // It may be sending; it is we who do not read.
            self.heard = now;
        } else if self.session.is_open() && self.session.keep_alive_s() > 0 {
            self.seat.house.counters.turned_away("keep_alive");
            self.session.close(0x8d, Loss::KeepAlive);
        } else if !self.session.is_open() && self.verdict.is_none() {
            self.seat.house.counters.turned_away("connect_deadline");
            self.ended = true;
        }
    }

    fn deadline_of_silence(&self) -> Instant {
        match self.session.keep_alive_s() {
            0 if self.session.is_open() => self.heard + Duration::from_secs(3_600),
            0 => self.heard + Duration::from_micros(self.seat.house.limits.connect_deadline_us.unsigned_abs()),
            seconds => self.heard + Duration::from_millis(u64::from(seconds) * 1_500),
        }
    }
}
