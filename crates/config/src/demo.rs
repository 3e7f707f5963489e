//! The demo's configuration, embedded in the program: `fenghuo demo` needs no file.

use crate::Source;

macro_rules! demo_file {
    ($path:literal) => {
        (concat!("config/demo/", $path).to_owned(), include_str!(concat!("../../../config/demo/", $path)).to_owned())
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
        }
    }
}
