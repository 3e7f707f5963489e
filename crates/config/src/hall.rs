//! `fenghuo.toml`: doors, journal, historian, brokers, devices.

use std::net::SocketAddr;
use std::path::PathBuf;

use model::{Role, Team};

use crate::Problem;
use crate::camera::{self, VideoText};
use crate::reader::{Reader, Report};

/// Everything of `fenghuo.toml`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Data folder.
    pub data_dir: PathBuf,
    /// People's door.
    pub http: Http,
    /// Firms' door.
    pub mqtt: Mqtt,
    /// Journal.
    pub journal: Journal,
    /// Historian.
    pub historian: Historian,
    /// Foreign brokers subscribed to.
    pub brokers: Vec<Broker>,
    /// Devices that may publish.
    pub devices: Vec<Device>,
    /// Accounts made at the first start.
    pub accounts: Vec<Account>,
    /// Teams that can be sent.
    pub teams: Vec<Team>,
    /// Folder with site files.
    pub sites_dir: PathBuf,
    /// Folder with rule files.
    pub rules_dir: PathBuf,
    /// Folder with plan cards.
    pub plans_dir: PathBuf,
    /// Folder with the site's own profiles, over the shipped ones.
    pub profiles_dir: PathBuf,
    /// Parties: units, teams, persons, enterprises, towns.
    pub parties_file: PathBuf,
    /// Roster pattern.
    pub roster_file: PathBuf,
    /// Seconds between engine snapshots.
    pub snapshot_every_s: f64,
    /// Disks of recordings and addresses of cameras.
    pub video: VideoText,
}

/// People's door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Address.
    pub listen: SocketAddr,
    /// Origins that may open the stream, besides the door's own address.
    pub origins: Vec<String>,
    /// Name of this desk.
    pub desk: String,
    /// A client that comes back further behind than this many frames loads the open alarms instead of resuming.
    pub resume_max: u64,
}

/// Firms' door.
#[derive(Clone, Debug, PartialEq)]
pub struct Mqtt {
    /// Plain address.
    pub listen: SocketAddr,
    /// TLS, if any.
    pub tls: Option<Tls>,
    /// Connections at once.
    pub connections_max: u32,
    /// Largest packet, bytes.
    pub packet_max: u32,
    /// Readings per second and connection.
    pub rate_max_per_s: f64,
}

/// TLS of a door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Address.
    pub listen: SocketAddr,
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
    /// Authority of client certificates, PEM.
    pub client_authority: Option<PathBuf>,
}

/// Where the journal lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalLocation {
    /// `journal.db` in the data folder.
    Sqlite,
    /// A PostgreSQL URL.
    Postgres(String),
}

/// Journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Journal {
    /// Where.
    pub location: JournalLocation,
    /// After this long without an answer of the disk an alarm is pushed provisionally, milliseconds.
    pub commit_budget_ms: f64,
    /// Readings that nobody waits for may ride along this long, milliseconds.
    pub linger_ms: f64,
}

/// Historian.
#[derive(Clone, Debug, PartialEq)]
pub struct Historian {
    /// Days kept.
    pub retain_days: u32,
    /// Memory for unsealed readings, MiB.
    pub memory_mib: u32,
}

/// A foreign broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Name, for states and gateways.
    pub name: String,
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Client id.
    pub client_id: String,
    /// Topic filters.
    pub filters: Vec<String>,
    /// 0 or 1.
    pub qos: u8,
    /// User name and password.
    pub login: Option<(String, String)>,
    /// Enterprises whose data may come this way; empty: all.
    pub enterprises: Vec<String>,
}

/// A device or gateway that may publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// User name, or the common name of its certificate.
    pub username: String,
    /// `sha256:SALT:HASH`, both hexadecimal; none: certificate only.
    pub password_hash: Option<String>,
    /// Enterprises it may publish for.
    pub enterprises: Vec<String>,
}

/// An account made at the first start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Account name.
    pub account: String,
    /// The person's name.
    pub name: String,
    /// Role.
    pub role: Role,
}

impl Settings {
    /// Reads `fenghuo.toml`.
    ///
    /// # Errors
    /// Every problem of the file.
    pub fn read(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let report = Report::new(file, text);
        let root = report.parse();
        let reader = Reader::new(root.get_ref(), 0, &report);
        let settings = read_settings(&reader);
        reader.finish();
        let problems = report.take();
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }
}

fn read_settings(r: &Reader<'_, '_>) -> Settings {
    Settings {
        data_dir: r.opt_text("data_dir").unwrap_or_else(|| "data".into()).into(),
        sites_dir: r.opt_text("sites_dir").unwrap_or_else(|| "sites".into()).into(),
        rules_dir: r.opt_text("rules_dir").unwrap_or_else(|| "rules".into()).into(),
        plans_dir: r.opt_text("plans_dir").unwrap_or_else(|| "plans".into()).into(),
        profiles_dir: r.opt_text("profiles_dir").unwrap_or_else(|| "profiles".into()).into(),
        parties_file: r.opt_text("parties_file").unwrap_or_else(|| "parties.toml".into()).into(),
        roster_file: r.opt_text("roster_file").unwrap_or_else(|| "roster.toml".into()).into(),
        snapshot_every_s: r.number("snapshot_every_s", 30.0, 1.0..=3_600.0),
        video: camera::video(r),
        http: section(r, "http", http),
        mqtt: section(r, "mqtt", mqtt),
        journal: section(r, "journal", journal),
        historian: section(r, "historian", historian),
        brokers: each(r, "broker", broker),
        devices: each(r, "device", device),
        accounts: each(r, "account", account),
        teams: each(r, "team", team),
    }
}

