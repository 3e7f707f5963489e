//! The room: its disks, its cameras, and what others ask of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use config::address::Net;
use runtime::{Counter, Metrics, Tasks};

use crate::clip::Clips;
use crate::index::{Gap, IndexError, Segment};
use crate::live::{self, Which};
use crate::media::Located;
use crate::picture::Decoding;
use crate::session::{Session, Source, Status};
use crate::volume::{self, Feed, Keep, Recorded, Volume};

/// Connections begun in one second at a start.
const STARTS_PER_S: f64 = 50.0;
/// Sessions have this long to say TEARDOWN.
const SESSIONS_STOP: Duration = Duration::from_secs(6);

/// A camera as configured.
#[derive(Clone, Debug)]
pub struct Camera {
    /// Id.
    pub id: String,
    /// Name.
    pub name_zh: String,
    /// Name in English.
    pub name_en: String,
    /// Enterprise it belongs to.
    pub enterprise: String,
    /// Address.
    pub url: url::Url,
    /// User name and password.
    pub login: Option<(String, String)>,
    /// Address of its smaller stream, opened while somebody watches it.
    pub sub_url: Option<url::Url>,
    /// RTP over UDP.
    pub udp: bool,
    /// For how long it is kept.
    pub keep: Keep,
    /// Tags whose alarms it is bound to; empty: all of its enterprise.
    pub tags: Vec<String>,
    /// What an alarm keeps before and after it, microseconds.
    pub around_us: (i64, i64),
    /// Disk; none: spread over all.
    pub volume: Option<String>,
}

/// What the room is opened with.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Disks.
    pub volumes: Vec<volume::Settings>,
    /// Cameras.
    pub cameras: Vec<Camera>,
    /// Address ranges that may be used although they are special.
    pub listed: Vec<Net>,
    /// Identities of the disks as they were seen the last time, by volume id.
    pub known: BTreeMap<String, String>,
}

/// A camera in the room.
pub struct Held {
    /// As configured.
    pub camera: Camera,
    main: Arc<live::Source>,
    sub: Option<Arc<live::Source>>,
    volume: Option<Arc<Volume>>,
}

impl Held {
    /// How it is.
    pub fn status(&self) -> Status {
        self.main.status()
    }

    /// Its disk; none: that one did not open.
    pub fn volume(&self) -> Option<&Arc<Volume>> {
        self.volume.as_ref()
    }

    /// Somebody wants pictures until then, microseconds. Only cameras that record on demand wait for this.
    pub fn want_until(&self, until: i64) {
        self.main.want_until(until);
    }

    /// A stream to watch: the smaller one only if the camera has one.
    pub fn source(&self, which: Which) -> (Arc<live::Source>, Which) {
        match (&self.sub, which) {
            (Some(sub), Which::Sub) => (sub.clone(), Which::Sub),
            _ => (self.main.clone(), Which::Main),
        }
    }

    /// Why nothing is recorded now; none: something is.
    pub fn gap(&self) -> Option<crate::Reason> {
        self.volume.as_ref().map_or(Some(crate::Reason::DiskError), |v| v.gap(&self.camera.id))
    }

    /// Whether alarms of a tag concern it.
    pub fn sees(&self, enterprise: &str, tag: &str) -> bool {
        let c = &self.camera;
        c.enterprise == enterprise && (c.tags.is_empty() || c.tags.iter().any(|t| t == tag))
    }
}

/// The open room.
pub struct Video {
    cameras: Vec<Arc<Held>>,
    volumes: Vec<Arc<Volume>>,
    /// Disks that did not open, and why.
    closed: Vec<(String, String)>,
    sessions: Tasks,
    clips: Clips,
}

impl Video {
    /// Opens disks and starts a session for every camera. A disk that does not open keeps nobody else from recording.
    /// Called within the async runtime.
    ///
    /// # Errors
    /// The operating system's, when it can start no thread.
    pub fn open(settings: Settings, metrics: &Metrics) -> std::io::Result<Self> {
        let (mut volumes, mut closed) = (Vec::new(), Vec::new());
        for v in &settings.volumes {
            let recorded = recorded(&settings, &v.id);
            let known = settings.known.get(&v.id).map(String::as_str);
            match Volume::open(v.clone(), &recorded, known, metrics) {
                Ok(volume) => volumes.push(Arc::new(volume)),
                Err(error) => {
                    let error = volume::chain(&error);
                    tracing::error!(volume = v.id, error, "a disk for recordings does not open");
                    closed.push((v.id.clone(), error));
                }
            }
        }
        let now = runtime::unix_now();
        let (watched, decoding) = (live::Counts::new(metrics), Decoding::start(metrics)?);
        let held = |c| Arc::new(held(c, &settings, &volumes, (now, &watched, &decoding)));
        let cameras: Vec<_> = settings.cameras.iter().map(held).collect();
        let sessions = Tasks::new();
        let counts = (
            metrics.counter("fenghuo_video_connects_total", "", "Sessions begun with cameras."),
            metrics.counter("fenghuo_video_frames_total", "", "Pictures received from cameras."),
        );
        for (place, camera) in cameras.iter().enumerate() {
            start(&sessions, camera, place, (&settings.listed, &counts));
        }
        let clips = Clips::start(cameras.clone(), volumes.clone(), metrics)?;
        Ok(Self { cameras, volumes, closed, sessions, clips })
    }

    /// Every camera.
    pub fn cameras(&self) -> &[Arc<Held>] {
        &self.cameras
    }

