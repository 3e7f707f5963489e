//! The engine's suite: one binary, one file per subject.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod alarms;
mod drills;
mod hall;
mod invariants;
mod life;
mod oracle;
mod script;
mod shift_change;
mod torture;
mod work;
