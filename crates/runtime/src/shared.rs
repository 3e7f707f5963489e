//! A value that is replaced as a whole and read often: directories, settings, rule sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

/// Readers take an `Arc` snapshot; `version` tells cheaply whether theirs is still the newest.
#[derive(Debug, Default)]
pub struct Shared<T> {
    version: AtomicU64,
    value: RwLock<Arc<T>>,
}

impl<T> Shared<T> {
    /// A first value, version 0.
    pub fn new(value: T) -> Self {
        Self { version: AtomicU64::new(0), value: RwLock::new(Arc::new(value)) }
    }

    /// The newest value.
    pub fn load(&self) -> Arc<T> {
        self.value.read().clone()
    }

    /// Counts replacements.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Replaces the value.
    pub fn store(&self, value: Arc<T>) {
        *self.value.write() = value;
        self.version.fetch_add(1, Ordering::AcqRel);
    }
}
