//! Opens the rooms in order and connects them; closes them in the reverse order.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use api::{Api, Board, Hub, Parts as ApiParts, Sessions};
use config::{Known, Loaded, Revision};
use engine::FactBody;
use hall::{Hall, Outputs, Recovery, StartError};
use ingest::mqtt::{Door, DoorDeps, DoorSettings, Limits, server_config};
use ingest::{PendingTags, Rejections};
use model::{Directory, Gateways, Reading};
use parking_lot::Mutex;
use protocol::{AlarmView, settle};
use response::WorkSettings;
use runtime::{LatestTable, Metrics, Shared, Tasks};
use store::Location;
use tokio::runtime::Handle;

use crate::camera_views::cameras as cameras_of;
use crate::cameras::Cameras;
use crate::devices::{self, Device};
use crate::records::{Parts, Readers, records};
use crate::reload::{self, ReadSource, Reload};
use crate::{check, exit, mqtt_sessions, outlet::Outlet, submit};

/// Doors have this long to send their last acknowledgements.
const DOORS_STOP: Duration = Duration::from_secs(5);
/// People's door has this long to say goodbye.
const HTTP_STOP: Duration = Duration::from_secs(3);

/// What to open.
pub struct Plan {
    pub loaded: Loaded,
    pub source: ReadSource,
    pub data_dir: PathBuf,
    pub devices: Vec<Device>,
    pub video: video::Settings,
}

/// The open hall.
pub struct Building {
    pub hall: Hall,
    pub api: Api,
    pub http: SocketAddr,
    pub mqtt: SocketAddr,
    pub directory: Arc<Shared<Directory>>,
    pub readers: Arc<Readers>,
    historian: crate::history::History,
    cameras: Cameras,
    doors: Tasks,
    people: Tasks,
}

/// Why the building does not open, with its exit code.
struct Opening(anyhow::Error);

impl From<StartError> for Opening {
    fn from(error: StartError) -> Self {
        Self(exit::start(&error))
    }
}

impl From<anyhow::Error> for Opening {
    fn from(error: anyhow::Error) -> Self {
        Self(error)
    }
}

/// Everything shared between rooms while they are opened.
struct Rooms {
    metrics: Metrics,
    directory: Arc<Shared<Directory>>,
    work_settings: Arc<Shared<WorkSettings>>,
    latest: Arc<Shared<LatestTable>>,
    hub: Arc<Hub>,
    board: Arc<Board>,
    outlet: Arc<Outlet>,
    pending: Arc<PendingTags>,
    rejections: Arc<Rejections>,
    cameras: Cameras,
}

impl Building {
    /// Opens everything.
    ///
    /// # Errors
    /// With the exit code that says what to do: 65, 74, 75 or 78.
    pub fn open(mut plan: Plan, runtime: &Handle) -> anyhow::Result<Self> {
        // Tasks may be started from here, and blocking rooms (a PostgreSQL client has a runtime of its own) opened.
        let _entered = runtime.enter();
        std::fs::create_dir_all(&plan.data_dir)
            .map_err(|e| exit::with(74, format!("cannot make the data folder {}: {e}", plan.data_dir.display())))?;
        // Journal and historian hold hashes and people's names: their owner only.
        std::fs::set_permissions(&plan.data_dir, std::fs::Permissions::from_mode(0o700))
            .map_err(|e| exit::with(74, format!("cannot close the data folder {}: {e}", plan.data_dir.display())))?;
        let location = match &plan.loaded.settings.journal.location {
            config::JournalLocation::Sqlite => Location::Sqlite(plan.data_dir.clone()),
            config::JournalLocation::Postgres(url) => Location::Postgres(url.clone()),
        };
        let mut built = None;
        let recovery = Recovery::run(&location, &plan.data_dir, |recovered, number| {
            let known = Known { tags: recovered.tags.clone(), conditions: recovered.conditions.clone() };
            let revision = Revision::build(&plan.loaded, &known, number).map_err(|p| check::problems(&p))?;
            let names = reload::new_names(&known, &revision.known);
            built = Some((revision.directory, revision.known, names));
            Ok::<_, Opening>(revision.rules)
        })
        .map_err(|Opening(error)| error)?;
        let (directory, known, names) = built.context("no rules were built")?;
        let mappings = reload::mappings(&plan.loaded).map_err(|p| exit::with(78, p.message_en))?;
        // The text of the sites is not needed any more; what comes next can have its memory.
        (plan.loaded.sites, plan.loaded.rules) = Default::default();
        let rooms = Rooms::new(&recovery, directory);
        let gateways = Gateways::new(recovery.recovered.gateways.clone());
        let historian = crate::history::History::open(&plan, &location)?;
        let parts = (settings(&plan, &historian), rooms.outputs(&historian), rooms.metrics.clone());
        let in_force = (rooms.directory.load(), Arc::new(plan.loaded.work.settings.clone()));
        let hall = Hall::start(recovery, names, in_force, parts).map_err(|e| exit::start(&e))?;
        let reload = Arc::new(Reload {
            source: plan.source.clone(),
            known: Mutex::new(known),
            directory: rooms.directory.clone(),
            latest: rooms.latest.clone(),
            mappings: Arc::new(Shared::new(mappings)),
        });
        let readers = Arc::new(Readers::new(location));
        open_doors(plan, rooms, Opened { hall, reload, readers, historian, gateways }, runtime)
    }

