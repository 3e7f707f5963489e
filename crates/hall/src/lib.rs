//! The hall's one writer: a thread that takes what the doors and the people submit, steps the engine, commits, and only
//! then tells. A second thread relieves it while the disk does not answer, so that no alarm waits for a disk.

mod counted;
mod desk;
mod lag;
mod recover;
mod relief;
mod rules_file;
mod submission;
mod writer;

pub use recover::{NewNames, Recovery, StartError};
pub use submission::{Failure, Outputs, RecordChange, Reply, Submission, Told};
pub use writer::{Activation, Hall, Settings};
