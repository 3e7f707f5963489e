//! Records of the redo log that the tables do not have yet.

use crate::StoreError;
use crate::redo::Body;

/// Their bodies, oldest first, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Unsettled {
    bytes: Vec<u8>,
    /// Number of each record, and where its body ends.
    ends: Vec<(u64, usize)>,
}

impl Unsettled {
    pub fn push(&mut self, number: u64, body: &[u8]) {
        self.bytes.extend_from_slice(body);
        self.ends.push((number, self.bytes.len()));
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The number of the newest one.
    pub fn newest(&self) -> u64 {
        self.ends.last().map_or(0, |(number, _)| *number)
    }

    pub fn bodies(&self) -> Result<Vec<Body<'_>>, StoreError> {
        let mut start = 0;
        let body = |(number, end): &(u64, usize)| {
            let bytes = &self.bytes[std::mem::replace(&mut start, *end)..*end];
            Body::parse(*number, bytes)
        };
        self.ends.iter().map(body).collect()
    }

    /// Forgets them, and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}
