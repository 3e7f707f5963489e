//! From a camera to a page: the cached group at once, one fragment a frame, streams opened only while somebody watches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use runtime::Tasks;
use sim::cameras::{Fault, Stream};
use video::Video;
use video::live::snapshot;
use video::live::{CACHED, KEY, Kind, Limits, Mode, Packet, Page, Told, Watch, Which};
use video::session::State;

use crate::rig::{PATIENCE, camera, figure, open, probe, simulated, until};

fn watch(tile: u16, which: Which, mode: Mode) -> Watch {
    Watch { tile, camera: "tank".into(), which, mode }
}

async fn next(page: &mut Page) -> Told {
    tokio::time::timeout(PATIENCE, page.next()).await.expect("something is told")
}

async fn packet(page: &mut Page) -> Packet {
    loop {
        if let Told::Packet(packet) = next(page).await {
            return packet;
        }
    }
}

fn number(head: &[u8], at: usize) -> i64 {
    i64::from_be_bytes(head[at..at + 8].try_into().unwrap())
}

async fn room(tasks: &Tasks, dir: &std::path::Path) -> (sim::cameras::Handle, Arc<Video>) {
    let cameras = simulated(tasks, &["tank".into()]).await;
    for stream in [Stream::Main, Stream::Sub] {
        cameras.ready("tank", stream).await.unwrap();
    }
    let mut tank = camera("tank", &cameras.url("tank", Stream::Main));
    tank.sub_url = Some(cameras.url("tank", Stream::Sub).parse().unwrap());
    let video = open(dir, vec![tank]);
    (cameras, video)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_gets_the_cached_group_at_once_and_ffprobe_accepts_what_it_gets() {
    let (dir, tasks) = (tempfile::tempdir().unwrap(), Tasks::new());
    let (_cameras, video) = room(&tasks, dir.path()).await;
    let find = |camera: &str, which| video.source(camera, which);
    let source = find("tank", Which::Main).unwrap().0;
    until("a few frames in the cache", || {
        source.channel.key().filter(|k| k.frame.received.elapsed() > Duration::from_millis(400))
    })
    .await;
    let (began, mut page) = (Instant::now(), Page::new(Limits::default()));
    assert!(page.watch(vec![watch(3, Which::Main, Mode::Mse)], find).is_empty());
    let init = packet(&mut page).await;
    assert_eq!((init.head[0], &init.head[2..4]), (Kind::Init as u8, &[0, 3][..]));
    let first = packet(&mut page).await;
    assert!(began.elapsed() < Duration::from_millis(300), "the first picture took {:?}", began.elapsed());
    assert_eq!((first.head[0], first.head[1]), (Kind::Fragment as u8, KEY | CACHED));
    let mut file: Vec<u8> = [&init.parts[0][..], &first.parts[0], &first.parts[1]].concat();
    let (mut frames, mut media) = (1, number(&first.head, 16));
    while frames < 100 {
        let next = packet(&mut page).await;
        let time = number(&next.head, 16);
        assert!(time > media && time - media <= 200_000, "from {media} to {time}");
        let late = runtime::unix_now() - number(&next.head, 8);
        assert!(next.head[1] & CACHED != 0 || late < 1_000_000, "{late} us old");
        (frames, media) = (frames + 1, time);
        next.parts.iter().for_each(|p| file.extend_from_slice(p));
    }
    let path = dir.path().join("live.mp4");
    std::fs::write(&path, file).unwrap();
    assert!(probe(&path).contains("nb_read_frames=\"100\""), "{}", probe(&path));
    video.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_small_stream_is_open_only_while_somebody_watches() {
    let (dir, tasks) = (tempfile::tempdir().unwrap(), Tasks::new());
    let (_cameras, video) = room(&tasks, dir.path()).await;
    let (sub, which) = video.source("tank", Which::Sub).unwrap();
    assert_eq!(which, Which::Sub);
    until("idle", || (sub.status().state == State::Idle).then_some(())).await;
    let mut page = Page::new(Limits::default());
    let main = video.source("tank", Which::Main).unwrap().0;
    until("the main stream", || main.channel.key()).await;
    let began = Instant::now();
    page.watch(vec![watch(1, Which::Sub, Mode::Raw)], |c, w| video.source(c, w));
    let parameters = packet(&mut page).await;
    assert!(began.elapsed() < Duration::from_millis(300), "the main stream stands in: {:?}", began.elapsed());
    assert_eq!((parameters.head[0], parameters.parts[0][0]), (Kind::Parameters as u8, 1), "an avcC begins with 1");
    loop {
        match next(&mut page).await {
            Told::Tile(state) if state.which == Which::Sub && state.size.0 == 352 => break,
            _ => {}
        }
    }
    assert_eq!(packet(&mut page).await.head[0], Kind::Parameters as u8);
    assert_eq!(packet(&mut page).await.head[1] & KEY, KEY);
    assert_eq!(main.channel.viewers(), 0);
    // More tiles of the same stream are no more sessions.
    let mut other = Page::new(Limits::default());
    other.watch(vec![watch(1, Which::Sub, Mode::Mse), watch(2, Which::Sub, Mode::Mse)], |c, w| video.source(c, w));
    packet(&mut other).await;
    assert_eq!(sub.channel.viewers(), 3);
    drop((page, other));
    assert_eq!(sub.channel.viewers(), 0);
    until("idle again", || (sub.status().state == State::Idle).then_some(())).await;
    video.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_says_why_it_has_no_picture_and_goes_on_by_itself() {
    let (dir, tasks) = (tempfile::tempdir().unwrap(), Tasks::new());
    let (cameras, video) = room(&tasks, dir.path()).await;
    let mut page = Page::new(Limits::default());
    page.watch(vec![watch(1, Which::Main, Mode::Mse)], |c, w| video.source(c, w));
    packet(&mut page).await;
    cameras.inject("tank", Fault::Dark).unwrap();
    let away = loop {
        match next(&mut page).await {
            Told::Tile(state) if state.state == State::Retrying => break state,
            _ => {}
        }
    };
    assert!(!away.why.expect("a reason").zh.is_empty());
    cameras.clear("tank").unwrap();
    loop {
        match next(&mut page).await {
            Told::Tile(state) if state.state == State::Receiving => break,
            _ => {}
        }
    }
    loop {
        if packet(&mut page).await.head[1] & KEY != 0 {
            break;
        }
    }
    let unknown = Watch { camera: "nowhere".into(), ..watch(2, Which::Main, Mode::Mse) };
    assert_eq!(page.watch(vec![unknown.clone()], |c, w| video.source(c, w)), [unknown]);
    video.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn key_frames_become_pictures_and_snapshots_that_others_can_read() {
    let (dir, tasks) = (tempfile::tempdir().unwrap(), Tasks::new());
    let (cameras, video) = room(&tasks, dir.path()).await;
    let mut page = Page::new(Limits::default());
    page.watch(vec![watch(1, Which::Sub, Mode::Jpeg), watch(2, Which::Main, Mode::Jpeg)], |c, w| video.source(c, w));
    let mut seen = [false; 2];
    while seen != [true; 2] {
        let picture = packet(&mut page).await;
        assert_eq!(picture.head[0], Kind::Picture as u8);
        let tile = usize::from(picture.head[3]);
        let file = dir.path().join(format!("{tile}.jpg"));
        std::fs::write(&file, &picture.parts[0]).unwrap();
        let width = if tile == 1 { 352 } else { 704 };
        assert_eq!(figure(&probe(&file), "width") as u32, width);
        seen[tile - 1] = true;
    }
    drop(page);
    let source = || video.source("tank", Which::Main);
    let still = snapshot(source().unwrap()).await.unwrap();
    assert!(runtime::unix_now() - still.received_us < 5_000_000, "an old picture");
    assert_eq!(&still.jpeg[..2], [0xff, 0xd8]);
    cameras.inject("tank", Fault::Dark).unwrap();
    until("gone", || (source().unwrap().0.status().state == State::Retrying).then_some(())).await;
    assert!(!snapshot(source().unwrap()).await.unwrap_err().zh.is_empty());
    video.close().await;
}
