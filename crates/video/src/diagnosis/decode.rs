//! One key frame decoded in process: pure Rust, behind `catch_unwind`, in a thread that is left behind when it takes too long.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use runtime::Tasks;
use rusty_h264::Decoder;

/// A key frame larger than this is not decoded.
const BYTES_MAX: usize = 4 << 20;
/// Threads that decode or were left behind; no more are started.
const THREADS_MAX: u32 = 4;

/// A decoded picture's luma.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Luma {
    /// Width.
    pub width: usize,
    /// Height.
    pub height: usize,
    /// Rows without padding.
    pub pixels: Vec<u8>,
}

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than a key frame has.
    #[error("the key frame has {0} bytes, more than {BYTES_MAX}")]
    TooLarge(usize),
    /// The decoder refuses it, or finds no picture.
    #[error("the key frame does not decode: {0}")]
    Refused(String),
    /// The decoder has a fault; its panic was caught.
    #[error("the decoder panicked")]
    Panicked,
    /// It took longer than allowed.
    #[error("decoding took longer than {0:?}")]
    TooLong(Duration),
    /// All threads are busy or were left behind.
    #[error("{THREADS_MAX} decoders are at work or stuck")]
    Busy,
}

/// Decodes Annex B parameter sets and one key frame within a time limit. Blocks: call it from a thread that may wait.
///
/// # Errors
/// [`DecodeError`]; a camera's bytes end nothing else.
pub fn luma(annex_b: Vec<u8>, limit: Duration, at_work: &Arc<AtomicU32>) -> Result<Luma, DecodeError> {
    if annex_b.len() > BYTES_MAX {
        return Err(DecodeError::TooLarge(annex_b.len()));
    }
    let place = Place::take(at_work).ok_or(DecodeError::Busy)?;
    let (tell, told) = sync_channel(1);
    let work = move || {
        let _place = place;
        // Nobody listens after the time limit.
        let _ = tell.send(guarded(&annex_b));
    };
    Tasks::thread("key frame decoder", work).map_err(|_| DecodeError::Busy)?;
    match told.recv_timeout(limit) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(DecodeError::TooLong(limit)),
        Err(RecvTimeoutError::Disconnected) => Err(DecodeError::Panicked),
    }
}

fn guarded(annex_b: &[u8]) -> Result<Luma, DecodeError> {
    let decoded = catch_unwind(AssertUnwindSafe(|| Decoder::new().decode(annex_b)));
    let frame = decoded.map_err(|_| DecodeError::Panicked)?.map_err(|e| DecodeError::Refused(format!("{e:?}")))?;
    let frame = frame.ok_or_else(|| DecodeError::Refused("no picture".to_owned()))?;
    Ok(Luma { width: frame.width, height: frame.height, pixels: frame.y })
}

/// One of the threads allowed; given back when the thread ends, however late.
struct Place(Arc<AtomicU32>);

impl Place {
    fn take(at_work: &Arc<AtomicU32>) -> Option<Self> {
        let more = |n: u32| (n < THREADS_MAX).then_some(n + 1);
        at_work.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(Self(at_work.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_picture_are_refused() {
        let at_work = Arc::default();
        for bytes in [vec![], vec![0; 100], vec![0, 0, 0, 1, 0x65, 1, 2, 3], (0..=255).collect()] {
            let result = luma(bytes.clone(), Duration::from_secs(5), &at_work);
            assert!(matches!(result, Err(DecodeError::Refused(_) | DecodeError::Panicked)), "{bytes:?}: {result:?}");
        }
        assert_eq!(luma(vec![0; BYTES_MAX + 1], Duration::ZERO, &at_work), Err(DecodeError::TooLarge(BYTES_MAX + 1)));
        at_work.store(THREADS_MAX, Ordering::Release);
        assert_eq!(luma(vec![], Duration::ZERO, &at_work), Err(DecodeError::Busy));
    }
}
