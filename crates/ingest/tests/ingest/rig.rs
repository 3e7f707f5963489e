//! What the tests share: a small site, a pure session with a pen for packets, and a hall that commits on command.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ingest::mqtt::{
    Actions, Admission, Allowed, Door, DoorDeps, DoorSettings, Identity, Limits, LoginError, Session, SessionRecord,
    Site, Step,
};
use ingest::payload::{Mapping, MappingItem, Mappings};
use ingest::{Batch, Link, PendingTags, Rejections};
use model::{Directory, GatewayIndex, Reading, TagEntry, Time};
use parking_lot::Mutex;
use runtime::{Metrics, Shared, Tasks};

/// 2026-11-26T00:00:00Z.
pub const NOW: Time = Time(1_795_651_200_000_000);

pub fn entry(enterprise: &str, tag: &str, unit: &str, span: Option<(f64, f64)>) -> TagEntry {
    TagEntry {
        enterprise: enterprise.into(),
        tag: tag.into(),
        unit_id: String::new(),
        description_zh: String::new(),
        description_en: String::new(),
        unit: unit.into(),
        span,
        limits: Default::default(),
        deadband: 0.0,
        on_delay_s: 0.0,
        off_delay_s: 0.0,
        period_s: None,
        retired: false,
    }
}

pub fn directory() -> Directory {
    let tags = vec![
        entry("plant-a", "nh3-1", "ppm", Some((0.0, 500.0))),
        entry("plant-a", "valve", "", None),
        entry("plant-b", "dust-1", "mg/m3", None),
    ];
    Directory::new(0, Vec::new(), tags)
}

pub fn mappings() -> Mappings {
    let item = |pointer: &str, tag: &str, scale: f64| MappingItem {
        pointer: pointer.into(),
        tag: tag.into(),
        unit: String::new(),
        scale,
        offset: 0.0,
        time: String::new(),
        quality: String::new(),
    };
    let mapping = Mapping {
        topic: "gw/{enterprise}/{n}/data".into(),
        enterprise: String::new(),
        time: "/t".into(),
        seq: "/seq".into(),
        items: vec![item("/d/nh3", "nh3-{n}", 0.1), item("/d/valve", "valve", 1.0), item("/d/new", "new-{n}", 1.0)],
    };
    Mappings::new(vec![mapping]).unwrap()
}

pub fn site() -> Site {
    Site { directory: Arc::new(directory()), mappings: Arc::new(mappings()), version: 1 }
}

pub fn identity() -> Identity {
    Identity {
        device: "device-a".into(),
        enterprises: Allowed::These(vec!["plant-a".into()]),
        client_ids: Vec::new(),
        outgoing: vec!["fenghuo/out/plant-a/".into()],
    }
}

/// Packets as a client writes them.
pub mod pen {
    pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
        let (mut out, mut n) = (vec![first], body.len());
        loop {
            let digit = (n % 128) as u8;
            n /= 128;
            out.push(if n > 0 { digit | 0x80 } else { digit });
            if n == 0 {
                break;
            }
        }
        out.extend_from_slice(body);
        out
    }

    pub fn text(text: &str) -> Vec<u8> {
        let mut out = (text.len() as u16).to_be_bytes().to_vec();
        out.extend_from_slice(text.as_bytes());
        out
    }

    /// Flags: 2 clean; level 4 or 5.
    pub fn connect(level: u8, flags: u8, id: &str, tail: &[u8]) -> Vec<u8> {
        let mut body = text("MQTT");
        body.extend_from_slice(&[level, flags, 0, 60]);
        if level == 5 {
            body.push(0);
        }
        body.extend(text(id));
        body.extend_from_slice(tail);
        packet(0x10, &body)
    }

    /// A v5 CONNECT that wants its session kept for an hour.
    pub fn connect_keep(clean: bool, id: &str) -> Vec<u8> {
        let mut body = text("MQTT");
        body.extend_from_slice(&[5, if clean { 2 } else { 0 }, 0, 60, 5, 0x11, 0, 0, 0x0e, 0x10]);
        body.extend(text(id));
        packet(0x10, &body)
    }

    pub fn publish(level: u8, first: u8, topic: &str, id: u16, payload: &str) -> Vec<u8> {
        publish_with(level, first, topic, id, &[], payload)
    }

    pub fn publish_with(level: u8, first: u8, topic: &str, id: u16, properties: &[u8], payload: &str) -> Vec<u8> {
        let mut body = text(topic);
        if first & 6 != 0 {
            body.extend_from_slice(&id.to_be_bytes());
        }
        if level == 5 {
            body.push(properties.len() as u8);
            body.extend_from_slice(properties);
        }
        body.extend_from_slice(payload.as_bytes());
        packet(first, &body)
    }

    pub fn subscribe(level: u8, filter: &str, options: u8) -> Vec<u8> {
        let mut body = vec![0, 7];
        if level == 5 {
            body.push(0);
        }
        body.extend(text(filter));
        body.push(options);
        packet(0x82, &body)
    }
}

/// A session fed by hand.
pub struct Bench {
    pub session: Session,
    pub site: Site,
    pub out: Actions,
    pub readings: Vec<Reading>,
    pub links: Vec<Link>,
    pub offered: u64,
    pub refused: u64,
    carry: Vec<u8>,
}

impl Bench {
    pub fn new(limits: Limits) -> Self {
        Self {
            session: Session::new(Arc::new(limits)),
            site: site(),
            out: Actions::default(),
            readings: Vec::new(),
            links: Vec::new(),
            offered: 0,
            refused: 0,
            carry: Vec::new(),
        }
    }

