//! Accounts and device passwords from the command line.

use std::path::Path;

use api::hash_password;
use model::Role;
use store::accounts::{self, Account};
use store::{AuditNote, Database, Journal, Location};

use crate::building::Building;
use crate::cli::User;
use crate::exit;
use crate::records::change_records;
use crate::secrets::{hash_device, random_hex};

/// Makes the accounts of the settings if there are none yet, and prints a one-time link for the first administrator.
///
/// # Errors
/// When they cannot be made durable.
pub fn first_accounts(building: &Building, wanted: &[config::Account]) -> anyhow::Result<()> {
    let read = |r: &mut store::Reader| {
        accounts::all(r.database()).map_err(|source| store::StoreError::Sql { doing: "read accounts", source })
    };
    let present = building.readers.read(read).map_err(|p| exit::with(74, p.message_en))?;
    if !present.is_empty() {
        return Ok(());
    }
    for account in wanted {
        // No password fits this; `fenghuo user add` gives the first one, while the hall is stopped.
        save(building, account, "!")?;
    }
    match wanted.iter().find(|a| a.role == Role::Administrator) {
        Some(admin) => {
            let token = building.sessions().one_time_link(&admin.account);
            tracing::info!(
                "first start; log in once as {}: http://{}/login?token={token}",
                admin.account,
                building.http
            );
        }
        None => tracing::warn!("no account has the role administrator; add one with: fenghuo user add"),
    }
    Ok(())
}

/// Adds or changes an account through the running hall.
///
/// # Errors
/// When it cannot be made durable.
pub fn save(building: &Building, account: &config::Account, password_hash: &str) -> anyhow::Result<()> {
    let row = Account {
        account: account.account.clone(),
        name: account.name.clone(),
        role: account.role,
        password_hash: password_hash.to_owned(),
        disabled: false,
    };
    let audit = ("system".to_owned(), "account.saved".to_owned(), account.account.clone());
    change_records(&building.hall, Box::new(move |db: &mut Database| accounts::save(db, &row)), Some(audit))
        .map_err(|p| exit::with(74, p.message_en))
}

/// `fenghuo user …`, on the data itself.
///
/// # Errors
/// Exit 75 when the hall is running on it.
#[allow(clippy::print_stdout, reason = "what the command is for")]
pub fn run(command: &User) -> anyhow::Result<()> {
    match command {
        User::List { config } => {
            let mut journal = open(config)?;
            let mut all = Vec::new();
            journal.apply(&[], |db| accounts::all(db).map(|rows| all = rows)).map_err(|e| exit::with(74, e.chain()))?;
            for a in all {
                println!("{}\t{}\t{:?}", a.account, a.name, a.role);
            }
            Ok(())
        }
        User::Add { config, account, name, role } => {
            let role = parse_role(role)?;
            let password = random_hex::<8>()?;
            let password_hash = hash_password(&password).map_err(|e| exit::with(74, e))?;
            let row = Account { account: account.clone(), name: name.clone(), role, password_hash, disabled: false };
            let note = AuditNote { account: "system", action: "account.saved", subject: account, detail: name };
            open(config)?.apply(&[note], |db| accounts::save(db, &row)).map_err(|e| exit::with(74, e.chain()))?;
            println!("{account}: password {password}");
            Ok(())
        }
    }
}

fn parse_role(text: &str) -> anyhow::Result<Role> {
    Ok(match text {
        "duty_officer" => Role::DutyOfficer,
        "shift_lead" => Role::ShiftLead,
        "commander" => Role::Commander,
        "administrator" => Role::Administrator,
        "read_only" => Role::ReadOnly,
        _ => {
            let wanted = "duty_officer, shift_lead, commander, administrator or read_only";
            return Err(exit::with(78, format!("role \"{text}\", wanted {wanted}")));
        }
    })
}

fn open(file: &Path) -> anyhow::Result<Journal> {
    let location = crate::audit::location(file)?;
    if let Location::Sqlite(folder) = &location {
        std::fs::create_dir_all(folder)?;
    }
    Journal::open(&location).map(|(journal, _)| journal).map_err(|e| exit::with(e.exit_code(), e.chain()))
}

/// `fenghuo device NAME`.
///
/// # Errors
/// When the system gives no random bytes.
#[allow(clippy::print_stdout, reason = "what the command is for")]
pub fn device(username: &str) -> anyhow::Result<()> {
    let password = random_hex::<16>()?;
    println!("# password of {username}, shown only here: {password}");
    println!(
        "[[device]]\nusername = \"{username}\"\npassword_hash = \"{}\"\nenterprises = []",
        hash_device(&password)?
    );
    Ok(())
}
