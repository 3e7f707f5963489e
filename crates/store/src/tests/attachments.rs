//! Attachments: hostile names and types are refused, the same bytes are kept once, damage is found.

use model::Time;

use super::engines::on_both;
use crate::attachments::{self, AttachmentError, AttachmentRow, Attachments, clean_name, media_type};
use crate::{Journal, Reader, StoreError};

const JPEG: &[u8] = &[0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3];

#[track_caller]
fn kept_as(name: &str, expected: &str) {
    assert_eq!(clean_name(name, "image/jpeg").as_deref(), Ok(expected), "{name:?}");
}

#[track_caller]
fn refused(name: &str) {
    let result = clean_name(name, "image/jpeg");
    assert!(matches!(result, Err(AttachmentError::Name(_))), "{name:?}: {result:?}");
}

#[test]
fn d_photo_with_a_hostile_name_is_refused_or_made_harmless() {
    kept_as("阀门.jpg", "阀门.jpg");
    kept_as("  before.JPEG ", "before.JPEG");
    kept_as("photo.exe", "photo.exe.jpg");
    kept_as("photo", "photo.jpg");
    kept_as("<script>alert(1)</script>.jpg".replace('/', "").as_str(), "<script>alert(1)<script>.jpg");
    let long = "长".repeat(121);
    for name in ["", "  ", "../../etc/passwd", "a/b.jpg", "a\\b.jpg", "C:x.jpg", "a\0.jpg", "a\n.jpg", "..", ".", &long]
    {
        refused(name);
    }
    refused("a..jpg");
    refused(".htaccess");
    refused("photo\u{202E}gpj.exe");
}

#[test]
fn the_type_is_what_the_bytes_say() {
    let cases: [(&[u8], Option<&str>); 10] = [
        (JPEG, Some("image/jpeg")),
        (b"\x89PNG\r\n\x1a\n....", Some("image/png")),
        (b"RIFF\x01\x02\x03\x04WEBPVP8 ", Some("image/webp")),
        (b"%PDF-1.7", Some("application/pdf")),
        ("值班记录\r\n第二行".as_bytes(), Some("text/plain")),
        (b"", None),
        (b"MZ\x90\x00", None),
        (b"GIF89a\x01\x00", None),
        (b"text with \0 in it", None),
        (b"\xFF\xFEbroken", None),
    ];
    for (bytes, expected) in cases {
        assert_eq!(media_type(bytes).ok(), expected, "{bytes:?}");
    }
}

#[test]
fn the_same_bytes_may_come_many_times_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let room = Attachments::new(folder.path());
    let bytes = [JPEG, &[7; 300_000]].concat();
    for round in 0..20_u8 {
        let bytes = [bytes.as_slice(), &[round]].concat();
        let keep = || room.keep(&bytes).map_err(|e| e.chain());
        std::thread::scope(|s| {
            let kept: Vec<_> = (0..4).map(|_| s.spawn(keep)).collect();
            for kept in kept {
                let id = kept.join().expect("no panic").expect("kept");
                assert_eq!(room.read(&id).expect("whole").as_deref(), Some(&*bytes));
            }
        });
    }
}

#[test]
fn photos_leave_room_for_the_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let room = Attachments { keep_free: u64::MAX, ..Attachments::new(folder.path()) };
    let full = room.keep(JPEG).map_err(|e| e.chain());
    assert!(full.as_ref().is_err_and(|e| e.contains("no storage space")), "{full:?}");
    assert_eq!(
        std::fs::read_dir(folder.path().join("attachments"))
            .expect("reads")
            .flatten()
            .flat_map(|d| std::fs::read_dir(d.path()).into_iter().flatten())
            .count(),
        0
    );
}

#[test]
fn the_same_bytes_are_kept_once_and_damage_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let room = Attachments::new(folder.path());
    let id = room.keep(JPEG).expect("keeps");
    assert_eq!(room.keep(JPEG).expect("keeps again"), id);
    assert_eq!(room.read(&id).expect("reads").as_deref(), Some(JPEG));
    for not_here in ["../journal.db", "", &"0".repeat(64), &id.to_uppercase()] {
        assert_eq!(room.read(not_here).expect("reads"), None, "{not_here}");
    }
    let path = folder.path().join("attachments").join(&id[..2]).join(&id);
    std::fs::write(&path, b"changed").expect("writes");
    assert!(matches!(room.read(&id), Err(StoreError::Damaged { table: "attachments", .. })));
    assert_eq!(room.keep(JPEG).expect("keeps"), id);
    assert_eq!(room.read(&id).expect("reads").as_deref(), Some(JPEG), "a damaged file is replaced");
}

#[test]
fn a_row_keeps_its_first_name() {
    on_both(|location| {
        let (mut journal, _) = Journal::open(location).expect("opens");
        let row = AttachmentRow {
            id: "a".repeat(64),
            name: "before.jpg".into(),
            media_type: "image/jpeg".into(),
            bytes: 7,
            at: Time(5),
            account: "duty".into(),
        };
        let again = AttachmentRow { name: "after.jpg".into(), ..row.clone() };
        journal.apply(&[], |db| attachments::save(db, &row)).expect("saves");
        journal.apply(&[], |db| attachments::save(db, &again)).expect("saves again");
        let mut reader = Reader::open(location).expect("opens");
        assert_eq!(attachments::find(reader.database(), &row.id).expect("reads"), Some(row.clone()));
        assert_eq!(attachments::find(reader.database(), "none").expect("reads"), None);
    });
}

#[test]
fn uploads_that_never_ended_are_removed_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let room = Attachments::new(folder.path());
    assert_eq!(room.remove_parts().expect("no folder is no problem"), 0);
    let id = room.keep(JPEG).expect("kept");
    let beside = room.folder.join(&id[..2]).join(format!("{id}.77-1.part"));
    std::fs::write(&beside, b"half").expect("written");
    assert_eq!((room.remove_parts().expect("removed"), beside.exists()), (1, false));
    assert_eq!(room.read(&id).expect("reads").as_deref(), Some(JPEG));
}
