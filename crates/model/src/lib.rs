//! The field's vocabulary: time, readings, quality, priority, sites and people.
//! Every other room speaks these words; nothing here decides anything.
#![deny(missing_docs)]

mod directory;
mod people;
mod priority;
mod quality;
mod reading;
mod rfc3339;
mod site;
mod time;

pub use directory::{Directory, Gateways, TagEntry};
pub use people::{Actor, Role};
pub use priority::Priority;
pub use quality::Quality;
pub use reading::{GatewayIndex, Reading, ReadingFlags, TagIndex};
pub use rfc3339::{TimeFault, format_rfc3339, parse_rfc3339};
pub use site::{Enterprise, Limits, Team, Unit};
pub use time::Time;