    /// A camera by id.
    pub fn camera(&self, id: &str) -> Option<&Arc<Held>> {
        self.cameras.iter().find(|c| c.camera.id == id)
    }

    /// A stream to watch live.
    pub fn source(&self, camera: &str, which: Which) -> Option<(Arc<live::Source>, Which)> {
        self.camera(camera).map(|c| c.source(which))
    }

    /// Every disk that is open.
    pub fn volumes(&self) -> &[Arc<Volume>] {
        &self.volumes
    }

    /// Disks that are not, and why.
    pub fn closed_volumes(&self) -> &[(String, String)] {
        &self.closed
    }

    /// Clips of alarms.
    pub fn clips(&self) -> &Clips {
        &self.clips
    }

    /// What was recorded of a camera within a time.
    ///
    /// # Errors
    /// The index's.
    pub fn recordings(&self, camera: &Held, from: i64, to: i64) -> Result<(Vec<Located>, Vec<Gap>), IndexError> {
        let Some(volume) = camera.volume() else { return Ok((Vec::new(), Vec::new())) };
        let (segments, gaps) = volume.recordings(&camera.camera.id, from, to)?;
        Ok((segments.into_iter().map(|s| located(volume, s)).collect(), gaps))
    }

    /// One segment of a camera.
    ///
    /// # Errors
    /// The index's.
    pub fn segment(&self, camera: &Held, id: i64) -> Result<Option<Located>, IndexError> {
        let Some(volume) = camera.volume() else { return Ok(None) };
        let segment = volume.segment(id)?.filter(|s| s.camera == camera.camera.id);
        Ok(segment.map(|s| located(volume, s)))
    }

    /// Closes in order: sessions, clips, disks.
    pub async fn close(&self) {
        if !self.sessions.stop(SESSIONS_STOP).await {
            tracing::warn!("some camera sessions did not end in time");
        }
        self.clips.stop();
        let volumes = self.volumes.clone();
        let closing = tokio::task::spawn_blocking(move || volumes.iter().for_each(|v| v.close()));
        if closing.await.is_err() {
            tracing::error!("a disk of recordings was not closed in order");
        }
    }
}

fn located(volume: &Volume, segment: Segment) -> Located {
    let path = volume.path_of(&segment.file);
    Located { segment, path }
}

/// Its own disk, or one of all by its name.
fn volume_of<'a>(camera: &'a Camera, settings: &'a Settings) -> Option<&'a str> {
    if let Some(volume) = &camera.volume {
        return Some(volume);
    }
    let hash = camera.id.bytes().fold(0_usize, |h, b| h.wrapping_mul(131).wrapping_add(usize::from(b)));
    let place = hash.checked_rem(settings.volumes.len())?;
    settings.volumes.get(place).map(|v| v.id.as_str())
}

fn recorded(settings: &Settings, volume: &str) -> Vec<Recorded> {
    let here = settings.cameras.iter().filter(|c| volume_of(c, settings) == Some(volume));
    here.map(|c| Recorded { camera: c.id.clone(), keep: c.keep.clone() }).collect()
}

fn held(
    camera: &Camera,
    settings: &Settings,
    volumes: &[Arc<Volume>],
    (now, counts, decoding): (i64, &live::Counts, &Decoding),
) -> Held {
    let volume = volume_of(camera, settings).and_then(|id| volumes.iter().find(|v| v.settings().id == id));
    // Without a disk there is nothing to do but to be watched.
    let on_demand = matches!(camera.keep, Keep::OnDemand { .. }) || volume.is_none();
    let source =
        |wanted| Arc::new(live::Source::new(live::Channel::new(counts.clone(), Some(decoding.clone())), wanted, now));
    Held {
        camera: camera.clone(),
        main: source(if on_demand { 0 } else { i64::MAX }),
        sub: camera.sub_url.as_ref().map(|_| source(0)),
        volume: volume.cloned(),
    }
}

/// The sessions of a camera: of the stream that is recorded, and of the one that is only watched.
fn start(tasks: &Tasks, held: &Arc<Held>, place: usize, (listed, counts): (&[Net], &(Counter, Counter))) {
    let camera = &held.camera;
    let main = Source {
        camera: camera.id.clone(),
        url: camera.url.clone(),
        login: camera.login.clone(),
        udp: camera.udp,
        listed: listed.to_vec(),
        start_after: Duration::from_secs_f64(place as f64 / STARTS_PER_S),
    };
    if let (Some(url), Some(sub)) = (&camera.sub_url, &held.sub) {
        let source = Source { url: url.clone(), start_after: Duration::ZERO, ..main.clone() };
        keep(tasks, source, sub.clone(), counts.clone(), || None);
    }
    let of = held.clone();
    let feed = move || of.volume.as_ref().and_then(|v| v.feed(&of.camera.id));
    keep(tasks, main, held.main.clone(), counts.clone(), feed);
}

fn keep(
    tasks: &Tasks,
    source: Source,
    live: Arc<live::Source>,
    (connects, frames): (Counter, Counter),
    feed: impl Fn() -> Option<Feed> + Send + 'static,
) {
    let source = Arc::new(source);
    tasks.supervise("camera", move |stop| {
        let session = Session {
            source: source.clone(),
            feed: feed(),
            live: live.channel.clone(),
            status: live.status.clone(),
            wanted: live.wanted.subscribe(),
            connects: connects.clone(),
            frames: frames.clone(),
        };
        async move {
            session.run(stop).await;
            Ok::<(), std::convert::Infallible>(())
        }
    });
}
