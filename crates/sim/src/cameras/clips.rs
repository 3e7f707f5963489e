//! Clips: drawn and encoded once for each view at first use, kept as plain H.264 files, shared by all sessions.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use runtime::Tasks;
use rusty_h264::{Encoder, EncoderConfig};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::packets::{Picture, kind, nals, pictures};
use super::scene::Stage;
use super::view::{Look, View};

/// Pictures a second.
pub(super) const FPS: u32 = 25;
/// Pictures from one key picture to the next.
pub(super) const GOP: usize = 50;
/// Pictures of a clip that moves: four groups, so that looks 30 s apart see different ones.
pub(super) const MOVING: usize = 4 * GOP;
/// More views than there are.
const QUEUE: usize = 256;
/// Changes when pictures are drawn differently: files of another edition are made anew.
const EDITION: &str = "2";
/// Threads that draw and encode.
const MAKERS: usize = 2;

/// One looped scene.
#[derive(Debug)]
pub(super) struct Clip {
    /// Sequence parameter set.
    pub sps: Vec<u8>,
    /// Picture parameter set.
    pub pps: Vec<u8>,
    /// Pictures, the first one a key picture.
    pub pictures: Vec<Picture>,
}

impl Clip {
    /// Reads an Annex B stream; nothing if it is not a whole clip.
    fn parse(stream: &[u8], count: usize) -> Option<Self> {
        let units = nals(stream);
        let set = |k| units.iter().find(|n| kind(n) == k).map(|n| n.to_vec());
        let clip = Self { sps: set(7)?, pps: set(8)?, pictures: pictures(stream) };
        (clip.pictures.len() == count && clip.pictures[0].key).then_some(clip)
    }
}

/// Why there are no clips.
#[derive(Debug, thiserror::Error)]
#[error("the clips of simulated cameras cannot be kept in {folder}")]
pub struct ClipsError {
    folder: PathBuf,
    source: std::io::Error,
}

/// All clips made so far, and the threads that make more.
#[derive(Debug)]
pub(super) struct Clips {
    made: Mutex<HashMap<View, Arc<Clip>>>,
    wanted: Mutex<HashSet<View>>,
    queue: SyncSender<View>,
    folder: PathBuf,
    news: watch::Sender<u64>,
}

impl Clips {
    /// Clips kept in a folder; its threads end when the tasks stop or nobody holds them.
    pub fn open(tasks: &Tasks, folder: &Path) -> Result<Arc<Self>, ClipsError> {
        let folder = folder.join(format!("edition-{EDITION}"));
        let failed = |source| ClipsError { folder: folder.clone(), source };
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let (queue, views) = sync_channel(QUEUE);
        let clips = Arc::new(Self {
            made: Mutex::default(),
            wanted: Mutex::default(),
            queue,
            folder: folder.clone(),
            news: watch::Sender::new(0),
        });
        let views = Arc::new(Mutex::new(views));
        for _ in 0..MAKERS {
            let maker = Maker {
                views: views.clone(),
                folder: folder.clone(),
                clips: Arc::downgrade(&clips),
                stop: tasks.stopping().clone(),
            };
            Tasks::thread("camera scenes", move || maker.run()).map_err(failed)?;
        }
        Ok(clips)
    }

    /// The clip of a view if it is made; else it will be.
    pub fn get(&self, view: View) -> Option<Arc<Clip>> {
        let view = view.canonical();
        let made = self.made.lock().get(&view).cloned();
        if made.is_none() && self.wanted.lock().insert(view) {
            match self.queue.try_send(view) {
                Ok(()) => {}
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                    self.wanted.lock().remove(&view);
                }
            }
        }
        made
    }

    /// The access units of a view as Annex B, from its file.
    pub async fn units(&self, view: View) -> std::io::Result<Vec<Vec<u8>>> {
        self.ready(view).await;
        let stream = std::fs::read(self.folder.join(view.canonical().file()))?;
        let mut units = vec![Vec::new()];
        for nal in nals(&stream) {
            let unit = units.last_mut().expect("there is one");
            unit.extend_from_slice(&[0, 0, 0, 1]);
            unit.extend_from_slice(nal);
            if matches!(kind(nal), 1 | 5) {
                units.push(Vec::new());
            }
        }
        units.pop();
        Ok(units)
    }

    /// Waits for the clip of a view.
    pub async fn ready(&self, view: View) -> Arc<Clip> {
        let mut news = self.news.subscribe();
        loop {
            if let Some(clip) = self.get(view) {
                return clip;
            }
            // The sender lives as long as `self`.
            let _ = news.changed().await;
        }
    }
}

/// One of the threads that draw and encode.
struct Maker {
    views: Arc<Mutex<Receiver<View>>>,
    folder: PathBuf,
    clips: Weak<Clips>,
    stop: CancellationToken,
}

impl Maker {
    fn run(self) {
        loop {
            // The other makers wait for the lock while this one waits for a view.
            let Ok(view) = self.views.lock().recv() else { return };
            if self.stop.is_cancelled() {
                return;
            }
            match clip(view, &self.folder) {
                Ok(clip) => {
                    let Some(clips) = self.clips.upgrade() else { return };
                    clips.made.lock().insert(view, Arc::new(clip));
                    clips.news.send_modify(|n| *n += 1);
                }
                Err(error) => tracing::error!(?view, error, "a simulated camera has no picture"),
            }
        }
    }
}

/// From the file, or drawn and encoded and filed.
fn clip(view: View, folder: &Path) -> Result<Clip, String> {
    let (file, count) = (folder.join(view.file()), count(view));
    if let Some(clip) = std::fs::read(&file).ok().and_then(|stream| Clip::parse(&stream, count)) {
        return Ok(clip);
    }
    let started = std::time::Instant::now();
    let stream = encode(view, count)?;
    let clip = Clip::parse(&stream, count).ok_or("the encoder gave another number of pictures")?;
    let part = file.with_extension(format!("part-{}", std::process::id()));
    if let Err(error) = std::fs::write(&part, &stream).and_then(|()| std::fs::rename(&part, &file)) {
        tracing::warn!(%error, file = %file.display(), "the clip could not be kept; it will be made again");
    }
    tracing::info!(?view, bytes = stream.len(), took_ms = started.elapsed().as_millis() as u64, "clip made");
    Ok(clip)
}

/// Pictures in a clip: what does not move needs one group.
fn count(view: View) -> usize {
    if matches!(view.look, Look::Frozen | Look::NoSignal) { GOP } else { MOVING }
}

fn encode(view: View, count: usize) -> Result<Vec<u8>, String> {
    let (width, height) = view.size.pixels();
    let mut settings = EncoderConfig::baseline(width, height);
    settings.gop_size = GOP as u32;
    settings.framerate = FPS as f32;
    settings.level_idc = if width > 720 { 40 } else { 30 };
    settings.qp = QP;
    // A third of the time for a twentieth of the bytes.
    settings.aq_strength = 0.0;
    settings.weightp = false;
    settings.tune_satd_q = 0.0;
    let mut encoder = Encoder::new(settings).map_err(|e| format!("{e:?}"))?;
    let stage = Stage::new(view);
    let mut stream = Vec::new();
    for n in 0..count {
        stream.extend_from_slice(&encoder.encode(&stage.picture(n)));
    }
    stream.extend_from_slice(&encoder.flush());
    Ok(stream)
}

/// Constant quantizer: what happens in the scene shows in the bit rate, as with a camera on variable rate.
const QP: u8 = 28;