    /// Past CONNECT; the CONNACK is taken away.
    pub fn open(level: u8) -> Self {
        Self::open_with(level, Limits::default())
    }

    pub fn open_with(level: u8, limits: Limits) -> Self {
        let mut bench = Self::new(limits);
        bench.feed(&pen::connect(level, 2, "c", &[]));
        assert!(bench.session.is_open());
        bench.sent();
        bench
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        self.feed_as(bytes, None);
    }

    /// Feeds bytes, answers a login with "yes", and collects what came of it.
    pub fn feed_as(&mut self, bytes: &[u8], record: Option<SessionRecord>) {
        self.carry.extend_from_slice(bytes);
        loop {
            let used = self.session.feed(&self.carry, NOW, &self.site, &mut self.out);
            self.carry.drain(..used);
            let verify = self.out.steps.iter().any(|step| matches!(step, Step::Verify(_)));
            self.out.steps.retain(|step| !matches!(step, Step::Verify(_)));
            if verify {
                let identity = Arc::new(identity());
                let record = record.clone();
                let admission = Admission { identity, gateway: GatewayIndex(3), client_id: "c".into(), record };
                self.session.admit(admission, &self.site, &mut self.out);
            }
            let batch = std::mem::take(&mut self.out.batch);
            self.offered += batch.offered;
            self.refused += batch.refused_total();
            self.readings.extend(batch.readings);
            self.links.extend(batch.links);
            if !verify {
                break;
            }
        }
    }

    /// Everything so far is committed.
    pub fn commit(&mut self) {
        let upto = self.session.queued();
        self.session.committed(upto, &mut self.out);
        self.feed(&[]);
    }

    /// What was sent since the last look; with the last words if the session ends.
    pub fn sent(&mut self) -> Vec<u8> {
        let mut sent = std::mem::take(&mut self.out.send);
        if self.session.is_closing() {
            self.session.farewell(&mut sent);
        }
        sent
    }

    pub fn codes(&self) -> Vec<&'static str> {
        self.out.notes.iter().map(|note| note.refusal.code.as_str()).collect()
    }
}

/// A hall in a box: keeps what it is given and commits when told, or at once.
pub struct Hall {
    pub batches: Mutex<Vec<Batch>>,
    pub readings: Mutex<Vec<Reading>>,
    pub links: Mutex<Vec<Link>>,
    pub at_once: AtomicBool,
    pub full: AtomicBool,
    pub sessions: Mutex<std::collections::HashMap<String, SessionRecord>>,
    gateways: AtomicU32,
    pub metrics: Metrics,
    pub pending: Arc<PendingTags>,
    pub rejections: Arc<Rejections>,
    pub directory: Arc<Shared<Directory>>,
}

impl Hall {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            batches: Mutex::default(),
            readings: Mutex::default(),
            links: Mutex::default(),
            at_once: AtomicBool::new(true),
            full: AtomicBool::new(false),
            sessions: Mutex::default(),
            gateways: AtomicU32::new(0),
            metrics: Metrics::default(),
            pending: Arc::default(),
            rejections: Arc::default(),
            directory: Arc::new(Shared::new(directory())),
        })
    }

    fn take(&self, mut batch: Batch) -> Result<(), Batch> {
        if self.full.load(Ordering::Relaxed) {
            return Err(batch);
        }
        self.readings.lock().append(&mut batch.readings);
        self.links.lock().append(&mut batch.links);
        self.batches.lock().push(batch);
        if self.at_once.load(Ordering::Relaxed) {
            self.commit();
        }
        Ok(())
    }

    pub fn commit(&self) {
        for (mark, count) in self.batches.lock().drain(..).filter_map(|b| b.done) {
            mark.advance(count);
        }
    }

    pub fn fail(&self) {
        for (mark, _) in self.batches.lock().drain(..).filter_map(|b| b.done) {
            mark.fail();
        }
    }

    pub fn deps(self: &Arc<Self>) -> DoorDeps {
        let (a, b, c, d) = (self.clone(), self.clone(), self.clone(), self.clone());
        DoorDeps {
            submit: Arc::new(move |batch| a.take(batch)),
            directory: self.directory.clone(),
            mappings: Arc::new(Shared::new(mappings())),
            verify: Arc::new(|login| match (login.username.as_deref(), login.certificate.first()) {
                (_, Some(name)) if name == "device-a" => Ok(identity()),
                (Some("a") | None, None) => Ok(identity()),
                (Some("b"), None) => Ok(Identity { device: "device-b".into(), ..identity() }),
                _ => Err(LoginError::Unknown),
            }),
            intern: Arc::new(move |_| GatewayIndex(b.gateways.fetch_add(1, Ordering::Relaxed))),
            load_session: Arc::new(move |id| c.sessions.lock().get(id).cloned()),
            save_session: Arc::new(move |id, record| {
                match record {
                    Some(record) => d.sessions.lock().insert(id.to_owned(), record.clone()),
                    None => d.sessions.lock().remove(id),
                };
                true
            }),
            rejections: self.rejections.clone(),
            pending: self.pending.clone(),
            metrics: self.metrics.clone(),
        }
    }

    pub async fn door(self: &Arc<Self>, settings: DoorSettings, tasks: &Tasks) -> Door {
        let plain = Some("127.0.0.1:0".parse().unwrap());
        Door::listen(DoorSettings { plain, ..settings }, self.deps(), tasks).await.unwrap()
    }

    pub fn count(&self, name: &str) -> u64 {
        let text = self.metrics.render();
        let rows = text.lines().filter(|line| line.starts_with(name) && !line.starts_with('#'));
        rows.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }
}

/// Waits for a state, not for a time; the bound only ends a test that hangs.
pub async fn until(what: &str, state: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !state() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
