//! What is watched: enterprises and their units, and the teams that answer.

use serde::{Deserialize, Serialize};

/// A watched firm or premises.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Enterprise {
    /// Stable id, as in topics: `[a-z0-9_-]+`.
    pub id: String,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
    /// Kind: `chemical`, `industrial`, `fire_safety_key_unit`, `key_premises`.
    pub kind: String,
    /// Postal address.
    pub address: String,
    /// WGS-84 longitude and latitude in degrees.
    pub position: Option<(f64, f64)>,
    /// Contact person on duty there, with telephone.
    pub contact: String,
    /// Parts of the site.
    pub units: Vec<Unit>,
}

/// A part of an enterprise: a tank, a workshop, a floor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// Id, unique within the enterprise.
    pub id: String,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
}

/// A unit that can be sent: a fire brigade, a rescue team, a town office.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Team {
    /// Stable id.
    pub id: String,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
    /// Telephone of the person on duty.
    pub telephone: String,
}

/// The four usual limits of a tag, in its unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Low-low.
    pub ll: Option<f64>,
    /// Low.
    pub l: Option<f64>,
    /// High.
    pub h: Option<f64>,
    /// High-high.
    pub hh: Option<f64>,
}
