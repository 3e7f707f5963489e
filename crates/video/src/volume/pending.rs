//! What is written but not yet in the index: readers see it at once, the committer takes it once a second.

use std::collections::BTreeMap;

use crate::index::{Change, Gap, Segment};

/// Changes on their way into the index.
pub(crate) struct Pending {
    next_id: i64,
    open: BTreeMap<String, Segment>,
    changes: Vec<Change>,
    committing: Vec<Change>,
    closed: bool,
}

impl Pending {
    pub(super) fn new(next_id: i64) -> Self {
        Self { next_id, open: BTreeMap::new(), changes: Vec::new(), committing: Vec::new(), closed: false }
    }

    /// The next number of a segment.
    pub(super) fn number(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id - 1
    }

    /// A segment begins.
    pub(super) fn begin(&mut self, segment: Segment) {
        self.changes.push(Change::Segment(Box::new(segment.clone())));
        self.open.insert(segment.camera.clone(), segment);
    }

    /// The open segment of a camera.
    pub(super) fn open(&mut self, camera: &str) -> Option<&mut Segment> {
        self.open.get_mut(camera)
    }

    /// A segment ends.
    pub(super) fn end(&mut self, camera: &str) {
        if let Some(mut segment) = self.open.remove(camera) {
            segment.open = false;
            self.changes.push(Change::Segment(Box::new(segment)));
        }
    }

    /// Any other change.
    pub(super) fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Nothing more will come.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Everything to commit now: open segments as they are, too. Kept for readers until [`Pending::committed`].
    pub(super) fn take(&mut self) -> Vec<Change> {
        let open = self.open.values().map(|s| Change::Segment(Box::new(s.clone())));
        self.committing.append(&mut self.changes);
        self.committing.iter().cloned().chain(open).collect()
    }

    /// What was taken is in the tables.
    pub(super) fn committed(&mut self) {
        self.committing.clear();
    }

    /// Of one camera.
    pub(super) fn of(&self, camera: &str) -> Newest {
        let mine = |c: &&Change| match c {
            Change::Segment(s) => s.camera == camera,
            Change::Nothing(_) => false,
            Change::GapBegins(g) | Change::Gap(g) => g.camera == camera,
            Change::GapEnds { camera: c, .. } => c == camera,
        };
        let changes = self.committing.iter().chain(&self.changes).filter(mine).cloned().collect();
        Newest { changes, open: self.open.get(camera).cloned() }
    }

    /// A segment by number.
    pub(super) fn segment(&self, id: i64) -> Option<Segment> {
        let changed = self.changes.iter().rev().chain(self.committing.iter().rev()).find_map(|c| match c {
            Change::Segment(s) if s.id == id => Some(s.as_ref().clone()),
            _ => None,
        });
        self.open.values().find(|s| s.id == id).cloned().or(changed)
    }
}

/// What the index does not have yet of one camera.
pub(super) struct Newest {
    changes: Vec<Change>,
    open: Option<Segment>,
}

impl Newest {
    /// Laid over what the index has.
    pub(super) fn over(
        self,
        segments: Vec<Segment>,
        mut gaps: Vec<Gap>,
        from: i64,
        to: i64,
    ) -> (Vec<Segment>, Vec<Gap>) {
        let mut by_id: BTreeMap<i64, Segment> = segments.into_iter().map(|s| (s.id, s)).collect();
        for change in self.changes {
            match change {
                Change::Segment(s) => {
                    by_id.insert(s.id, *s);
                }
                Change::GapBegins(g) | Change::Gap(g) if !gaps.contains(&g) => gaps.push(g),
                Change::GapBegins(_) | Change::Gap(_) | Change::Nothing(_) => {}
                Change::GapEnds { at, .. } => {
                    gaps.retain(|g| g.t1.is_some() || g.t0 < at);
                    gaps.iter_mut().filter(|g| g.t1.is_none()).for_each(|g| g.t1 = Some(at));
                }
            }
        }
        by_id.extend(self.open.map(|s| (s.id, s)));
        let mut segments: Vec<_> = by_id.into_values().filter(|s| s.t0 < to && s.t1 > from).collect();
        segments.sort_by_key(|s| (s.t0, s.id));
        gaps.retain(|g| g.t0 < to && g.t1.is_none_or(|t1| t1 > from));
        gaps.sort_by_key(|g| g.t0);
        gaps.dedup();
        (segments, gaps)
    }
}
