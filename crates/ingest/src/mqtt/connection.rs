//! One connection: the socket around a [`Session`]. One poll loop: commits, write, read, hand over.

mod timer;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use model::Time;
use runtime::Watermark;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::door::Seat;
use super::outgoing::Close;
use super::session::{Actions, Loss, Session, Step};
use super::topics::Site;
use super::verdict::{self, Verdict};
use super::waiting::{Held, Pace};
use crate::Batch;

/// Rounds of one poll before others get a turn.
const ROUNDS_MAX: usize = 8;
/// Unwritten bytes at which reading stops.
const SEND_MAX: usize = 256 * 1024;
/// A client that takes none of them for this long is cut.
const SEND_PATIENCE: Duration = Duration::from_secs(30);
/// How long a connection that ends waits for its last commits.
const LINGER: Duration = Duration::from_secs(2);
/// First and longest wait before a batch is offered to a full hall again.
const RETRY: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(40));
/// QoS 0 readings wait this long for a full hall, then they are dropped and counted.
const QOS0_PATIENCE: Duration = Duration::from_secs(1);
/// The read buffer of every worker thread.
const SCRATCH: usize = 64 * 1024;

thread_local! {
    /// Per thread and not per connection: an idle connection costs 1.5 KiB, not 64.
    static READ: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH]);
}

/// Who is on the other end.
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    pub(super) certificate: Vec<String>,
}

impl Peer {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, certificate: Vec::new() }
    }
}

/// Serves one connection to its end.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send>(stream: S, seat: Seat, peer: Peer) {
    let mut connection = Connection::new(stream, seat, peer);
    std::future::poll_fn(|cx| connection.poll(cx)).await;
    connection.finish().await;
}

