//! The audit chain: one row per fact and per administrative act, each hash over the one before.
//!
//! `hash = SHA-256(previous hash ‖ fields)`, every field of a fixed width or with its length before it, so that no two
//! different rows have the same encoding. A fact's row hashes the stored event with it: changing either is found.
//! What the chain alone cannot show is a cut at its very end; for that, keep the head (`GET /audit/head`) elsewhere.

use model::Time;
use sha2::{Digest, Sha256};

/// One hash of the chain.
pub type Hash = [u8; 32];

/// Hash before the first row.
pub const GENESIS: Hash = [0; 32];

/// The newest row of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number; 0: the chain is empty.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
    /// When it was written.
    pub at: Time,
}

impl Head {
    /// The head of an empty chain.
    pub const EMPTY: Self = Self { seq: 0, hash: GENESIS, at: Time(0) };
}

/// The hash in hexadecimal, as shown and compared by people.
pub fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The stored event a fact's row vouches for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vouched<'a> {
    pub seq: i64,
    pub committed_at: i64,
    pub kind: i64,
    pub subject: i64,
    pub previous: Option<i64>,
    pub json: &'a str,
}

/// One row before it is hashed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AuditRow<'a> {
    pub seq: u64,
    pub at: i64,
    pub account: &'a str,
    pub action: &'a str,
    pub subject: &'a str,
    pub detail: &'a str,
    pub event: Option<Vouched<'a>>,
}

impl AuditRow<'_> {
    pub(crate) fn hash(&self, previous: &Hash) -> Hash {
        let mut sha = Sha256::new();
        sha.update(previous);
        sha.update(self.seq.to_le_bytes());
        sha.update(self.at.to_le_bytes());
        for text in [self.account, self.action, self.subject, self.detail] {
            field(&mut sha, text.as_bytes());
        }
        if let Some(event) = &self.event {
            for number in [event.seq, event.committed_at, event.kind, event.subject] {
                sha.update(number.to_le_bytes());
            }
            sha.update([event.previous.is_some() as u8]);
            sha.update(event.previous.unwrap_or(0).to_le_bytes());
            field(&mut sha, event.json.as_bytes());
        }
        sha.finalize().into()
    }
}

fn field(sha: &mut Sha256, bytes: &[u8]) {
    sha.update((bytes.len() as u64).to_le_bytes());
    sha.update(bytes);
}
