//! The hall thread: take, step, commit, tell.

mod commit;
mod upkeep;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::Event;
use model::{Actor, Directory, Time};
use parking_lot::Mutex;
use response::WorkSettings;
use runtime::{Intake, Metrics, Offer, Tasks, unix_now};
use store::Journal;

use crate::counted::{Counted, Rate};
use crate::desk::{Batch, Desk};
use crate::lag::Lag;
use crate::submission::{Outputs, Submission};
use crate::{NewNames, Recovery, StartError, relief, rules_file};

/// Readings that wait for the hall before doors stop reading.
const INTAKE_MAX: usize = 500_000;
/// Deadlines are looked at at least this often.
const TICK: Duration = Duration::from_millis(100);
/// A batch this large is committed whatever waits.
const BATCH_READINGS: usize = 50_000;
/// Above this many submissions a second, the hall lets them gather instead of waking for each.
const GATHER_ABOVE_PER_S: f64 = 3_000.0;
/// How long they gather, unless a value beyond a limit is among them. An alarm of a rule over several tags, which the
/// doors cannot foresee, waits this long at such rates.
const GATHER: Duration = Duration::from_millis(1);

/// A reader of the tables waits this long for what was told; a disk that is stuck must not hold up every page.
const READ_WAIT: Duration = Duration::from_millis(100);

/// Numbers from `fenghuo.toml`.
#[derive(Clone)]
pub struct Settings {
    /// An alarm is pushed provisionally when the disk has not answered for this long, microseconds.
    pub commit_budget_us: i64,
    /// Readings nobody waits for ride along this long, microseconds.
    pub linger_us: i64,
    /// Between snapshots.
    pub snapshot_every: Duration,
    /// Tells which batch the historian has made durable; inputs up to it may go.
    pub historian_seq: Arc<dyn Fn() -> u64 + Send + Sync>,
}

/// What the hall thread and its relief share.
pub(crate) struct Shared {
    pub intake: Intake<Submission>,
    pub desk: Mutex<Desk>,
    /// Alarm frames of the commit that is under way: number, detected at, text.
    pub in_flight: Mutex<Vec<(u64, Time, Arc<str>)>>,
    /// When the commit under way began, microseconds since the epoch; 0: none.
    pub committing_since: AtomicI64,
    pub stopped: AtomicBool,
    /// Inputs up to this number are covered by every snapshot kept.
    covered: AtomicU64,
    failed: Mutex<Option<String>>,
    /// How far facts are told, and how far the tables have them.
    lag: Lag,
    pub outputs: Outputs,
    pub settings: Settings,
    pub counted: Counted,
}

impl Shared {
    /// Takes in all that waits. The desk is locked first, so that two takers cannot swap what they took.
    pub fn take_in(&self, items: &mut Vec<Submission>) -> usize {
        let mut desk = self.desk.lock();
        self.intake.take(items);
        let count = items.len();
        for item in items.drain(..) {
            let now = Time(unix_now());
            desk.tick(now);
            if let Submission::Readings { readings, .. } = &item {
                (self.outputs.latest)(readings);
            }
            desk.take(now, item);
        }
        desk.tick(Time(unix_now()));
        count
    }
}

