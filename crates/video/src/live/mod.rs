//! Live pictures: every stream fans out to the pages that show it; a page is one connection that carries many tiles.

mod channel;
mod packet;
mod page;
mod queue;
mod snapshot;
mod source;
mod timeline;

pub use channel::{Channel, Counts};
pub use packet::{CACHED, DROPPED, HEAD, KEY, Kind, Packet, head};
pub use page::{Mode, Page, TileState, Told, Watch, Which};
pub use queue::Limits;
pub use snapshot::snapshot;
pub use source::Source;
