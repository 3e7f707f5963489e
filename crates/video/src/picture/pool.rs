//! The thread that decodes. It may hang or break over what a camera sends; then another takes its place.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bytes::Bytes;
use parking_lot::Mutex;
use runtime::{Counter, Metrics, Tasks};

use super::{BUSY, TOO_SLOW, UNDECODABLE, Why, decode, jpeg};
use crate::frame::Frame;

/// Pictures that wait.
const WAITING_MAX: usize = 64;
/// A decoder that is busy with one picture for this long is given up, microseconds; HD takes 30 ms.
const BUSY_MAX_US: i64 = 2_000_000;
/// Threads that were given up; after these nothing is decoded any more, for each may still burn a core.
const GIVEN_UP_MAX: u32 = 3;
/// Below whatever receives, records and alarms.
const NICE: i32 = 15;

/// A picture as JPEG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Still {
    /// The bytes.
    pub jpeg: Bytes,
    /// When it was received, microseconds since the epoch.
    pub received_us: i64,
}

type Done = Box<dyn FnOnce(Result<Still, Why>) + Send>;

struct Job {
    frame: Arc<Frame>,
    done: Done,
}

struct Worker {
    jobs: SyncSender<Job>,
    /// Since when it is busy with one picture; 0: it is not.
    busy_since: Arc<AtomicI64>,
}

/// Decodes key frames. Cloning shares it.
#[derive(Clone)]
pub struct Decoding {
    worker: Arc<Mutex<Worker>>,
    given_up: Arc<AtomicU32>,
    counts: Counts,
}

#[derive(Clone)]
struct Counts {
    made: Counter,
    failed: Counter,
    refused: Counter,
    given_up: Counter,
}

impl Decoding {
    /// Starts its thread.
    ///
    /// # Errors
    /// The operating system's.
    pub fn start(metrics: &Metrics) -> std::io::Result<Self> {
        let counter = |result: &str| {
            metrics.counter("fenghuo_pictures_total", &format!("result=\"{result}\""), "Key frames wanted as pictures.")
        };
        let counts = Counts {
            made: counter("made"),
            failed: counter("undecodable"),
            refused: counter("busy"),
            given_up: metrics.counter("fenghuo_decoders_given_up_total", "", "Decoder threads that did not come back."),
        };
        let worker = Arc::new(Mutex::new(worker(&counts, decode_to_jpeg)?));
        Ok(Self { worker, given_up: Arc::default(), counts })
    }

    /// Makes a picture of a key frame; `done` is called on the decoder's thread, never here.
    ///
    /// # Errors
    /// `BUSY` when too many wait, `TOO_SLOW` when decoding was given up.
    pub fn make(&self, frame: Arc<Frame>, done: impl FnOnce(Result<Still, Why>) + Send + 'static) -> Result<(), Why> {
        let mut worker = self.worker.lock();
        if self.given_up.load(Ordering::Acquire) >= GIVEN_UP_MAX {
            return Err(TOO_SLOW);
        }
        let since = worker.busy_since.load(Ordering::Acquire);
        if since > 0 && runtime::unix_now() - since > BUSY_MAX_US {
            self.replace(&mut worker);
        }
        worker.jobs.try_send(Job { frame, done: Box::new(done) }).map_err(|_| {
            self.counts.refused.add(1);
            BUSY
        })
    }

    fn replace(&self, old: &mut Worker) {
        tracing::error!("a decoder does not come back; another takes its place");
        self.counts.given_up.add(1);
        self.given_up.fetch_add(1, Ordering::AcqRel);
        match worker(&self.counts, decode_to_jpeg) {
            Ok(new) => *old = new,
            Err(error) => tracing::error!(%error, "no thread for a decoder"),
        }
    }
}

fn worker(counts: &Counts, make: fn(&Frame) -> Result<Still, Why>) -> std::io::Result<Worker> {
    let (jobs, waiting) = sync_channel(WAITING_MAX);
    let busy_since = Arc::new(AtomicI64::new(0));
    let (busy, counts) = (busy_since.clone(), counts.clone());
    Tasks::thread("pictures", move || work(&waiting, &busy, &counts, make))?;
    Ok(Worker { jobs, busy_since })
}