struct Connection<S> {
    stream: S,
    seat: Seat,
    peer: Peer,
    session: Session,
    site: Site,
    mark: Arc<Watermark>,
    seen: u64,
    handed: u64,
    carry: Vec<u8>,
    /// `carry` holds whole packets that wait for a verdict or a commit, not for more bytes.
    blocked: bool,
    out: Actions,
    written: usize,
    held: Option<Held>,
    verdict: Option<Verdict>,
    timer: Pin<Box<Sleep>>,
    heard: Instant,
    progress: Instant,
    closing: Option<Instant>,
    pace: Option<Pace>,
    subscriber: Option<u64>,
    waits_for_room: bool,
    ended: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    fn new(stream: S, seat: Seat, peer: Peer) -> Self {
        let now = Instant::now();
        let limits = seat.house.limits.clone();
        let deadline = now + Duration::from_micros(limits.connect_deadline_us.unsigned_abs());
        let pace = (limits.rate_max > 0).then(|| Pace {
            tokens: f64::from(limits.rate_max),
            at: now,
            over_since: None,
            paused_until: None,
        });
        Self {
            site: seat.house.site(),
            session: Session::new(limits),
            stream,
            seat,
            peer,
            mark: Arc::new(Watermark::new()),
            seen: 0,
            handed: 0,
            carry: Vec::new(),
            blocked: false,
            out: Actions::default(),
            written: 0,
            held: None,
            verdict: None,
            timer: Box::pin(tokio::time::sleep_until(deadline)),
            heard: now,
            progress: now,
            closing: None,
            pace,
            subscriber: None,
            waits_for_room: false,
            ended: false,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.seat.inbox.register(cx.waker());
        for _ in 0..ROUNDS_MAX {
            self.poll_verdict(cx);
            self.hear_others();
            self.retry_held();
            self.feed_carry();
            // After everything that can add to the queue: from here on the watermark knows whom to wake.
            let committed = self.poll_commit(cx);
            if self.poll_write(cx).is_err() || self.ended {
                return Poll::Ready(());
            }
            if self.session.is_closing() {
                if self.poll_closing() {
                    return Poll::Ready(());
                }
                return self.poll_timer(cx);
            }
            let goes_on = self.poll_read(cx) || (committed && self.blocked);
            if !goes_on {
                return self.poll_timer(cx);
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_verdict(&mut self, cx: &mut Context<'_>) {
        let Some(verdict) = &mut self.verdict else { return };
        let Poll::Ready(answer) = verdict.as_mut().poll(cx) else { return };
        self.verdict = None;
        match answer {
            Ok(admission) => {
                self.subscriber = Some(self.seat.house.outgoing.join(self.seat.inbox.clone()));
                self.session.admit(admission, &self.site, &mut self.out);
            }
            Err(refusal) => {
                verdict::turned_away(&refusal, &self.seat.house, &self.peer.address);
                self.session.refuse(refusal.reason, &refusal.text, &mut self.out);
            }
        }
        self.heard = Instant::now();
        self.act();
    }

    /// Take-over, stop, and messages for a subscriber.
    fn hear_others(&mut self) {
        while self.seat.inbox.has_news() {
            let (open, room) = (self.session.is_open(), self.session.can_deliver());
            let blocked = self.out.send.len() > SEND_MAX;
            let (next, close, overflow) = self.seat.inbox.take(|qos| open && !blocked && (qos == 0 || room));
            match close {
                Some(Close::TakenOver) => self.session.close(0x8e, Loss::TakenOver),
                Some(Close::Stopping) => self.session.close(0x8b, Loss::Stopping),
                None if overflow => {
                    self.seat.house.counters.turned_away("slow_subscriber");
                    self.session.close(0x97, Loss::Fault);
                }
                None => {}
            }
            if blocked {
                // Looked at again when the socket has taken some of it.
                self.waits_for_room = true;
            }
            let Some(next) = next else { break };
            let message = &next.message;
            let sent = self.session.deliver((&message.topic, &message.payload), next.qos, next.retained, &mut self.out);
            if !sent {
                self.seat.house.counters.undeliverable.add(1);
            }
        }
    }

    /// Acknowledges what is committed; true if that was anything.
    fn poll_commit(&mut self, cx: &mut Context<'_>) -> bool {
        let mut any = false;
        while self.session.waiting() > 0 {
            let Poll::Ready(upto) = self.mark.poll_above(cx, self.seen) else { break };
            any = true;
            self.seen = upto;
            if upto == Watermark::FAILED {
                // Nothing may be acknowledged any more: what was not synced may be gone (fsyncgate).
                self.session.close(0x83, Loss::Fault);
                self.closing = Some(Instant::now() - LINGER);
                break;
            }
            self.session.committed(upto, &mut self.out);
            self.act();
        }
        any
    }

    /// Hands over what a feed brought, and does the rare things.
    fn act(&mut self) {
        let queued = self.session.queued();
        let mut batch = std::mem::take(&mut self.out.batch);
        if queued > self.handed {
            self.handed = queued;
            batch.done = Some((self.mark.clone(), queued));
        }
        if !self.out.notes.is_empty() {
            self.report();
        }
        if !batch.is_empty() {
            self.seat.house.counters.offer(&batch);
            self.hand_over(batch);
        }
        for step in std::mem::take(&mut self.out.steps) {
            self.step(step);
        }
    }

    fn hand_over(&mut self, batch: Batch) {
        let readings = batch.readings.len();
        match (self.seat.house.deps.submit)(batch) {
            Ok(()) => self.seat.house.counters.accept(readings),
            Err(batch) => {
                let now = Instant::now();
                let wait = RETRY.0;
                match &mut self.held {
                    // Only a connection's end adds to a held batch; its links and will follow what is there.
                    Some(held) => held.absorb(batch),
                    None => self.held = Some(Held { batch, since: now, retry: now + wait, wait }),
                }
            }
        }
    }

    fn retry_held(&mut self) {
        let Some(mut held) = self.held.take() else { return };
        let now = Instant::now();
        if now < held.retry {
            self.held = Some(held);
            return;
        }
        let only_qos0 = held.batch.done.is_none() && held.batch.links.is_empty();
        if only_qos0 && now.duration_since(held.since) > QOS0_PATIENCE {
            self.shed(&mut held.batch);
        }
        let readings = held.batch.readings.len();
        match (self.seat.house.deps.submit)(held.batch) {
            Ok(()) => self.seat.house.counters.accept(readings),
            Err(batch) if batch.shed > 0 && batch.links.is_empty() && batch.done.is_none() => {}
            Err(batch) => {
                let wait = (held.wait * 2).min(RETRY.1);
                self.held = Some(Held { batch, retry: now + wait, wait, since: held.since });
            }
        }
    }

    fn shed(&self, batch: &mut Batch) {
        self.seat.house.counters.shed(batch.readings.len());
        batch.shed += batch.readings.len() as u64;
        batch.readings.clear();
    }

    fn report(&mut self) {
        let house = &self.seat.house;
        let gateway = self.session.client_id().map_or("", |id| id);
        verdict::report(&mut self.out.notes, &house.deps, &house.counters, gateway);
    }

    fn step(&mut self, step: Step) {
        let house = &self.seat.house;
        match step {
            Step::Verify(request) => {
                let names = (self.peer.address, self.peer.certificate.clone());
                self.verdict =
                    Some(verdict::verify(house.clone(), self.seat.inbox.clone(), self.seat.key(), *request, names));
            }
            Step::Subscribe(filters) => {
                if let Some(key) = self.subscriber {
                    house.outgoing.subscribe(key, filters);
                }
            }
            Step::Unsubscribe(filters) => {
                if let Some(key) = self.subscriber {
                    house.outgoing.unsubscribe(key, &filters);
                }
            }
            Step::Save => {
                if let (Some(id), Some(record)) = (self.session.client_id(), self.session.record(None)) {
                    house.book.note(id, Some(record));
                }
            }
        }
    }

    /// Bytes that waited for a verdict, a commit or room.
    fn feed_carry(&mut self) {
        if !self.blocked || !self.may_read() || self.session.is_closing() {
            return;
        }
        let carry = std::mem::take(&mut self.carry);
        let used = self.feed(&carry);
        if used < carry.len() {
            self.carry = if used == 0 { carry } else { carry[used..].to_vec() };
        }
        self.blocked = !self.carry.is_empty() && self.session.is_stalled();
        self.act();
    }

    fn feed(&mut self, bytes: &[u8]) -> usize {
        let house = &self.seat.house;
        if house.is_old(&self.site) {
            self.site = house.site();
        }
        let before = self.out.batch.offered;
        let used = self.session.feed(bytes, Time(runtime::unix_now()), &self.site, &mut self.out);
        if let Some(pace) = &mut self.pace {
            let cut = pace.spend(self.out.batch.offered - before, &house.limits);
            if cut {
                house.counters.turned_away("rate");
                self.session.close(0x96, Loss::Fault);
            }
        }
        used
    }

    fn may_read(&self) -> bool {
        let paused = self.pace.as_ref().is_some_and(|p| p.paused_until.is_some_and(|until| Instant::now() < until));
        self.held.is_none()
            && self.verdict.is_none()
            && !paused
            && self.out.send.len() - self.written <= SEND_MAX
            && !self.session.is_stalled()
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> std::io::Result<()> {
        let mut wrote = false;
        while self.written < self.out.send.len() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.out.send[self.written..]) {
                Poll::Ready(Ok(0)) => return Err(std::io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(n)) => self.written += n,
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
            wrote = true;
        }
        if wrote {
            self.progress = Instant::now();
            // TLS keeps what it has encrypted until it is flushed.
            let _ = Pin::new(&mut self.stream).poll_flush(cx)?;
        }
        if self.written == self.out.send.len() {
            self.written = 0;
            self.out.send.clear();
            if self.out.send.capacity() > 4_096 {
                self.out.send = Vec::new();
            }
            self.seat.inbox.look_again();
            if std::mem::take(&mut self.waits_for_room) {
                cx.waker().wake_by_ref();
            }
        }
        Ok(())
    }

    /// One read. False: nothing to read now, or reading must wait.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.may_read() {
            return false;
        }
        READ.with_borrow_mut(|scratch| {
            let have = self.carry.len();
            if scratch.len() < have + SCRATCH / 2 {
                scratch.resize(have + SCRATCH, 0);
            }
            let mut buffer = ReadBuf::new(&mut scratch[have..]);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return false,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(_) => {
                    self.session.closed();
                    return true;
                }
            }
            let end = have + buffer.filled().len();
            scratch[..have].copy_from_slice(&self.carry);
            self.heard = Instant::now();
            let used = self.feed(&scratch[..end]);
            self.carry.clear();
            self.carry.extend_from_slice(&scratch[used..end]);
            if self.carry.is_empty() && self.carry.capacity() > 4_096 {
                self.carry = Vec::new();
            }
            self.blocked = !self.carry.is_empty() && self.session.is_stalled();
            self.act();
            true
        })
    }

    /// True: acknowledged what is committed, said the last word, done.
    fn poll_closing(&mut self) -> bool {
        let since = *self.closing.get_or_insert_with(Instant::now);
        let waited = since.elapsed() >= LINGER;
        let busy = self.session.waiting() > 0 || self.held.is_some();
        (!busy || waited) && self.verdict.is_none()
    }

    /// Links down, will, session record; what the hall does not take in time is counted.
    async fn finish(mut self) {
        let house = self.seat.house.clone();
        if let Some(fault) = self.session.fault() {
            verdict::cut(fault, &house, &self.peer.address, self.session.client_id());
        }
        self.session.farewell(&mut self.out.send);
        let unsent = self.out.send.split_off(self.written.min(self.out.send.len()));
        if !unsent.is_empty() {
            use tokio::io::AsyncWriteExt;
            let _ = tokio::time::timeout(LINGER, self.stream.write_all(&unsent)).await;
        }
        let _ = tokio::time::timeout(LINGER, tokio::io::AsyncWriteExt::shutdown(&mut self.stream)).await;
        if let Some(key) = self.subscriber {
            house.outgoing.leave(key);
        }
        let now = Time(runtime::unix_now());
        self.session.lost(now, &self.site, &mut self.out);
        self.act();
        if let Some(id) = self.session.client_id() {
            house.book.note(id, self.session.record(Some(now)));
            house.book.leave(id, &self.seat.inbox);
        }
        let deadline = Instant::now() + LINGER;
        while let Some(held) = &self.held {
            if Instant::now() > deadline {
                break;
            }
            tokio::time::sleep_until(held.retry).await;
            self.retry_held();
        }
        if let Some(mut held) = self.held.take() {
            self.shed(&mut held.batch);
        }
    }
}
