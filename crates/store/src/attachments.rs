//! Photos and papers of the work systems: content-addressed files beside the journal, `attachments/aa/<sha256>`, and a
//! row each. The file is durable before its row, the row before anybody is answered.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use model::Time;
use sha2::{Digest, Sha256};

use crate::audit::hex;
use crate::{Database, Param, Row, SqlError, StoreError};

/// Largest attachment, bytes.
pub const BYTES_MAX: usize = 10 * 1024 * 1024;
/// Longest name, characters.
pub const NAME_MAX: usize = 120;

/// One attachment as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentRow {
    /// SHA-256 of its bytes, hexadecimal.
    pub id: String,
    /// Name as shown; fit for a file.
    pub name: String,
    /// What its first bytes say it is.
    pub media_type: String,
    /// Size.
    pub bytes: u64,
    /// When it came.
    pub at: Time,
    /// Who brought it.
    pub account: String,
}

/// Why an attachment was refused; nothing was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttachmentError {
    /// Too many bytes.
    #[error("the attachment is larger than {BYTES_MAX} bytes")]
    TooLarge,
    /// Neither JPEG, PNG, WebP, PDF nor plain text.
    #[error("the attachment is neither JPEG, PNG, WebP, PDF nor UTF-8 text")]
    Type,
    /// A name that could mean another place, or hide what it is.
    #[error("the name {0}")]
    Name(&'static str),
}

/// What the first bytes say: the media type and its usual extensions, the first of which is given if none fits.
const fn kinds() -> [(&'static str, &'static [&'static str]); 5] {
    [
        ("image/jpeg", &["jpg", "jpeg"]),
        ("image/png", &["png"]),
        ("image/webp", &["webp"]),
        ("application/pdf", &["pdf"]),
        ("text/plain", &["txt", "csv", "log", "md"]),
    ]
}

/// The media type of some bytes; what they claim elsewhere does not count.
///
/// # Errors
/// `Type` when it is none of those we keep.
pub fn media_type(bytes: &[u8]) -> Result<&'static str, AttachmentError> {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => Ok("image/jpeg"),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Ok("image/png"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok("image/webp"),
        [b'%', b'P', b'D', b'F', b'-', ..] => Ok("application/pdf"),
        _ if is_text(bytes) => Ok("text/plain"),
        _ => Err(AttachmentError::Type),
    }
}

fn is_text(bytes: &[u8]) -> bool {
    let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    !bytes.is_empty() && std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(plain))
}

/// The name as it is kept: trimmed, with an extension that fits the type.
///
/// # Errors
/// `Name` for what could leave the folder it is saved into, hides characters, or is too long.
pub fn clean_name(name: &str, media_type: &str) -> Result<String, AttachmentError> {
    let name = name.trim();
    let refuse = |why| Err(AttachmentError::Name(why));
    if name.is_empty() {
        return refuse("is empty");
    }
    if name.chars().count() > NAME_MAX {
        return refuse("is longer than 120 characters");
    }
    if name.contains(['/', '\\', ':']) {
        return refuse("contains a path separator");
    }
    if name.contains("..") || name.starts_with('.') {
        return refuse("contains two dots in a row or begins with one");
    }
    if name.chars().any(|c| c.is_control() || is_invisible(c)) {
        return refuse("contains control characters");
    }
    let kinds = kinds();
    let usual = kinds.iter().find(|(kind, _)| *kind == media_type).map_or(&[][..], |(_, e)| e);
    let extension = name.rsplit_once('.').map_or(String::new(), |(_, e)| e.to_ascii_lowercase());
    match usual.first() {
        Some(first) if !usual.contains(&extension.as_str()) => Ok(format!("{name}.{first}")),
        _ => Ok(name.to_owned()),
    }
}

/// Characters that turn the writing direction or take no room: `photo<RLO>gpj.exe` reads as `photoexe.jpg`.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// Whether a text can be an id: nothing else ever becomes part of a path.
pub fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The folder of attachments.
#[derive(Clone, Debug)]
pub struct Attachments {
    pub(crate) folder: PathBuf,
    /// Bytes that must stay free.
    pub(crate) keep_free: u64,
}

/// Free bytes that photos leave to the journal, which lies on the same disk and without which there is no hall.
const KEEP_FREE: u64 = 512 << 20;
/// Files begun by this process.
static PARTS: AtomicU64 = AtomicU64::new(0);

impl Attachments {
    /// The folder below the data folder; it is made when the first file comes.
    pub fn new(data_dir: &Path) -> Self {
        Self { folder: data_dir.join("attachments"), keep_free: KEEP_FREE }
    }

