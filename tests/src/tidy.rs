//! Tidy: layers, sizes, forbidden names and calls, licences. Reads the checkout, names the offending line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hall_tests::child::top;

/// Layer of each crate; a crate may depend only on lower ones, and on its own layer only where `SAME` says so.
const LAYERS: [(&str, u8); 15] = [
    ("model", 0),
    ("runtime", 0),
    ("alarm", 1),
    ("response", 1),
    ("engine", 2),
    ("protocol", 3),
    ("config", 3),
    ("ingest", 4),
    ("store", 4),
    ("api", 4),
    ("sim", 4),
    ("video", 4),
    ("hall", 5),
    ("fenghuo", 6),
    ("hall-tests", 7),
];
/// Rooms that know no task, clock, file, socket or chance.
const PURE: [&str; 6] = ["model", "alarm", "response", "engine", "protocol", "config"];
const PURE_MAY_USE: [&str; 10] =
    ["serde", "serde_json", "thiserror", "utoipa", "toml", "postcard", "proptest", "model", "alarm", "response"];
const LINES_MAX: usize = 500;
const FUNCTION_MAX: usize = 70;
const FORBIDDEN_FILES: [&str; 6] = ["utils", "util", "common", "helpers", "helper", "manager"];

fn manifests() -> BTreeMap<String, toml::Table> {
    let mut all = BTreeMap::new();
    let crates = std::fs::read_dir(top().join("crates")).unwrap().map(|e| e.unwrap().path());
    for folder in crates.chain([top().join("tests")]) {
        let text = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let table: toml::Table = text.parse().unwrap();
        all.insert(table["package"]["name"].as_str().unwrap().to_owned(), table);
    }
    all
}

fn dependencies(manifest: &toml::Table) -> Vec<String> {
    manifest.get("dependencies").and_then(|d| d.as_table()).map(|d| d.keys().cloned().collect()).unwrap_or_default()
}

#[test]
fn tidy_layers() {
    let layers: BTreeMap<&str, u8> = LAYERS.into_iter().collect();
    for (name, manifest) in manifests() {
        let own = *layers.get(name.as_str()).unwrap_or_else(|| panic!("{name} has no layer in the tidy test"));
        for dependency in dependencies(&manifest) {
            if let Some(layer) = layers.get(dependency.as_str()) {
                assert!(*layer < own, "{name} (layer {own}) depends on {dependency} (layer {layer})");
            }
        }
    }
}

#[test]
fn tidy_pure_rooms() {
    for (name, manifest) in manifests() {
        if !PURE.contains(&name.as_str()) {
            continue;
        }
        for dependency in dependencies(&manifest) {
            let allowed = PURE_MAY_USE.contains(&dependency.as_str()) || dependency == "engine";
            assert!(allowed, "{name} is a pure room and depends on {dependency}");
        }
    }
    let calls =
        ["SystemTime::now", "Instant::now", "tokio::", "TcpStream", "TcpListener", "UdpSocket", "thread::", "rand::"];
    for (file, text) in sources("rs") {
        let room = file.strip_prefix(top().join("crates")).ok().and_then(|p| p.iter().next()?.to_str());
        if room.is_some_and(|r| PURE.contains(&r)) && !is_test(&file) {
            for (number, line) in code_lines(&text) {
                for call in calls {
                    assert!(!line.contains(call), "{}:{number}: `{call}` in a pure room", file.display());
                }
            }
        }
    }
}

fn is_test(file: &Path) -> bool {
    let parts = ["tests", "benches", "examples"];
    file.iter().any(|p| p.to_str().is_some_and(|p| parts.contains(&p))) || file.ends_with("tests.rs")
}

/// Lines of code before the test module, with their numbers.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(i, l)| (i + 1, l)).take_while(|(_, l)| *l != "#[cfg(test)]")
}

fn sources(extension: &str) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    for folder in ["crates", "tests", "dashboards/console/src", "fuzz"] {
        collect(&top().join(folder), extension, &mut all);
    }
    all
}

fn collect(folder: &Path, extension: &str, all: &mut Vec<(PathBuf, String)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|e| e.unwrap().path()) {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if path.is_dir() && !["target", "node_modules", "dist", "corpus"].contains(&name) {
            collect(&path, extension, all);
        } else if path.extension().is_some_and(|e| e == extension) {
            all.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn tidy_sizes() {
    let mut long = Vec::new();
    for (file, text) in sources("rs").into_iter().chain(sources("vue")) {
        let lines = code_lines(&text).count();
        if lines > LINES_MAX {
            long.push(format!("{}: {lines} lines, at most {LINES_MAX}", file.display()));
        }
    }
    for (file, text) in sources("rs") {
        long.extend(long_functions(&file, &text));
    }
    assert!(long.is_empty(), "\n{}", long.join("\n"));
}

/// A function begins at a line with `fn ` and ends at the closing brace of the same indent.
fn long_functions(file: &Path, text: &str) -> Vec<String> {
    let mut long = Vec::new();
    let mut open: Option<(usize, usize, &str)> = None;
    for (number, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let word = line.trim_start();
        let begins = ["fn ", "pub fn ", "async fn ", "pub async fn ", "pub(crate) fn ", "pub(super) fn ", "const fn "];
        if open.is_none() && begins.iter().any(|b| word.starts_with(b)) && !line.ends_with(';') && !line.ends_with('}')
        {
            open = Some((number, indent, line));
        }
        if let Some((from, depth, name)) = open
            && indent == depth
            && line.trim_end() == format!("{}}}", " ".repeat(depth))
        {
            if number - from > FUNCTION_MAX {
                long.push(format!("{}:{}: {} lines: {}", file.display(), from + 1, number - from, name.trim()));
            }
            open = None;
        }
    }
    long
}

#[test]
fn tidy_names() {
    for (file, text) in sources("rs").into_iter().chain(sources("ts")).chain(sources("vue")) {
        let stem = file.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
        assert!(!FORBIDDEN_FILES.contains(&stem), "{}: a name that says nothing", file.display());
        for (number, line) in text.lines().enumerate() {
            for word in ["todo!(", "unimplemented!(", "dbg!(", "#[ignore", "FIXME"] {
                let own = file.ends_with("tests/src/tidy.rs");
                assert!(own || !line.contains(word), "{}:{}: {word}", file.display(), number + 1);
            }
        }
    }
}

#[test]
fn tidy_only_runtime_spawns() {
    for (file, text) in sources("rs") {
        let runtime = file.starts_with(top().join("crates/runtime"));
        if runtime || is_test(&file) || file.starts_with(top().join("tests")) {
            continue;
        }
        for (number, line) in code_lines(&text) {
            let spawns = line.contains("tokio::spawn") || line.contains("task::spawn(");
            assert!(!spawns, "{}:{number}: only runtime spawns", file.display());
        }
    }
}

/// Nothing under a copyleft licence is linked.
#[test]
fn tidy_licences() {
    let out = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--all-features"])
        .current_dir(top())
        .output()
        .expect("cargo metadata runs");
    let metadata: serde_json::Value = serde_json::from_slice(&out.stdout).expect("metadata");
    let mut checked = 0;
    for package in metadata["packages"].as_array().expect("packages") {
        let licence = package["license"].as_str().unwrap_or_default();
        let choices: Vec<&str> = licence.split(" OR ").flat_map(|l| l.split('/')).collect();
        let free = |l: &str| !l.contains("GPL") && !l.is_empty();
        assert!(choices.iter().any(|l| free(l)), "{} has licence \"{licence}\"", package["name"]);
        checked += 1;
    }
    assert!(checked > 100, "{checked} packages");
}
