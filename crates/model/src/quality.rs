//! Quality of a value, with the words of OPC UA.

use serde::{Deserialize, Serialize};

/// How far a value may be trusted (OPC UA Part 8, StatusCode severity).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Quality {
    /// The value may be used.
    #[default]
    Good = 0,
    /// The value may be used with care.
    Uncertain = 1,
    /// The value must not be used: a rule sees "unknown".
    Bad = 2,
}

impl Quality {
    /// From the number that journal and historian store; unknown numbers read as bad.
    pub const fn from_u8(n: u8) -> Self {
        match n {
            0 => Self::Good,
            1 => Self::Uncertain,
            _ => Self::Bad,
        }
    }

    /// The word used on every wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Uncertain => "uncertain",
            Self::Bad => "bad",
        }
    }
}
