//! Photos and papers: what is kept, what is refused, and that nothing of them is run by a browser.

use hall_tests::child::Hall;
use hall_tests::http::Api;

use crate::people::{log_in, problem};

const JPEG: &[u8] = &[0xFF, 0xD8, 0xFF, 0xE0, 0, 16, b'J', b'F', b'I', b'F'];
const MAX: usize = 10 * 1024 * 1024;

fn add(api: &Api, name: &str, bytes: &[u8]) -> (u16, serde_json::Value) {
    let encoded: String = name.bytes().map(|b| format!("%{b:02X}")).collect();
    api.post_bytes(&format!("/api/v1/attachments?name={encoded}"), bytes)
}

#[test]
fn a_photo_is_kept_once_and_served_as_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut hall = Hall::start(&data);
    let duty = log_in(&hall, "duty");
    let (status, kept) = add(&duty, "阀门 泄漏.exe", JPEG);
    assert_eq!(status, 200, "{kept}");
    assert_eq!(kept["name"], "阀门 泄漏.exe.jpg");
    let id = kept["id"].as_str().unwrap().to_owned();
    assert_eq!(add(&duty, "other.jpg", JPEG).1, kept, "the same bytes keep their first name");
    hall.kill();
    hall.start_again();
    let (status, headers, bytes) = duty.get_raw(&format!("/api/v1/attachments/{id}"));
    assert_eq!((status, bytes.as_slice()), (200, JPEG));
    assert_eq!(headers["content-type"], "image/jpeg");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(headers["content-disposition"].starts_with("inline; filename*=UTF-8''%E9%98%80"), "{headers:?}");
    assert_eq!(headers["content-security-policy"], "default-src 'none'; sandbox");
    let (_, page) = add(&duty, "page.txt", b"<script>alert(1)</script>");
    let (_, headers, _) = duty.get_raw(&format!("/api/v1/attachments/{}", page["id"].as_str().unwrap()));
    assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
    assert!(headers["content-disposition"].starts_with("attachment;"), "{headers:?}");
    assert!(data.join("attachments").join(&id[..2]).join(&id).exists());
}

#[test]
fn attachments_too_large_of_a_wrong_type_or_with_a_hostile_name() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let hall = Hall::start(&data);
    let duty = log_in(&hall, "duty");
    let mut large = JPEG.to_vec();
    large.resize(MAX, 0);
    assert_eq!(add(&duty, "largest.jpg", &large).0, 200);
    large.push(0);
    let table: [(&str, &[u8], u16, &str); 9] = [
        ("a.jpg", &large, 413, "ATTACHMENT_TOO_LARGE"),
        ("a.jpg", b"MZ\x90\x00", 415, "ATTACHMENT_TYPE"),
        ("a.jpg", b"", 415, "ATTACHMENT_TYPE"),
        ("a.svg", b"\x00<svg/>", 415, "ATTACHMENT_TYPE"),
        ("../../../etc/passwd", JPEG, 422, "ATTACHMENT_NAME"),
        ("a\0.jpg", JPEG, 422, "ATTACHMENT_NAME"),
        ("a\\b.jpg", JPEG, 422, "ATTACHMENT_NAME"),
        ("", JPEG, 422, "ATTACHMENT_NAME"),
        (&"x".repeat(121), JPEG, 422, "ATTACHMENT_NAME"),
    ];
    for (name, bytes, status, code) in table {
        let answer = add(&duty, name, bytes);
        problem(&answer, status, code);
        assert!(!answer.1["field"].as_str().unwrap().is_empty(), "{answer:?}");
    }
    problem(&duty.post_bytes("/api/v1/attachments", JPEG), 422, "FIELD_INVALID");
    problem(&add(&log_in(&hall, "wall"), "a.jpg", JPEG), 403, "FORBIDDEN");
    let none = "0".repeat(64);
    for id in [none.as_str(), "..%2F..%2Fjournal.db", "x"] {
        problem(&duty.get(&format!("/api/v1/attachments/{id}")), 404, "NOT_FOUND");
    }
    let files = walk(&data.join("attachments"));
    assert_eq!(files.len(), 1, "nothing half-written is left: {files:?}");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    entries.flat_map(|p| if p.is_dir() { walk(&p) } else { vec![p] }).collect()
}
