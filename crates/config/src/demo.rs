//! The demo's configuration, embedded in the program: `fenghuo demo` needs no file.

use crate::{Source, WorkSource};

macro_rules! demo_file {
    ($path:literal) => {
        (concat!("config/demo/", $path).to_owned(), include_str!(concat!("../../../config/demo/", $path)).to_owned())
    };
}

macro_rules! plan_file {
    ($path:literal) => {
        (concat!("config/plans/", $path).to_owned(), include_str!(concat!("../../../config/plans/", $path)).to_owned())
    };
}

impl Source {
    /// The embedded demo.
    pub fn demo() -> Self {
        Self {
            settings: demo_file!("fenghuo.toml"),
            sites: vec![
                demo_file!("sites/chem-01.toml"),
                demo_file!("sites/metal-01.toml"),
                demo_file!("sites/mall-01.toml"),
            ],
            rules: vec![demo_file!("rules/hazards.toml")],
            work: WorkSource {
                profiles: vec![demo_file!("profiles/demo.toml")],
                plans: vec![
                    plan_file!("ammonia-leak.toml"),
                    plan_file!("chlorine-leak.toml"),
                    plan_file!("crowded-building-fire.toml"),
                    plan_file!("dust-explosion.toml"),
                    plan_file!("tank-fire.toml"),
                ],
                parties: Some(demo_file!("parties.toml")),
                roster: Some(demo_file!("roster.toml")),
            },
        }
    }
}
