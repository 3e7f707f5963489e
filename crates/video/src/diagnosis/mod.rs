//! Quality diagnosis (视频质量诊断): is what a camera sends a picture of its place? Stage 1 counts bytes of every frame and
//! costs nothing; stage 2 looks at one decoded key frame each half minute, sooner when stage 1 suspects something.
//! Pure: time is an argument, verdicts are data. `decode` alone runs a thread.

mod counters;
mod damp;
pub mod decode;
mod measures;
mod reference;
mod thresholds;

pub use counters::Note;
pub use damp::Change;
pub use measures::Measures;
pub use thresholds::{THRESHOLDS, Thresholds};

use counters::Counters;
use damp::Damp;
use reference::Reference;

/// What may be wrong with a camera's picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// 画面冻结: the same picture again and again.
    Frozen,
    /// 黑屏.
    Black,
    /// 过亮: blinded.
    WhiteOut,
    /// 遮挡: something hangs before the lens.
    Occluded,
    /// 移位: the camera looks elsewhere.
    Shifted,
    /// 模糊: out of focus.
    Blurred,
    /// 无信号: the encoder's placard.
    NoSignal,
    /// 断流: nothing arrives.
    Stalled,
}

impl Condition {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Frozen,
        Self::Black,
        Self::WhiteOut,
        Self::Occluded,
        Self::Shifted,
        Self::Blurred,
        Self::NoSignal,
        Self::Stalled,
    ];

    /// Stable name for tags, metrics and the journal.
    pub fn code(self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::Black => "black",
            Self::WhiteOut => "white-out",
            Self::Occluded => "occluded",
            Self::Shifted => "shifted",
            Self::Blurred => "blurred",
            Self::NoSignal => "no-signal",
            Self::Stalled => "stalled",
        }
    }
}

/// One camera under diagnosis. Times are microseconds of one clock.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    thresholds: Thresholds,
    counters: Counters,
    damp: Damp,
    reference: Reference,
    looked_at: Option<i64>,
    same: (u64, u32),
}

impl Diagnosis {
    /// Knows nothing of its place yet: it learns from the first good looks.
    pub fn new(thresholds: Thresholds) -> Self {
        Self {
            thresholds,
            counters: Counters::default(),
            damp: Damp::default(),
            reference: Reference::default(),
            looked_at: None,
            same: (0, 0),
        }
    }

    /// Stage 1, every frame. True: decode this key frame and hand its measures to [`Diagnosis::looked`].
    pub fn frame(&mut self, now: i64, note: Note) -> bool {
        let odd = self.counters.note(now, note, &self.thresholds);
        // A condition that stands is looked at as seldom as a good picture; only what may change is looked at sooner.
        let soon = self.damp.pending() || odd && self.damp.active().is_empty();
        let pause_s = if soon { self.thresholds.early_look_s } else { self.thresholds.look_s };
        note.key && self.looked_at.is_none_or(|at| now - at >= (pause_s * 1e6) as i64)
    }

    /// Stage 2, one decoded key frame. What changed, damped.
    pub fn looked(&mut self, now: i64, measures: &Measures) -> Vec<Change> {
        self.looked_at = Some(now);
        self.same = if self.same.0 == measures.hash { (measures.hash, self.same.1 + 1) } else { (measures.hash, 1) };
        let found = self.verdict(measures);
        if found.is_none() && self.damp.quiet() {
            self.reference.learn(measures, &self.thresholds);
        }
        let seen = Condition::ALL.into_iter().filter(|c| *c != Condition::Stalled);
        seen.filter_map(|c| self.damp.judge(now, c, found == Some(c), &self.thresholds)).collect()
    }

    /// Time went on; call it about once a second. Only silence changes by itself.
    pub fn tick(&mut self, now: i64) -> Option<Change> {
        let silent = self.counters.silent(now, &self.thresholds);
        self.damp.silence(now, silent)
    }

    /// What stands now.
    pub fn active(&self) -> Vec<Condition> {
        self.damp.active()
    }

    /// A person says that the camera was moved on purpose: its place is learned anew.
    pub fn relearn(&mut self) {
        self.reference = Reference::default();
    }

    /// The most telling condition; the order matters: a black picture is also blurred and occluded.
    fn verdict(&self, measures: &Measures) -> Option<Condition> {
        let t = &self.thresholds;
        let frozen = self.same.1 >= t.frozen_looks && self.counters.still(t);
        let plain = [
            (measures.p95 <= t.black_p95_max, Condition::Black),
            (measures.p05 >= t.white_p05_min, Condition::WhiteOut),
            (measures.flat_share >= t.placard_share_min, Condition::NoSignal),
            (frozen, Condition::Frozen),
        ];
        let plain = plain.into_iter().find_map(|(is, condition)| is.then_some(condition));
        plain.or_else(|| self.reference.compare(measures, t))
    }
}

#[cfg(test)]
mod labelled;
