//! Every promise on a wire: WebSocket frames, REST bodies, errors, permissions. Versioned; source of the OpenAPI.

mod alarms;
mod body;
mod cameras;
mod csv;
mod flow_view;
mod frame;
mod live;
mod orders;
mod people;
mod permission;
mod problem;
mod review;
mod timeline;
mod value_json;
mod work;
mod work_body;

pub use alarms::{AcknowledgementView, ActorView, AlarmView, ShelveRequestView, ShelvingView};
pub use body::*;
pub use cameras::*;
pub use csv::{csv_head_of_items, csv_of_items, csv_of_life};
pub use flow_view::*;
pub use frame::{
    AlarmFrame, ClientFrame, ExerciseFrame, Heartbeat, Hello, Names, NoticeFrame, OrderFrame, ReadingView,
    ReadingsFrame, SnapshotRequired, Sources, encode_fact, settle,
};
pub use live::*;
pub use orders::*;
pub use people::*;
pub use permission::{Permission, allowed, permissions};
pub use problem::{Code, Problem, code};
pub use review::{PastGap, ReviewGap, ReviewView};
pub use value_json::{fields_json, read_fields, value_json};
pub use work::*;
pub use work_body::*;

/// Version of the outside contract; in `hello` and in the OpenAPI.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
