//! Embeds the built console, if it is there. It never runs npm.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../dashboards/console");
    let dist = root.join("dist");
    println!("cargo:rerun-if-changed={}", if dist.exists() { dist.display() } else { root.display() });
    let mut files = Vec::new();
    collect(&dist, &mut files)?;
    files.sort();
    let mut out = String::from("static FILES: &[(&str, &str, &[u8])] = &[\n");
    for file in files {
        let name = file.strip_prefix(&dist).unwrap_or(&file).display().to_string();
        let _ = writeln!(out, "    ({name:?}, {:?}, include_bytes!({:?})),", mime(&name), file.display().to_string());
    }
    out.push_str("];\n");
    std::fs::write(Path::new(&std::env::var("OUT_DIR").unwrap_or_default()).join("console_files.rs"), out)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

fn mime(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