    /// Removes what uploads left behind that never ended, because the program did first; how many. At the start, before the
    /// doors are open.
    ///
    /// # Errors
    /// Of the disk.
    pub fn remove_parts(&self) -> Result<usize, StoreError> {
        let mut removed = 0;
        for folder in entries(&self.folder)?.into_iter().filter(|path| path.is_dir()) {
            for part in entries(&folder)?.into_iter().filter(|path| path.extension().is_some_and(|e| e == "part")) {
                fs::remove_file(&part).map_err(StoreError::file("remove", &part))?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Keeps bytes durably and returns their id; what is there already is not written again.
    ///
    /// # Errors
    /// Of the disk; also when it is so full that the journal will soon need what is left.
    pub fn keep(&self, bytes: &[u8]) -> Result<String, StoreError> {
        let id = hex(&Sha256::digest(bytes));
        let folder = self.folder.join(&id[..2]);
        let path = folder.join(&id);
        if !matches!(self.read(&id), Ok(Some(_))) {
            fs::create_dir_all(&folder).map_err(StoreError::file("create", &folder))?;
            self.check_room(&path, bytes.len() as u64)?;
            // The same photo may come twice at once, from a telephone that gave up waiting: each has a file of its own.
            let number = PARTS.fetch_add(1, Ordering::Relaxed);
            let partial = folder.join(format!("{id}.{}-{number}.part", std::process::id()));
            write_through(&partial, bytes).map_err(StoreError::file("write", &partial))?;
            fs::rename(&partial, &path).map_err(StoreError::file("rename", &path))?;
        }
        // The names too: a file that no folder names after a power cut is lost.
        for folder in [folder.as_path(), &self.folder, self.folder.parent().unwrap_or(&self.folder)] {
            File::open(folder).and_then(|f| f.sync_all()).map_err(StoreError::file("sync", folder))?;
        }
        Ok(id)
    }

    fn check_room(&self, path: &Path, bytes: u64) -> Result<(), StoreError> {
        let disk = rustix::fs::statvfs(&self.folder)
            .map_err(|e| StoreError::file("ask how full the disk is for", path)(e.into()))?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) >= self.keep_free.saturating_add(bytes) {
            return Ok(());
        }
        Err(StoreError::file("keep", path)(ErrorKind::StorageFull.into()))
    }

    /// The bytes of an id; none: not here.
    ///
    /// # Errors
    /// `Damaged` if they are not what the id says.
    pub fn read(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        if !is_id(id) {
            return Ok(None);
        }
        let path = self.folder.join(&id[..2]).join(id);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(StoreError::file("read", &path)(e)),
        };
        if hex(&Sha256::digest(&bytes)) != id {
            let problem = format!("the bytes of attachment {id} are not what its name says");
            return Err(StoreError::Damaged { table: "attachments", row: 0, problem });
        }
        Ok(Some(bytes))
    }
}

/// What a folder holds; one that is not there yet holds nothing.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed.map(|entry| entry.map(|e| e.path())).collect(),
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => Err(e),
    };
    listed.map_err(StoreError::file("list", folder))
}

fn write_through(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Adds a row; the first name of the same bytes stays, because a command may have told it already.
pub fn save(database: &mut Database, row: &AttachmentRow) -> Result<(), SqlError> {
    let params = [
        Param::Text(&row.id),
        Param::Text(&row.name),
        Param::Text(&row.media_type),
        Param::Int(row.bytes as i64),
        Param::Int(row.at.0),
        Param::Text(&row.account),
    ];
    let sql = "INSERT INTO attachments (id, name, media_type, bytes, at, account) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (id) DO NOTHING";
    database.execute(sql, &params).map(|_| ())
}

/// The row of an id.
pub fn find(database: &mut Database, id: &str) -> Result<Option<AttachmentRow>, SqlError> {
    let sql = "SELECT id, name, media_type, bytes, at, account FROM attachments WHERE id = $1";
    database.row(sql, &[Param::Text(id)], row)
}

/// Whether a party may see an attachment: it brought it, or a step of one of its own items names it.
pub fn is_of_party(database: &mut Database, id: &str, party: &str) -> Result<bool, SqlError> {
    let sql = "WITH RECURSIVE life(previous, json) AS (
          SELECT e.previous, e.json FROM work w JOIN events e ON e.seq = w.seq WHERE w.receiver = $1
          UNION ALL
          SELECT e.previous, e.json FROM life JOIN events e ON e.seq = life.previous)
        SELECT 1 FROM attachments a WHERE a.id = $2 AND
          (a.account = $3 OR EXISTS (SELECT 1 FROM life WHERE life.json LIKE $4))";
    let (account, named) = (format!("{}{party}", response::PARTY_ACCOUNT), format!("%{id}%"));
    let params = [Param::Text(party), Param::Text(id), Param::Text(&account), Param::Text(&named)];
    Ok(is_id(id) && database.row(sql, &params, |_| Ok(()))?.is_some())
}

fn row(row: &Row<'_>) -> Result<AttachmentRow, SqlError> {
    Ok(AttachmentRow {
        id: row.text(0)?.to_owned(),
        name: row.text(1)?.to_owned(),
        media_type: row.text(2)?.to_owned(),
        bytes: row.int(3)? as u64,
        at: Time(row.int(4)?),
        account: row.text(5)?.to_owned(),
    })
}