    /// Closes in order: doors, hall, people, cameras, historian.
    pub fn close(self, runtime: &Handle) {
        tracing::info!("stopping: doors first");
        if !runtime.block_on(self.doors.stop(DOORS_STOP)) {
            tracing::warn!("some device connections did not end in time");
        }
        self.hall.stop();
        runtime.block_on(self.people.stop(HTTP_STOP));
        runtime.block_on(self.cameras.close());
        // The last handle flushes what is in memory; what does not get there is read back from the journal.
        drop(self.historian);
        tracing::info!("stopped; everything acknowledged is durable");
    }

    /// Sessions, to let people and machines in.
    pub fn sessions(&self) -> &Sessions {
        &self.api.sessions
    }
}

fn settings(plan: &Plan, historian: &crate::history::History) -> hall::Settings {
    let s = &plan.loaded.settings;
    hall::Settings {
        commit_budget_us: (s.journal.commit_budget_ms * 1_000.0) as i64,
        linger_us: (s.journal.linger_ms * 1_000.0) as i64,
        snapshot_every: Duration::from_secs_f64(s.snapshot_every_s),
        historian_seq: historian.durable_seq(),
    }
}

impl Rooms {
    fn new(recovery: &Recovery, directory: Directory) -> Self {
        let engine = recovery.engine();
        let latest = LatestTable::new(directory.tags().len());
        reload::fill(&latest, engine);
        let shown = |alarms: Vec<alarm::AlarmRecord>| {
            alarms.iter().map(|a| (a.alarm_id.0, AlarmView::new(a, &directory))).collect()
        };
        let alarms = (shown(engine.open_alarms()), shown(engine.exercise_alarms()));
        let items = engine.book().open().cloned().collect();
        let seq = recovery.recovered.last_fact_seq;
        Self {
            metrics: Metrics::default(),
            latest: Arc::new(Shared::new(latest)),
            hub: Arc::new(Hub::new(seq + 1)),
            board: Arc::new(Board::new(seq, alarms, items)),
            work_settings: Arc::new(Shared::new(engine.book().settings().as_ref().clone())),
            directory: Arc::new(Shared::new(directory)),
            outlet: Arc::default(),
            pending: Arc::default(),
            rejections: Arc::default(),
            cameras: Cameras::default(),
        }
    }

