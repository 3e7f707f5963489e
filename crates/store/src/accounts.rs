//! Accounts of the hall, and the tokens of their sessions and machines. Only hashes are stored.
//! Writes go through `Journal::apply`, with an audit note.

use model::{Role, Time};

use crate::{Database, Param, Row, SqlError};

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Login name.
    pub account: String,
    /// The person's name as shown.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Argon2 PHC string.
    pub password_hash: String,
    /// May not log in.
    pub disabled: bool,
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A browser session.
    Session,
    /// A machine: broadcast terminal, bench.
    Machine,
    /// A one-time login link.
    Login,
    /// A personal link of the field page: opens sessions of one party until it expires.
    FieldLink,
}

/// One token of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// SHA-256 of the token, hexadecimal.
    pub hash: String,
    /// Whose.
    pub account: String,
    /// What for.
    pub purpose: Purpose,
    /// Since when.
    pub created_at: Time,
    /// Until when; none: until removed.
    pub expires_at: Option<Time>,
    /// What its holder may do, where no account says so: machines and field links.
    pub role: Option<Role>,
    /// The party its holder acts for, or empty.
    pub party: String,
    /// What people call it: a machine's purpose; of a session, the hash of the link that opened it.
    pub label: String,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Machine => "machine",
            Self::Login => "login",
            Self::FieldLink => "field_link",
        }
    }

    fn read(row: &Row<'_>, column: usize) -> Result<Self, SqlError> {
        match row.text(column)? {
            "session" => Ok(Self::Session),
            "machine" => Ok(Self::Machine),
            "login" => Ok(Self::Login),
            "field_link" => Ok(Self::FieldLink),
            _ => Err(SqlError::Column { column, wanted: "the purpose of a token" }),
        }
    }
}

/// Every account.
pub fn all(database: &mut Database) -> Result<Vec<Account>, SqlError> {
    let sql = "SELECT account, name, role, password_hash, disabled FROM accounts ORDER BY account";
    database.rows(sql, &[], account)
}

/// The account of a login name.
pub fn find(database: &mut Database, login: &str) -> Result<Option<Account>, SqlError> {
    let sql = "SELECT account, name, role, password_hash, disabled FROM accounts WHERE account = $1";
    database.row(sql, &[Param::Text(login)], account)
}

/// Adds or changes an account.
pub fn save(database: &mut Database, account: &Account) -> Result<(), SqlError> {
    let params = [
        Param::Text(&account.account),
        Param::Text(&account.name),
        Param::Text(role_name(account.role)),
        Param::Text(&account.password_hash),
        Param::Int(i64::from(account.disabled)),
    ];
    let sql = "INSERT INTO accounts (account, name, role, password_hash, disabled) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (account) DO UPDATE SET name = excluded.name, role = excluded.role,
        password_hash = excluded.password_hash, disabled = excluded.disabled";
    database.execute(sql, &params).map(|_| ())
}

/// Every token that has not expired at `now`.
pub fn tokens(database: &mut Database, now: Time) -> Result<Vec<Token>, SqlError> {
    let sql = "SELECT hash, account, purpose, created_at, expires_at, role, party, label FROM tokens
        WHERE expires_at IS NULL OR expires_at > $1 ORDER BY created_at, hash";
    database.rows(sql, &[Param::Int(now.0)], token)
}

/// The token of this hash, if it has not expired at `now`.
pub fn find_token(database: &mut Database, hash: &str, now: Time) -> Result<Option<Token>, SqlError> {
    let sql = "SELECT hash, account, purpose, created_at, expires_at, role, party, label FROM tokens
        WHERE hash = $1 AND (expires_at IS NULL OR expires_at > $2)";
    database.row(sql, &[Param::Text(hash), Param::Int(now.0)], token)
}

/// Adds or extends a token.
pub fn save_token(database: &mut Database, token: &Token) -> Result<(), SqlError> {
    let params = [
        Param::Text(&token.hash),
        Param::Text(&token.account),
        Param::Text(token.purpose.as_str()),
        Param::Int(token.created_at.0),
        Param::from(token.expires_at.map(|t| t.0)),
        Param::Text(token.role.map_or("", role_name)),
        Param::Text(&token.party),
        Param::Text(&token.label),
    ];
    let sql = "INSERT INTO tokens (hash, account, purpose, created_at, expires_at, role, party, label)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (hash) DO UPDATE SET expires_at = excluded.expires_at";
    database.execute(sql, &params).map(|_| ())
}

/// Removes a token: logout, or a one-time link that was used. True if it was there.
pub fn remove_token(database: &mut Database, hash: &str) -> Result<bool, SqlError> {
    Ok(database.execute("DELETE FROM tokens WHERE hash = $1", &[Param::Text(hash)])? > 0)
}

/// Removes the sessions of an account; returns how many there were.
pub fn remove_sessions(database: &mut Database, account: &str) -> Result<u64, SqlError> {
    let sql = "DELETE FROM tokens WHERE account = $1 AND purpose = 'session'";
    database.execute(sql, &[Param::Text(account)])
}

/// Removes a machine token or a field link by its hash, with every session the link opened. True if it was there.
pub fn revoke(database: &mut Database, hash: &str) -> Result<bool, SqlError> {
    database.execute("DELETE FROM tokens WHERE label = $1 AND purpose = 'session'", &[Param::Text(hash)])?;
    remove_token(database, hash)
}

/// Removes tokens that expired at or before `now`; returns how many.
pub fn remove_expired(database: &mut Database, now: Time) -> Result<u64, SqlError> {
    database.execute("DELETE FROM tokens WHERE expires_at <= $1", &[Param::Int(now.0)])
}

fn account(row: &Row<'_>) -> Result<Account, SqlError> {
    Ok(Account {
        account: row.text(0)?.to_owned(),
        name: row.text(1)?.to_owned(),
        role: read_role(row, 2)?,
        password_hash: row.text(3)?.to_owned(),
        disabled: row.int(4)? != 0,
    })
}

fn token(row: &Row<'_>) -> Result<Token, SqlError> {
    Ok(Token {
        hash: row.text(0)?.to_owned(),
        account: row.text(1)?.to_owned(),
        purpose: Purpose::read(row, 2)?,
        created_at: Time(row.int(3)?),
        expires_at: row.opt_int(4)?.map(Time),
        role: if row.text(5)?.is_empty() { None } else { Some(read_role(row, 5)?) },
        party: row.text(6)?.to_owned(),
        label: row.text(7)?.to_owned(),
    })
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::DutyOfficer => "duty_officer",
        Role::ShiftLead => "shift_lead",
        Role::Commander => "commander",
        Role::Administrator => "administrator",
        Role::ReadOnly => "read_only",
        Role::Field => "field",
    }
}

fn read_role(row: &Row<'_>, column: usize) -> Result<Role, SqlError> {
    match row.text(column)? {
        "duty_officer" => Ok(Role::DutyOfficer),
        "shift_lead" => Ok(Role::ShiftLead),
        "commander" => Ok(Role::Commander),
        "administrator" => Ok(Role::Administrator),
        "read_only" => Ok(Role::ReadOnly),
        "field" => Ok(Role::Field),
        _ => Err(SqlError::Column { column, wanted: "a role" }),
    }
}