/// A handle to the running hall. Cloning shares it.
#[derive(Clone)]
pub struct Hall {
    shared: Arc<Shared>,
    folder: Arc<std::path::Path>,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Hall {
    /// Puts the rules and the settings of the work systems into force and starts the threads.
    ///
    /// # Errors
    /// When the journal or the rules file cannot be written.
    pub fn start(
        recovery: Recovery,
        names: NewNames,
        (directory, work): (Arc<Directory>, Arc<WorkSettings>),
        parts: (Settings, Outputs, Metrics),
    ) -> Result<Self, StartError> {
        let (settings, outputs, metrics) = parts;
        let Recovery { journal, engine, recovered, replayed, folder, rules } = recovery;
        let now = Time(unix_now()).max(recovered.last_heard);
        let counted = Counted::new(&metrics);
        counted.replay_inputs.set(replayed as f64);
        let shared = Arc::new(Shared {
            intake: Intake::new(INTAKE_MAX),
            desk: Mutex::new(Desk::new(engine, (directory, recovered.gateways), now)),
            in_flight: Mutex::default(),
            committing_since: AtomicI64::new(0),
            stopped: AtomicBool::new(false),
            covered: AtomicU64::new(0),
            failed: Mutex::default(),
            lag: Lag::new(recovered.last_fact_seq),
            outputs,
            settings,
            counted,
        });
        let mut writer = Writer::new(shared.clone(), journal, folder.clone());
        writer.open(names, (rules, work), recovered.last_heard)?;
        writer.hurry_snapshot(replayed);
        let io = |source| StartError::Rules { revision: 0, source };
        let relieved = shared.clone();
        let threads = vec![
            Tasks::vital_thread("hall", move || writer.run()).map_err(io)?,
            Tasks::vital_thread("relief", move || relief::run(&relieved)).map_err(io)?,
        ];
        Ok(Self { shared, folder: folder.into(), threads: Arc::new(Mutex::new(threads)) })
    }

    /// Submits something; gives it back when the hall is full or closed.
    ///
    /// # Errors
    /// The submission, to be offered again later.
    pub fn submit(&self, submission: Submission) -> Result<(), Submission> {
        let (weight, urgent) = (submission.weight(), submission.is_urgent());
        match self.shared.intake.offer(submission, weight, urgent) {
            Offer::Taken => Ok(()),
            Offer::Full(s) | Offer::Closed(s) => Err(s),
        }
    }

    /// Puts new rules into force: keeps their file first, then submits them.
    ///
    /// # Errors
    /// When the file cannot be written, or the hall takes nothing now.
    pub fn activate(&self, activation: Activation, reply: crate::Reply<u64>) -> Result<(), StartError> {
        let Activation { rules, directory, names, work, actor } = activation;
        let in_force = self.shared.desk.lock().engine.rules().clone();
        let rules = engine::complete(&Arc::new(rules), &in_force);
        let io = |source| StartError::Rules { revision: rules.revision, source };
        rules_file::save(&self.folder, &rules).map_err(io)?;
        let busy = || io(std::io::Error::other("the hall takes nothing now"));
        let rules = rules.clone();
        self.submit(Submission::Rules { rules, directory, names, work, actor, reply }).map_err(|_| busy())
    }

    /// What a hand-over begun now would list, and the stream number it is true for. The engine waits meanwhile: a person
    /// who opens a page asks, never a timer.
    pub fn open_loops(&self) -> (u64, Vec<response::OpenLoop>) {
        let desk = self.shared.desk.lock();
        (desk.engine.last_seq(), desk.engine.open_loops())
    }

    /// Waits until the tables have what was told before this call, at most `READ_WAIT`: whoever saw a frame finds its
    /// subject in every list. Blocks; for readers of the tables.
    pub fn tables_have_what_is_told(&self) {
        if self.shared.failed.lock().is_none() {
            self.shared.lag.wait(READ_WAIT, || self.shared.intake.nudge());
        }
    }

    /// The number that new rules would get.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn next_revision(&self) -> Result<u64, StartError> {
        rules_file::newest(&self.folder).map(|n| n + 1).map_err(|source| StartError::Rules { revision: 0, source })
    }

    /// Whether it takes nothing more.
    pub fn is_closed(&self) -> bool {
        self.shared.stopped.load(Ordering::Acquire) || self.shared.intake.is_closed()
    }

    /// Why the journal failed, if it did.
    pub fn failure(&self) -> Option<String> {
        self.shared.failed.lock().clone()
    }

    /// How long the commit under way has taken, microseconds; 0: none is.
    pub fn commit_age_us(&self) -> i64 {
        match self.shared.committing_since.load(Ordering::Acquire) {
            0 => 0,
            since => unix_now() - since,
        }
    }

    /// Takes no more, commits what is there, saves a snapshot and ends. Blocks.
    pub fn stop(&self) {
        self.shared.intake.close();
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a hall thread panicked");
            }
        }
    }
}

/// What comes into force together.
pub struct Activation {
    /// Rules with their new revision number.
    pub rules: alarm::RuleSet,
    /// The tags that belong to them.
    pub directory: Arc<Directory>,
    /// New names in the order of their numbers: tags, conditions.
    pub names: (Vec<(String, String)>, Vec<String>),
    /// Settings of the work systems.
    pub work: Arc<WorkSettings>,
    /// Who.
    pub actor: Actor,
}