    fn outputs(&self, historian: &crate::history::History) -> Outputs {
        let (board, hub, directory, outlet) =
            (self.board.clone(), self.hub.clone(), self.directory.clone(), self.outlet.clone());
        let (provisional, work_settings) = (self.hub.clone(), self.work_settings.clone());
        let (latest, cameras) = (self.latest.clone(), self.cameras.clone());
        let newest = self.metrics.gauge("fenghuo_last_reading_us", "", "Server time of the newest reading.");
        Outputs {
            settled: Box::new(move |told| {
                let texts = told.texts.iter().map(|t| settle(t, Some(told.committed_at)));
                let frames: Vec<(String, &str)> = texts.zip(told.facts.iter().map(|f| receiver(&f.body))).collect();
                hub.publish(frames.iter().map(|(text, party)| (text.as_str(), *party)));
                if !Arc::ptr_eq(&work_settings.load(), told.settings) {
                    work_settings.store(told.settings.clone());
                }
                board.apply(told.facts, &directory.load());
                outlet.tell(told);
                cameras.tell(told.facts);
            }),
            provisional: Box::new(move |alarms| {
                let frames: Vec<(u64, String)> = alarms.iter().map(|(seq, text)| (*seq, settle(text, None))).collect();
                provisional.publish_provisional(frames.iter().map(|(seq, text)| (*seq, text.as_str())));
            }),
            readings: historian.sink(),
            latest: Box::new(move |readings: &[Reading]| {
                let table = latest.load();
                for r in readings {
                    table.set(r.tag.0, r.value, r.source_time.0, r.quality as u8);
                }
                if let Some(last) = readings.last() {
                    newest.set(last.server_time.0 as f64);
                }
            }),
            failed: Box::new(|error| tracing::error!(error = %error.chain(), "the hall acknowledges nothing more")),
        }
    }
}

/// The party that may see a fact besides the hall's staff; empty: none.
fn receiver(fact: &FactBody) -> &str {
    match fact {
        FactBody::Work(event) => event.item.receiver.as_deref().unwrap_or_default(),
        FactBody::Exercise(played) => receiver(played),
        FactBody::Alarm(_) | FactBody::Notice(_) => "",
    }
}

/// What is open before the doors.
struct Opened {
    hall: Hall,
    reload: Arc<Reload>,
    readers: Arc<Readers>,
    historian: crate::history::History,
    gateways: Gateways,
}

fn open_doors(mut plan: Plan, rooms: Rooms, opened: Opened, runtime: &Handle) -> anyhow::Result<Building> {
    let Opened { hall, reload, readers, historian, gateways } = opened;
    let video = std::mem::take(&mut plan.video);
    let settings = &plan.loaded.settings;
    let (doors, people) = (Tasks::new(), Tasks::new());
    let gateways = Arc::new(Mutex::new(gateways));
    let deps = door_deps(&plan, &rooms, (&hall, &reload, &readers), &gateways)?;
    for broker in &settings.brokers {
        ingest::broker::subscribe(subscription(broker), deps.clone(), &doors);
    }
    let door = runtime
        .block_on(Door::listen(door_settings(settings)?, deps, &doors))
        .map_err(|e| exit::with(78, format!("MQTT door {}: {e}; choose another with --mqtt", settings.mqtt.listen)))?;
    let mqtt = door.plain.context("the MQTT door has no plain listener")?;
    rooms.outlet.open(door.outgoing, &readers).map_err(|p| exit::with(74, p.message_en))?;
    rooms.outlet.start_clearing(&hall, &doors);
    let shared = (plan.data_dir.as_path(), &rooms.metrics, &people);
    rooms.cameras.open(video, shared, &rooms.board.alarms(|_| true).1)?;
    let (watched, history, metrics) = (hall.clone(), historian.share(), rooms.metrics.clone());
    let cameras = rooms.cameras.clone();
    let attachments = store::attachments::Attachments::new(&plan.data_dir);
    match attachments.remove_parts() {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "uploads that never ended are gone"),
        Err(error) => tracing::warn!(error = error.chain(), "uploads that never ended cannot be removed"),
    }
    let parts = Parts {
        readers: readers.clone(),
        hall: hall.clone(),
        directory: rooms.directory.clone(),
        pending: rooms.pending.clone(),
        rejections: rooms.rejections.clone(),
        attachments,
        reload,
        history: historian.query(),
        subsystems: Arc::new(move || {
            history.measure(&metrics);
            let mut all = subsystems(&watched);
            all.push(history.state());
            all.extend(cameras.subsystem());
            all
        }),
    };
    let api = Api::new(
        api::Settings {
            origins: settings.http.origins.clone(),
            desk: settings.http.desk.clone(),
            resume_max: settings.http.resume_max,
            teams: settings.teams.clone(),
        },
        ApiParts {
            hub: rooms.hub,
            board: rooms.board,
            directory: rooms.directory.clone(),
            work_settings: rooms.work_settings,
            latest: rooms.latest,
            desk: submit::desk(&hall),
            records: records(&parts),
            cameras: cameras_of(&rooms.cameras),
            live: crate::live::live(&rooms.cameras),
            metrics: rooms.metrics,
        },
        people.clone(),
    );
    let http = runtime
        .block_on(api.listen(settings.http.listen))
        .map_err(|e| exit::with(78, format!("console {}: {e}; choose another with --http", settings.http.listen)))?;
    give_back_memory();
    let (directory, cameras) = (rooms.directory, rooms.cameras);
    Ok(Building { hall, api, http, mqtt, directory, readers, historian, cameras, doors, people })
}

