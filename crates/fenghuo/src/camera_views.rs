//! Cameras and recordings as the API shows them.

use std::sync::Arc;

use api::{Media, RangeQuery};
use protocol::{
    CameraClockView, CameraTroubleView, CameraView, CamerasView, ClipView, ClipsView, ExportView, GapView, Problem,
    ReasonView, RecordingsView, SegmentView, VolumeTroubleView,
};
use video::Video;
use video::clip::{Clip, ExportError};
use video::clock::Alignment;
use video::index::{Gap, IndexError, Segment};
use video::media::{Cut, CutError, whole};
use video::room::Held;
use video::volume::Keep;

use crate::cameras::Cameras;

/// A function of the room, as the API wants it.
fn on<A, R>(
    cameras: &Cameras,
    read: impl Fn(&Arc<Video>, A) -> Result<R, Problem> + Send + Sync + 'static,
) -> api::Blocking<A, R> {
    let cameras = cameras.clone();
    Arc::new(move |argument| {
        let video =
            cameras.get().ok_or_else(|| Problem::new("BUSY", "").detail("录像系统正在启动", "opening recordings"))?;
        read(video, argument)
    })
}

/// The API's view of the cameras.
pub fn cameras(of: &Cameras) -> api::Cameras {
    api::Cameras {
        list: on(of, |v, ()| Ok(list(v))),
        recordings: on(of, |v, query| recordings(v, &query)),
        segment: on(of, |v, (camera, id): (String, i64)| segment(v, &camera, id)),
        video: on(of, |v, query| stretch(v, &query)),
        clips: on(of, clips),
        export: on(of, |v, (alarm, camera, by): (u64, String, String)| export(v, alarm, (&camera, &by))),
        exported: on(of, |v, (alarm, name): (u64, String)| exported(v, alarm, &name)),
    }
}

fn list(video: &Video) -> CamerasView {
    let closed = video.closed_volumes().iter().map(|(id, why)| VolumeTroubleView {
        volume: id.clone(),
        zh: format!("录像磁盘未能打开：{why}"),
        en: format!("the disk did not open: {why}"),
    });
    let troubled = video.volumes().iter().filter_map(|v| {
        let (zh, en) = v.trouble()?;
        Some(VolumeTroubleView { volume: v.settings().id.clone(), zh: zh.into(), en: en.into() })
    });
    CamerasView {
        cameras: video.cameras().iter().map(|c| camera(c)).collect(),
        volumes: closed.chain(troubled).collect(),
    }
}

fn camera(held: &Held) -> CameraView {
    let (c, s) = (&held.camera, held.status());
    let track = s.track.as_deref();
    let trouble = s.trouble.map(|t| CameraTroubleView {
        what: ReasonView { code: t.code.into(), zh: t.zh.into(), en: t.en.into() },
        detail: t.detail,
        at: s.trouble_at,
    });
    let gap = held.gap();
    CameraView {
        id: c.id.clone(),
        name_zh: c.name_zh.clone(),
        name_en: c.name_en.clone(),
        enterprise: c.enterprise.clone(),
        tags: c.tags.clone(),
        mode: mode(&c.keep).into(),
        state: s.state.code().into(),
        since: s.since,
        trouble,
        retry_at: s.retry_at,
        recording: gap.is_none(),
        not_recording: gap.map(reason),
        codec: track.map_or("", |t| t.codec.name()).into(),
        codec_rfc6381: track.map(|t| t.rfc6381.clone()).unwrap_or_default(),
        width: track.map_or(0, |t| t.width),
        height: track.map_or(0, |t| t.height),
        frames_per_s: s.frames_per_s,
        kbit_per_s: s.kbit_per_s,
        lost_packets: s.lost_packets,
        last_frame_at: s.last_frame_at,
        clock: s.clock.map(clock),
        sound_dropped: s.sound_dropped,
    }
}

const fn mode(keep: &Keep) -> &'static str {
    match keep {
        Keep::Continuous { .. } => "continuous",
        Keep::Rolling { .. } => "rolling",
        Keep::OnDemand { .. } => "on_demand",
    }
}

fn reason(reason: video::Reason) -> ReasonView {
    let (zh, en) = reason.words();
    ReasonView { code: reason.code().into(), zh: zh.into(), en: en.into() }
}

fn clock(c: Alignment) -> CameraClockView {
    CameraClockView { offset_us: c.offset_us, drift_ppm: c.drift_ppm, within_us: c.within_us }
}

fn held<'a>(video: &'a Video, id: &str) -> Result<&'a Arc<Held>, Problem> {
    video.camera(id).ok_or_else(|| Problem::new("NOT_FOUND", id))
}

fn index_problem(error: IndexError) -> Problem {
    tracing::error!(%error, "the index of the recordings is not read");
    Problem::new("VIDEO_DISK", "")
}