/// Reads a table that may be absent: an empty one then gives the defaults.
fn section<T>(r: &Reader<'_, '_>, key: &'static str, read: fn(&Reader<'_, '_>) -> T) -> T {
    let empty = toml::de::DeTable::new();
    let none = Report::new("", "");
    match r.opt_table(key) {
        Some(table) => {
            let value = read(&table);
            table.finish();
            value
        }
        None => read(&Reader::new(&empty, 0, &none)),
    }
}

fn each<T>(r: &Reader<'_, '_>, key: &'static str, read: fn(&Reader<'_, '_>) -> T) -> Vec<T> {
    let mut all = Vec::new();
    for table in r.tables(key) {
        all.push(read(&table));
        table.finish();
    }
    all
}

fn address(r: &Reader<'_, '_>, key: &'static str, default: SocketAddr) -> SocketAddr {
    let Some(text) = r.opt_text(key) else { return default };
    text.parse().unwrap_or_else(|_| {
        let en = format!("key `{key}` is \"{text}\", wanted an address such as \"127.0.0.1:8600\"");
        r.problem(key, "VALUE_RANGE", en, format!("键 `{key}` 的值 \"{text}\" 不是地址，例如 \"127.0.0.1:8600\""));
        default
    })
}

fn http(r: &Reader<'_, '_>) -> Http {
    Http {
        listen: address(r, "listen", SocketAddr::from(([127, 0, 0, 1], 8600))),
        origins: r.texts("origins"),
        desk: r.opt_text("desk").unwrap_or_else(|| "值守一席".into()),
        resume_max: r.number("resume_max", 100_000.0, 1.0..=10_000_000.0) as u64,
    }
}

fn mqtt(r: &Reader<'_, '_>) -> Mqtt {
    Mqtt {
        listen: address(r, "listen", SocketAddr::from(([127, 0, 0, 1], 1884))),
        tls: r.opt_table("tls").map(|t| {
            let tls = Tls {
                listen: address(&t, "listen", SocketAddr::from(([127, 0, 0, 1], 8884))),
                certificate: t.text("certificate").into(),
                key: t.text("key").into(),
                client_authority: t.opt_text("client_authority").map(Into::into),
            };
            t.finish();
            tls
        }),
        connections_max: r.number("connections_max", 10_000.0, 1.0..=100_000.0) as u32,
        packet_max: r.number("packet_max", 262_144.0, 1_024.0..=16_777_216.0) as u32,
        rate_max_per_s: r.number("rate_max_per_s", 10_000_000.0, 1.0..=100_000_000.0),
    }
}

fn journal(r: &Reader<'_, '_>) -> Journal {
    Journal {
        location: r.opt_text("postgres").map_or(JournalLocation::Sqlite, JournalLocation::Postgres),
        commit_budget_ms: r.number("commit_budget_ms", 50.0, 1.0..=10_000.0),
        linger_ms: r.number("linger_ms", 20.0, 0.0..=1_000.0),
    }
}

fn historian(r: &Reader<'_, '_>) -> Historian {
    Historian {
        retain_days: r.number("retain_days", 30.0, 1.0..=3_650.0) as u32,
        memory_mib: r.number("memory_mib", 64.0, 8.0..=16_384.0) as u32,
    }
}

fn broker(r: &Reader<'_, '_>) -> Broker {
    let name = r.text("name");
    let filters = r.texts("filters");
    if filters.is_empty() {
        let en = "key `filters` is empty, wanted at least one topic filter".to_owned();
        r.problem("filters", "KEY_MISSING", en, "键 `filters` 至少需要一个主题过滤器".into());
    }
    Broker {
        host: r.text("host"),
        port: r.number("port", 1_883.0, 1.0..=65_535.0) as u16,
        client_id: r.opt_text("client_id").unwrap_or_else(|| format!("fenghuo-{name}")),
        filters,
        qos: r.number("qos", 1.0, 0.0..=1.0) as u8,
        login: r.opt_text("username").map(|u| (u, r.opt_text("password").unwrap_or_default())),
        enterprises: r.texts("enterprises"),
        name,
    }
}

fn device(r: &Reader<'_, '_>) -> Device {
    Device {
        username: r.text("username"),
        password_hash: r.opt_text("password_hash"),
        enterprises: r.texts("enterprises"),
    }
}

fn account(r: &Reader<'_, '_>) -> Account {
    let role = r.text("role");
    Account {
        account: r.text("account"),
        name: r.text("name"),
        role: parse_role(&role).unwrap_or_else(|| {
            let wanted = "duty_officer, shift_lead, commander, administrator or read_only";
            let en = format!("key `role` is \"{role}\", wanted {wanted}");
            r.problem("role", "VALUE_RANGE", en, format!("键 `role` 的值 \"{role}\" 应为 {wanted} 之一"));
            Role::ReadOnly
        }),
    }
}

fn parse_role(text: &str) -> Option<Role> {
    Some(match text {
        "duty_officer" => Role::DutyOfficer,
        "shift_lead" => Role::ShiftLead,
        "commander" => Role::Commander,
        "administrator" => Role::Administrator,
        "read_only" => Role::ReadOnly,
        _ => return None,
    })
}

fn team(r: &Reader<'_, '_>) -> Team {
    Team {
        id: r.text("id"),
        name_zh: r.text("name_zh"),
        name_en: r.text("name_en"),
        telephone: r.opt_text("telephone").unwrap_or_default(),
    }
}