fn subscription(broker: &config::Broker) -> ingest::broker::Subscription {
    ingest::broker::Subscription {
        name: broker.name.clone(),
        host: broker.host.clone(),
        port: broker.port,
        client_id: broker.client_id.clone(),
        credentials: broker.login.clone(),
        filters: broker.filters.clone(),
        qos: broker.qos,
        enterprises: broker.enterprises.clone(),
    }
}

fn door_settings(settings: &config::Settings) -> anyhow::Result<DoorSettings> {
    let mqtt = &settings.mqtt;
    let read = |file: &PathBuf| {
        std::fs::read(file).map_err(|e| exit::with(78, format!("{}: FILE_UNREADABLE {e}", file.display())))
    };
    let tls = match &mqtt.tls {
        None => None,
        Some(tls) => {
            let authority = tls.client_authority.as_ref().map(read).transpose()?;
            let config = server_config(&read(&tls.certificate)?, &read(&tls.key)?, authority.as_deref());
            Some((tls.listen, config.map_err(|e| exit::with(78, format!("mqtt.tls: {e}")))?))
        }
    };
    let limits =
        Limits { packet_max: mqtt.packet_max as usize, rate_max: mqtt.rate_max_per_s as u32, ..Limits::default() };
    let connections_max = mqtt.connections_max as usize;
    Ok(DoorSettings { plain: Some(mqtt.listen), tls, connections_max, limits, ..DoorSettings::default() })
}

fn door_deps(
    plan: &Plan,
    rooms: &Rooms,
    (hall, reload, readers): (&Hall, &Arc<Reload>, &Arc<Readers>),
    gateways: &Arc<Mutex<Gateways>>,
) -> anyhow::Result<DoorDeps> {
    let sessions = mqtt_sessions::MqttSessions::open(readers, hall.clone())?;
    let audit = {
        let hall = hall.clone();
        // Nobody waits for it; a hall that takes nothing now says so elsewhere.
        move |row| drop(hall.submit(hall::Submission::Record(Box::new(|_| Ok(())), Some(row), Box::new(|_| ()))))
    };
    Ok(DoorDeps {
        submit: submit::batches(hall),
        directory: rooms.directory.clone(),
        mappings: reload.mappings.clone(),
        verify: devices::audited(devices::verify(plan.devices.clone()), audit),
        intern: submit::intern(hall, gateways.clone()),
        load_session: sessions.load(),
        save_session: sessions.save(),
        rejections: rooms.rejections.clone(),
        pending: rooms.pending.clone(),
        metrics: rooms.metrics.clone(),
    })
}

/// A start reads texts that are no longer needed when it is done, tens of megabytes for 100,000 tags; the allocator would
/// keep them.
#[allow(unsafe_code, reason = "the C library offers this only as a plain function")]
fn give_back_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: `malloc_trim` takes a number, touches only free memory, and may be called at any time from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// For `/readyz`: each with its reason.
fn subsystems(hall: &Hall) -> Vec<api::Subsystem> {
    let journal = match (hall.failure(), hall.commit_age_us()) {
        (Some(reason), _) => (false, reason),
        (None, age) if age > 1_000_000 => (false, format!("a commit has not returned for {} ms", age / 1_000)),
        _ => (true, "commits return".to_owned()),
    };
    vec![("journal".to_owned(), journal.0, journal.1), ("mqtt".to_owned(), true, "listening".to_owned())]
}