fn recordings(video: &Video, query: &RangeQuery) -> Result<RecordingsView, Problem> {
    let held = held(video, &query.camera)?;
    let (segments, gaps) = video.recordings(held, query.from, query.to).map_err(index_problem)?;
    Ok(RecordingsView {
        camera: query.camera.clone(),
        from: query.from,
        to: query.to,
        segments: segments.into_iter().map(|l| segment_view(l.segment)).collect(),
        gaps: gaps.into_iter().map(gap_view).collect(),
    })
}

fn segment_view(s: Segment) -> SegmentView {
    SegmentView {
        id: s.id,
        t0: s.t0,
        t1: s.t1,
        bytes: s.bytes,
        frames: s.frames,
        lost_packets: s.loss,
        open: s.open,
        keys_us: s.keys.iter().map(|k| k.after_us).collect(),
        codec_rfc6381: s.codec,
        clock: s.clock.map(clock),
    }
}

fn gap_view(g: Gap) -> GapView {
    GapView { t0: g.t0, t1: g.t1, reason: reason(g.reason) }
}

fn segment(video: &Video, camera: &str, id: i64) -> Result<Media, Problem> {
    let held = held(video, camera)?;
    let missing = || Problem::new("NOT_FOUND", &id.to_string());
    let located = video.segment(held, id).map_err(index_problem)?.ok_or_else(missing)?;
    let pieces = whole(&located).map_err(|e| file_problem(&e))?;
    let name = format!("{camera}-{}.mp4", located.segment.t0 / 1_000);
    Ok(Media { name, length: Some(located.segment.bytes), pieces: Box::new(pieces) })
}

fn file_problem(error: &std::io::Error) -> Problem {
    if error.kind() == std::io::ErrorKind::NotFound {
        return Problem::new("NOT_RECORDED", "");
    }
    tracing::error!(%error, "a recording is not read");
    Problem::new("VIDEO_DISK", "")
}

fn cut_problem(error: &CutError) -> Problem {
    match error {
        CutError::Nothing => Problem::new("NOT_RECORDED", "from"),
        CutError::Read(_) | CutError::Io(_) => {
            tracing::error!(%error, "a recording cannot be cut");
            Problem::new("VIDEO_DISK", "")
        }
    }
}

fn stretch(video: &Video, query: &RangeQuery) -> Result<Media, Problem> {
    let held = held(video, &query.camera)?;
    let (segments, _) = video.recordings(held, query.from, query.to).map_err(index_problem)?;
    let cut = Cut::new(segments, query.from, query.to).map_err(|e| cut_problem(&e))?;
    let name = format!("{}-{}.mp4", query.camera, query.from / 1_000);
    Ok(Media { name, length: None, pieces: Box::new(cut) })
}

fn clips(video: &Arc<Video>, alarm: u64) -> Result<ClipsView, Problem> {
    let clips = video.clips().of_alarm(alarm).map_err(index_problem)?;
    Ok(ClipsView { alarm_id: alarm::AlarmId(alarm).to_string(), clips: clips.into_iter().map(clip_view).collect() })
}

fn clip_view(c: Clip) -> ClipView {
    // What lies ahead is not recorded yet, and one file is at most an hour.
    let to = c.t1.min(runtime::unix_now()).min(c.t0 + 3_600_000_000);
    let url = format!("/api/v1/cameras/{}/video?from={}&to={to}", c.camera, c.t0);
    ClipView { camera: c.camera, t0: c.t0, t1: c.t1, state: c.state.code().into(), url }
}

fn export(video: &Arc<Video>, alarm: u64, (camera, by): (&str, &str)) -> Result<ExportView, Problem> {
    let done = video.clips().export(alarm, camera, by).map_err(|error| match error {
        ExportError::NoClip => Problem::new("NOT_FOUND", "camera"),
        ExportError::Cut(e) => cut_problem(&e),
        ExportError::Io(e) => file_problem(&e),
        ExportError::Index(e) => index_problem(e),
    })?;
    let folder = format!("/api/v1/alarms/{}/exports", alarm::AlarmId(alarm));
    Ok(ExportView {
        url: format!("{folder}/{}", done.name),
        manifest_url: format!("{folder}/{}", done.name.replace(".mp4", ".json")),
        name: done.name,
        bytes: done.bytes,
        sha256: done.sha256,
        t0: done.t0,
        t1: done.t1,
    })
}

fn exported(video: &Arc<Video>, alarm: u64, name: &str) -> Result<Media, Problem> {
    let path = video.clips().exported(alarm, name).ok_or_else(|| Problem::new("NOT_FOUND", "name"))?;
    let (length, pieces) = video::media::file(&path).map_err(|e| file_problem(&e))?;
    Ok(Media { name: name.to_owned(), length: Some(length), pieces: Box::new(pieces) })
}
