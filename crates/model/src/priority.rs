//! Alarm priority: four levels as in China's warning colours, and diagnostics.

use serde::{Deserialize, Serialize};

/// Priority of an alarm. On wires and in SQL it is its number, 1 (red) to 5 (diagnostic).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
#[repr(u8)]
pub enum Priority {
    /// Ⅰ red: danger to life, act at once.
    I = 1,
    /// Ⅱ orange.
    II = 2,
    /// Ⅲ yellow.
    III = 3,
    /// Ⅳ blue.
    IV = 4,
    /// About the measuring system itself: stale, stuck, clock skew, platform blind.
    Diagnostic = 5,
}

impl From<Priority> for u8 {
    fn from(p: Priority) -> Self {
        p as u8
    }
}

impl TryFrom<u8> for Priority {
    type Error = String;
    fn try_from(n: u8) -> Result<Self, String> {
        Ok(match n {
            1 => Self::I,
            2 => Self::II,
            3 => Self::III,
            4 => Self::IV,
            5 => Self::Diagnostic,
            _ => return Err(format!("priority {n} is not 1 to 5")),
        })
    }
}
