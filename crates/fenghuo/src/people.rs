//! What the API keeps about people: accounts, sessions, machine tokens, personal links, attachments.

use api::{AccountChange, AccountRow, AuditEntry, NewAttachment, SessionRow, TokenKind, TokenRow};
use model::{Actor, Role, Time};
use protocol::{AttachmentView, Problem};
use runtime::unix_now;
use store::accounts::{self, Account, Purpose, Token};
use store::attachments::{self, AttachmentError, AttachmentRow};
use store::{Database, Reader, SqlError, StoreError};

use crate::records::Parts;

fn read_error(source: SqlError) -> StoreError {
    StoreError::Sql { doing: "read accounts and tokens", source }
}

fn account_row(a: Account) -> (AccountRow, bool) {
    let actor = Actor { account: a.account, name: a.name };
    (AccountRow { actor, role: a.role, password_hash: a.password_hash }, a.disabled)
}

impl Parts {
    pub(crate) fn account(&self, name: &str) -> Result<Option<AccountRow>, Problem> {
        let read = |r: &mut Reader| accounts::find(r.database(), name).map_err(read_error);
        Ok(self.readers.read(read)?.map(account_row).filter(|(_, disabled)| !disabled).map(|(row, _)| row))
    }

    pub(crate) fn accounts(&self) -> Result<Vec<(AccountRow, bool)>, Problem> {
        let all = self.readers.read(|r| accounts::all(r.database()).map_err(read_error))?;
        Ok(all.into_iter().map(account_row).collect())
    }

    pub(crate) fn save_account(&self, change: AccountChange, audit: AuditEntry) -> Result<(), Problem> {
        let AccountChange { row, disabled, end_sessions } = change;
        let account = Account {
            account: row.actor.account,
            name: row.actor.name,
            role: row.role,
            password_hash: row.password_hash,
            disabled,
        };
        let write = move |db: &mut Database| {
            accounts::save(db, &account)?;
            if end_sessions {
                accounts::remove_sessions(db, &account.account)?;
            }
            Ok(())
        };
        self.change(Box::new(write), Some(audit))
    }

    pub(crate) fn session(&self, hash: &str) -> Result<Option<SessionRow>, Problem> {
        let found = self.find_token(hash)?.filter(|t| t.purpose == Purpose::Session);
        let Some(session) = found else { return Ok(None) };
        let mut party = None;
        if !session.party.is_empty() {
            // Gone with its link, which also has the name.
            let Some(link) = self.find_token(&session.label)? else { return Ok(None) };
            party = Some((session.party, link.label));
        }
        Ok(Some(SessionRow {
            token_hash: session.hash,
            created_at: session.created_at.0,
            expires_at: session.expires_at.map_or(i64::MAX, |at| at.0),
            party,
            account: session.account,
            link: session.label,
        }))
    }

    fn find_token(&self, hash: &str) -> Result<Option<Token>, Problem> {
        let now = Time(unix_now());
        self.readers.read(|r| accounts::find_token(r.database(), hash, now).map_err(read_error))
    }

    pub(crate) fn keep_session(&self, row: SessionRow) -> Result<(), Problem> {
        let token = Token {
            hash: row.token_hash,
            account: row.account,
            purpose: Purpose::Session,
            created_at: Time(row.created_at),
            expires_at: Some(Time(row.expires_at)),
            role: row.party.is_some().then_some(Role::Field),
            party: row.party.map(|(id, _)| id).unwrap_or_default(),
            label: row.link,
        };
        // With each one that begins, those go whose time is over.
        let write = move |db: &mut Database| {
            accounts::remove_expired(db, token.created_at)?;
            accounts::save_token(db, &token)
        };
        self.change(Box::new(write), None)
    }

    pub(crate) fn end_session(&self, hash: String) -> Result<(), Problem> {
        self.change(Box::new(move |db| accounts::remove_token(db, &hash).map(|_| ())), None)
    }

    pub(crate) fn tokens(&self) -> Result<Vec<TokenRow>, Problem> {
        let now = Time(unix_now());
        let all = self.readers.read(|r| accounts::tokens(r.database(), now).map_err(read_error))?;
        Ok(all.into_iter().filter_map(token_row).collect())
    }

