//! Text to checked settings, sites and rules. All problems at once, each with file, line, key, found and wanted.

pub mod address;
mod camera;
mod conditions;
mod demo;
mod hall;
mod levels;
mod problem;
mod reader;
mod revision;
mod rules;
mod site;
mod source;
mod work;

pub use camera::{CameraText, Mode, Secret, SyncPolicy, VideoText, VolumeText};
pub use hall::{Account, Broker, Device, Historian, Http, Journal, JournalLocation, Mqtt, Settings, Tls};
pub use problem::{Problem, nearest};
pub use revision::{Known, Revision};
pub use rules::RuleText;
pub use site::{MappedValue, Mapping, Site, TagText};
pub use source::{Loaded, Source, load};
pub use work::{Temper, Work, WorkSource};
