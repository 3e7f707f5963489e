//! Photos and papers: what is kept, what is refused, and that nothing of them is run by a browser.

use hall_tests::child::Hall;
use hall_tests::http::Api;

use serde_json::{Value, json};

use crate::people::{log_in, problem};
use crate::work::{act, done, make, team};

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

/// The hash of a photo is no key to it: a party sees what it brought, and what its own items name.
#[test]
fn a_party_reads_the_files_of_its_own_items_only() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let lead = log_in(&hall, "lead");
    let (own, other) = (team(&lead, 0), team(&lead, 1));
    let phone = |party: &Value| {
        let (_, link) = lead.post("/api/v1/field-links", &json!({"party": party, "valid_h": 8}));
        Api::enter(&hall.host(), link["url"].as_str().unwrap()).expect("enters")
    };
    let (mine, theirs) = (phone(&own), phone(&other));
    let order = |to: &Value| make(&lead, &json!({"kind": "order", "receivers": [to], "fields": {"content": "到场"}}));
    let (to_me, to_them) = (order(&own), order(&other));
    let photo = |by: &Api, more: u8| add(by, "a.jpg", &[JPEG, &[more]].concat()).1["id"].as_str().unwrap().to_owned();
    let (brought, ordered, secret) = (photo(&mine, 1), photo(&lead, 2), photo(&theirs, 3));
    done(act(&lead, &to_me, "remind", json!({"note": "见图", "attachments": [ordered]})));
    done(act(&theirs, &to_them, "acknowledge", json!({})));
    done(act(&theirs, &to_them, "feedback", json!({"note": "已到", "attachments": [secret]})));
    let path = |id: &str| format!("/api/v1/attachments/{id}");
    for (id, seen_by_me, seen_by_them) in [(&brought, true, false), (&ordered, true, false), (&secret, false, true)] {
        for (who, may) in [(&mine, seen_by_me), (&theirs, seen_by_them), (&lead, true)] {
            if may {
                assert_eq!(who.get_raw(&path(id)).0, 200);
            } else {
                problem(&who.get(&path(id)), 404, "NOT_FOUND");
            }
        }
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    entries.flat_map(|p| if p.is_dir() { walk(&p) } else { vec![p] }).collect()
}
