//! The console, embedded in the program; every unknown address outside the API is the console's own.

use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

include!(concat!(env!("OUT_DIR"), "/console_files.rs"));

/// Serves a file of the console, or its page.
pub async fn serve(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    match FILES.iter().find(|(name, ..)| *name == path) {
        Some((name, mime, bytes)) => file(name, mime, bytes),
        None if path.contains('.') => StatusCode::NOT_FOUND.into_response(),
        None => page().into_response(),
    }
}

/// The console's page.
pub fn page() -> Response {
    match FILES.iter().find(|(name, ..)| *name == "index.html") {
        Some((name, mime, bytes)) => file(name, mime, bytes),
        None => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], NOT_BUILT).into_response(),
    }
}

fn file(name: &str, mime: &'static str, bytes: &'static [u8]) -> Response {
    // Built assets carry a hash in their names; the page itself must be asked for anew.
    let cache = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-store" };
    ([(header::CONTENT_TYPE, mime), (header::CACHE_CONTROL, cache)], bytes).into_response()
}

const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Fenghuo</title>\
<h1>控制台尚未构建 / The console is not built</h1>\
<p>运行 <code>make console</code>，然后重新构建程序。<p>Run <code>make console</code>, then build the program again.";