fn work(waiting: &Receiver<Job>, busy: &AtomicI64, counts: &Counts, make: fn(&Frame) -> Result<Still, Why>) {
    // On Linux this is the thread's own.
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "the decoder keeps its priority");
    }
    while let Ok(Job { frame, done }) = waiting.recv() {
        busy.store(runtime::unix_now(), Ordering::Release);
        let result = catch_unwind(AssertUnwindSafe(|| make(&frame))).unwrap_or(Err(UNDECODABLE));
        busy.store(0, Ordering::Release);
        if result.is_ok() {
            counts.made.add(1)
        } else {
            counts.failed.add(1)
        }
        done(result);
    }
}

fn decode_to_jpeg(frame: &Frame) -> Result<Still, Why> {
    let jpeg = jpeg::encode(&decode(frame)?)?.into();
    Ok(Still { jpeg, received_us: frame.received_us })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::frame::{Codec, Track};

    fn frame(bytes: &'static [u8]) -> Arc<Frame> {
        let track = Track {
            codec: Codec::H264,
            rfc6381: String::new(),
            width: 352,
            height: 288,
            clock_hz: 90_000,
            sample_entry: Bytes::new(),
        };
        let bytes = Bytes::from_static(bytes);
        Arc::new(Frame {
            track: Arc::new(track),
            bytes,
            rtp: 0,
            received_us: 7,
            received: Instant::now(),
            key: true,
            loss: 0,
        })
    }

    fn make(frame: &Frame) -> Result<Still, Why> {
        match &frame.bytes[..] {
            b"panic" => panic!("hostile"),
            b"hang" => loop {
                std::thread::park();
            },
            _ => Ok(Still { jpeg: frame.bytes.clone(), received_us: frame.received_us }),
        }
    }

    fn pool() -> Decoding {
        let real = Decoding::start(&Metrics::default()).unwrap();
        *real.worker.lock() = worker(&real.counts, make).unwrap();
        real
    }

    fn asked(pool: &Decoding, bytes: &'static [u8]) -> mpsc::Receiver<Result<Still, Why>> {
        let (tell, told) = mpsc::channel();
        let refused = tell.clone();
        if let Err(why) = pool.make(frame(bytes), move |r| drop(tell.send(r))) {
            let _ = refused.send(Err(why));
        }
        told
    }

    #[test]
    fn a_panic_over_one_picture_is_that_pictures_own() {
        let pool = pool();
        let broken = asked(&pool, b"panic");
        let next = asked(&pool, b"fine");
        assert_eq!(broken.recv_timeout(Duration::from_secs(5)), Ok(Err(UNDECODABLE)));
        assert!(next.recv_timeout(Duration::from_secs(5)).unwrap().is_ok());
    }

    #[test]
    fn a_decoder_that_hangs_is_replaced_and_at_last_nothing_is_decoded() {
        let pool = pool();
        for n in 1..=GIVEN_UP_MAX {
            let hung = asked(&pool, b"hang");
            while pool.worker.lock().busy_since.load(Ordering::Acquire) == 0 {
                std::thread::yield_now();
            }
            pool.worker.lock().busy_since.store(1, Ordering::Release);
            let _next = asked(&pool, b"nothing");
            assert_eq!(pool.given_up.load(Ordering::Acquire), n);
            assert!(hung.try_recv().is_err());
            *pool.worker.lock() = worker(&pool.counts, make).unwrap();
        }
        assert_eq!(asked(&pool, b"fine").recv(), Ok(Err(TOO_SLOW)));
    }

    #[test]
    fn what_is_no_picture_is_said_so() {
        let pool = Decoding::start(&Metrics::default()).unwrap();
        assert_eq!(asked(&pool, b"no").recv_timeout(Duration::from_secs(5)), Ok(Err(UNDECODABLE)));
    }

    #[test]
    fn more_than_may_wait_are_refused_at_once() {
        let pool = pool();
        let _hung = asked(&pool, b"hang");
        let waiting: Vec<_> = (0..WAITING_MAX + 2).map(|_| asked(&pool, b"fine")).collect();
        assert!(waiting.iter().any(|w| w.try_recv() == Ok(Err(BUSY))));
        assert!(pool.counts.refused.get() > 0);
    }
}