struct Writer {
    shared: Arc<Shared>,
    journal: Journal,
    folder: std::path::PathBuf,
    batch: Batch,
    texts: Vec<Arc<str>>,
    /// By when the tables should have what is durable.
    settle_at: Option<Instant>,
    /// Readings of commits that the tables do not have yet, with the number of their batch.
    owed: Vec<(u64, Vec<model::Reading>)>,
    rate: Rate,
    snapshot_at: Instant,
    readings_since_snapshot: u64,
    state: Option<(u64, engine::Snapshot)>,
    /// Inputs up to this number are gone, and when that was last looked at.
    pruned: u64,
    pruned_at: Instant,
    saving: Option<JoinHandle<()>>,
}

impl Writer {
    fn new(shared: Arc<Shared>, journal: Journal, folder: std::path::PathBuf) -> Self {
        Self {
            shared,
            journal,
            folder,
            batch: Batch::default(),
            texts: Vec::new(),
            settle_at: None,
            owed: Vec::new(),
            rate: Rate::new(),
            snapshot_at: Instant::now(),
            readings_since_snapshot: 0,
            state: None,
            pruned: 0,
            pruned_at: Instant::now(),
            saving: None,
        }
    }

    /// The first inputs of this run: new names, new rules and settings if they differ, and the restart.
    fn open(
        &mut self,
        (tags, conditions): NewNames,
        (rules, work): (Option<alarm::RuleSet>, Arc<WorkSettings>),
        last_heard: Time,
    ) -> Result<(), StartError> {
        let now = Time(unix_now());
        let mut desk = self.shared.desk.lock();
        desk.batch.names.tags = tags;
        desk.batch.names.conditions = conditions;
        // First of all: an event before it would let the deadlines of the time without a process run as if it had lived.
        if last_heard != Time::MIN {
            desk.own(now, &Event::Restarted { down_at: last_heard, up_at: now });
        }
        if let Some(rules) = rules {
            let revision = rules.revision;
            rules_file::save(&self.folder, &rules).map_err(|source| StartError::Rules { revision, source })?;
            desk.own(now, &Event::Rules(Arc::new(rules), Actor::system()));
        }
        desk.work(now, work, Actor::system());
        drop(desk);
        self.commit().map_err(StartError::Store)
    }

    fn run(mut self) {
        let mut items = Vec::new();
        loop {
            let more = self.shared.intake.wait(self.patience());
            if self.rate.per_s > GATHER_ABOVE_PER_S && self.shared.failed.lock().is_none() {
                self.shared.intake.gather(GATHER);
            }
            let count = self.shared.take_in(&mut items);
            self.rate.add(count);
            if self.due() || !more {
                if let Err(error) = self.commit() {
                    self.fail(&error);
                }
                self.housekeep();
            }
            if let Err(error) = self.settle_if_due() {
                self.fail(&error);
            }
            if !more {
                break;
            }
        }
        self.end();
    }

    /// How long nothing needs to be done.
    fn patience(&self) -> Duration {
        let desk = self.shared.desk.lock();
        // The relief may have taken it in while the last commit was under way.
        if desk.batch.is_urgent() || !desk.batch.marks.is_empty() {
            return Duration::ZERO;
        }
        let now = unix_now();
        let deadline = desk.engine.next_deadline().map_or(i64::MAX, |t| t.0.saturating_sub(now));
        let since = desk.batch.since.filter(|_| !desk.batch.is_empty());
        let linger = since.map_or(i64::MAX, |t| t.0 + self.shared.settings.linger_us - now);
        let settle = self.settle_at.map_or(TICK, |at| at.saturating_duration_since(Instant::now()));
        let us = deadline.min(linger).min(settle.as_micros() as i64).clamp(0, TICK.as_micros() as i64);
        Duration::from_micros(us as u64)
    }

    fn due(&self) -> bool {
        let desk = self.shared.desk.lock();
        let batch = &desk.batch;
        let waited = batch.since.map_or(0, |t| unix_now() - t.0);
        batch.is_urgent()
            || !batch.marks.is_empty()
            || !batch.names.is_empty()
            || batch.readings.len() >= BATCH_READINGS
            || (!batch.is_empty() && waited >= self.shared.settings.linger_us)
    }

    fn end(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
        if let Some(saving) = self.saving.take() {
            let _ = saving.join();
        }
        if self.shared.failed.lock().is_none()
            && let Err(error) = self.settle()
        {
            self.fail(&error);
        }
        if self.shared.failed.lock().is_none() {
            let desk = self.shared.desk.lock();
            self.state = Some((desk.engine.rules().revision, desk.engine.snapshot()));
            drop(desk);
            self.save_snapshot();
        }
        if let Some(saving) = self.saving.take() {
            let _ = saving.join();
        }
    }
}
