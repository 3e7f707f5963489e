//! Bodies about accounts, machine tokens, personal links and attachments. Times are microseconds since the epoch, UTC.

use model::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Add an account, or change one: what is left out stays as it is.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountBody {
    /// Account name: 1 to 32 lower-case letters, digits, `.`, `_` or `-`.
    pub account: String,
    /// The person's name; mandatory for a new account.
    #[serde(default)]
    pub name: Option<String>,
    /// `duty_officer`, `shift_lead`, `commander`, `administrator`, `read_only`; mandatory for a new account.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub role: Option<Role>,
    /// New password, 8 to 128 characters; mandatory for a new account.
    #[serde(default)]
    pub password: Option<String>,
    /// May not log in; its sessions end and its streams close.
    #[serde(default)]
    pub disabled: Option<bool>,
}

/// An account as shown to the administrator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AccountView {
    /// Account name.
    pub account: String,
    /// The person's name.
    pub name: String,
    /// Role.
    #[schema(value_type = String)]
    pub role: Role,
    /// May not log in.
    pub disabled: bool,
}

/// Accounts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AccountsView {
    /// All of them.
    pub accounts: Vec<AccountView>,
}

/// Somebody who works in the hall: who may be named as owner, successor or stand-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonView {
    /// Account name.
    pub account: String,
    /// The person's name.
    pub name: String,
    /// Role.
    #[schema(value_type = String)]
    pub role: Role,
}

/// People of the hall.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PeopleView {
    /// Those who may log in.
    pub people: Vec<PersonView>,
}

/// Make a machine token.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    /// What it is for: the name it appears by, 1 to 60 characters.
    pub purpose: String,
    /// Days until it expires, 1 to 3650.
    pub days: u32,
    /// `read_only` by default; never `administrator` or `field`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub role: Option<Role>,
}

/// A new machine token; the token itself is shown only here.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NewTokenView {
    /// Names it in the list and for its end.
    pub id: String,
    /// `Authorization: Bearer <token>`.
    pub token: String,
    /// Until when, microseconds since the epoch.
    pub expires_at: i64,
}

/// A machine token or a personal link, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TokenView {
    /// Names it.
    pub id: String,
    /// `machine` or `field_link`.
    pub kind: String,
    /// Purpose, or the party's name.
    pub purpose: String,
    /// Role of its holder.
    #[schema(value_type = String)]
    pub role: Role,
    /// Party of a personal link, or empty.
    pub party: String,
    /// Since when, microseconds since the epoch.
    pub created_at: i64,
    /// Until when, microseconds since the epoch.
    pub expires_at: Option<i64>,
}

/// Machine tokens and personal links.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TokensView {
    /// Those that have not expired.
    pub tokens: Vec<TokenView>,
}

/// Make a personal link to the field page for a party.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldLinkBody {
    /// Party id.
    pub party: String,
    /// Hours until it expires, 1 to 720.
    pub valid_h: u32,
}

/// A personal link; it opens the field page of its party, on any number of phones, until it expires or is revoked.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldLinkView {
    /// Names it for its end (`DELETE /api/v1/tokens/{id}`).
    pub id: String,
    /// Path with its key, below the console's address: `/m/enter?key=…`.
    pub url: String,
    /// Until when, microseconds since the epoch.
    pub expires_at: i64,
}

/// A file that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttachmentView {
    /// SHA-256 of its bytes, hexadecimal; commands name it by this.
    pub id: String,
    /// Name as kept.
    pub name: String,
    /// What its bytes say it is.
    pub media_type: String,
    /// Size.
    pub bytes: u64,
}