    pub(crate) fn token(&self, hash: &str) -> Result<Option<TokenRow>, Problem> {
        Ok(self.find_token(hash)?.and_then(token_row))
    }

    pub(crate) fn keep_token(&self, row: TokenRow, audit: AuditEntry) -> Result<(), Problem> {
        let token = Token {
            hash: row.hash,
            account: row.account,
            purpose: match row.kind {
                TokenKind::Machine => Purpose::Machine,
                TokenKind::FieldLink => Purpose::FieldLink,
            },
            created_at: Time(row.created_at),
            expires_at: row.expires_at.map(Time),
            role: Some(row.role),
            party: row.party,
            label: row.label,
        };
        let now = Time(unix_now());
        let write = move |db: &mut Database| {
            // Whoever adds one clears away what nobody can use any more.
            accounts::remove_expired(db, now)?;
            accounts::save_token(db, &token)
        };
        self.change(Box::new(write), Some(audit))
    }

    pub(crate) fn revoke_token(&self, hash: String, audit: AuditEntry) -> Result<(), Problem> {
        self.change(Box::new(move |db| accounts::revoke(db, &hash).map(|_| ())), Some(audit))
    }

    /// The file is durable before its row, the row before the answer.
    pub(crate) fn keep_attachment(&self, new: NewAttachment) -> Result<AttachmentView, Problem> {
        if new.bytes.len() > attachments::BYTES_MAX {
            return Err(refused(AttachmentError::TooLarge));
        }
        let media_type = attachments::media_type(&new.bytes).map_err(refused)?;
        let name = attachments::clean_name(&new.name, media_type).map_err(refused)?;
        let id = self.attachments.keep(&new.bytes).map_err(|e| {
            tracing::error!(error = e.chain(), "an attachment could not be kept");
            Problem::new("JOURNAL_FAILED", "body").detail("附件未保存", "the attachment was not kept")
        })?;
        let row = AttachmentRow {
            id: id.clone(),
            name,
            media_type: media_type.to_owned(),
            bytes: new.bytes.len() as u64,
            at: Time(unix_now()),
            account: new.account.clone(),
        };
        let audit = (new.account, "attachment.added".to_owned(), id.clone());
        self.change(Box::new(move |db| attachments::save(db, &row)), Some(audit))?;
        self.attachment(&id)?.ok_or_else(|| Problem::new("INTERNAL", ""))
    }

    pub(crate) fn attachment(&self, id: &str) -> Result<Option<AttachmentView>, Problem> {
        let read = |r: &mut Reader| attachments::find(r.database(), id).map_err(read_error);
        let view =
            |r: AttachmentRow| AttachmentView { id: r.id, name: r.name, media_type: r.media_type, bytes: r.bytes };
        Ok(self.readers.read(read)?.map(view))
    }

    pub(crate) fn attachment_of_party(&self, id: &str, party: &str) -> Result<bool, Problem> {
        self.readers.read(|r| attachments::is_of_party(r.database(), id, party).map_err(read_error))
    }

    pub(crate) fn attachment_bytes(&self, id: &str) -> Result<Option<Vec<u8>>, Problem> {
        self.attachments.read(id).map_err(|e| {
            tracing::error!(error = e.chain(), "an attachment cannot be read");
            Problem::new("INTERNAL", "")
        })
    }
}

fn token_row(t: Token) -> Option<TokenRow> {
    let kind = match t.purpose {
        Purpose::Machine => TokenKind::Machine,
        Purpose::FieldLink => TokenKind::FieldLink,
        Purpose::Session | Purpose::Login => return None,
    };
    Some(TokenRow {
        hash: t.hash,
        kind,
        account: t.account,
        label: t.label,
        role: t.role.unwrap_or(Role::ReadOnly),
        party: t.party,
        created_at: t.created_at.0,
        expires_at: t.expires_at.map(|at| at.0),
    })
}

fn refused(error: AttachmentError) -> Problem {
    let (code, field) = match error {
        AttachmentError::TooLarge => ("ATTACHMENT_TOO_LARGE", "body"),
        AttachmentError::Type => ("ATTACHMENT_TYPE", "body"),
        AttachmentError::Name(_) => ("ATTACHMENT_NAME", "name"),
    };
    Problem { message_en: error.to_string(), ..Problem::new(code, field) }
}
