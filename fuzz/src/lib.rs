//! Shared by the fuzz targets: a small site.

use model::{Directory, Limits, TagEntry};

/// Two tags of one enterprise.
pub fn directory() -> Directory {
    let entry = |tag: &str, unit: &str, span| TagEntry {
        enterprise: "e".into(),
        tag: tag.into(),
        unit_id: String::new(),
        description_zh: String::new(),
        description_en: String::new(),
        unit: unit.into(),
        span,
        limits: Limits::default(),
        deadband: 0.0,
        on_delay_s: 0.0,
        off_delay_s: 0.0,
        period_s: None,
        retired: false,
    };
    Directory::new(1, Vec::new(), vec![entry("a", "ppm", Some((0.0, 100.0))), entry("b", "", None)])
}
