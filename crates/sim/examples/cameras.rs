//! Simulated cameras in a process of their own, for benches and for looking at them with any player:
//! `cameras ADDRESS FOLDER COUNT cif|d1|hd`; `cameras prepare FOLDER cif|d1|hd` makes every clip of a size;
//! `cameras watch ADDRESS COUNT` reads the main streams of so many cameras and throws them away.
#![allow(clippy::print_stdout, reason = "a program for the command line")]

use std::time::{Duration, Instant};

use runtime::Tasks;
use sim::cameras::{Camera, Fault, Handle, Look, Place, Settings, Size, Stream, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const PLACES: [Place; 4] = [Place::TankFarm, Place::Workshop, Place::Gate, Place::Corridor];
const LOOKS: [Look; 10] = [
    Look::Clean,
    Look::Flame,
    Look::Leak,
    Look::Frozen,
    Look::Black,
    Look::WhiteOut,
    Look::Occluded,
    Look::Shifted,
    Look::Blurred,
    Look::NoSignal,
];
const SAY: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["watch", address, count] => watch(address, count.parse().expect("a number")).await,
        ["prepare", folder, name] => prepare(folder, size(name)).await,
        [address, folder, count, name] => run(address, folder, count.parse().expect("a number"), size(name)).await,
        _ => println!(
            "cameras ADDRESS FOLDER COUNT cif|d1|hd\ncameras prepare FOLDER cif|d1|hd\ncameras watch ADDRESS COUNT"
        ),
    }
}

fn size(name: &str) -> Size {
    match name {
        "cif" => Size::Cif,
        "hd" => Size::Hd,
        _ => Size::D1,
    }
}

async fn open(address: &str, folder: &str, cameras: Vec<Camera>) -> Handle {
    let listener = tokio::net::TcpListener::bind(address).await.expect("the address is free");
    serve(&Tasks::new(), listener, Settings::new(cameras, folder)).await.expect("cameras")
}

/// All looks of all places by day and night; says how long they took.
async fn prepare(folder: &str, size: Size) {
    let cameras =
        PLACES.map(|p| [Camera::new(format!("{p:?}-day"), p), Camera::new(format!("{p:?}-night"), p).at_night()]);
    let cameras: Vec<Camera> = cameras.into_iter().flatten().map(|c| c.with_main(size)).collect();
    let handle = open("127.0.0.1:0", folder, cameras.clone()).await;
    let started = Instant::now();
    for look in LOOKS {
        for camera in &cameras {
            let began = Instant::now();
            handle.inject(&camera.name, Fault::Look(look)).expect("a camera");
            handle.ready(&camera.name, Stream::Main).await.expect("a camera");
            println!("{} {look:?}: {} ms", camera.name, began.elapsed().as_millis());
        }
    }
    println!("all: {:.1} s", started.elapsed().as_secs_f64());
}

/// COUNT cameras `/cam/N/main` over the places; says every ten seconds what they cost.
async fn run(address: &str, folder: &str, count: usize, size: Size) {
    let camera = |i: usize| Camera::new(i.to_string(), PLACES[i % PLACES.len()]).with_main(size);
    let handle = open(address, folder, (0..count).map(camera).collect()).await;
    println!("{}", handle.url("0", Stream::Main));
    let (mut cpu, mut pictures) = (cpu_s(), 0);
    loop {
        tokio::time::sleep(SAY).await;
        let (counts, now) = (handle.counts(), cpu_s());
        let streams = (counts.pictures.get() - pictures) as f64 / SAY.as_secs_f64() / 25.0;
        let percent = (now - cpu) / SAY.as_secs_f64() * 100.0;
        println!(
            "{streams:.1} streams, {percent:.2} % of a core, {:.4} % per stream, too slow {}, lost {}",
            percent / streams.max(0.04),
            counts.too_slow.get(),
            counts.lost.get()
        );
        (cpu, pictures) = (now, counts.pictures.get());
    }
}

/// Plays each camera over TCP on a plain socket and reads for as long as the server sends.
async fn watch(address: &str, count: usize) {
    let tasks = Tasks::new();
    for i in 0..count {
        let address = address.to_owned();
        tasks.run("watcher", async move {
            if let Err(error) = read(&address, i).await {
                println!("camera {i}: {error}");
            }
        });
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    std::future::pending::<()>().await;
}

async fn read(address: &str, camera: usize) -> std::io::Result<()> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    let url = format!("rtsp://{address}/cam/{camera}/main");
    let setup = format!("SETUP {url}/track1 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n");
    stream.write_all(format!("{setup}PLAY {url} RTSP/1.0\r\nCSeq: 2\r\n\r\n").as_bytes()).await?;
    let mut sink = vec![0; 64 * 1024];
    let mut alive = Instant::now();
    while stream.read(&mut sink).await? > 0 {
        if alive.elapsed() > Duration::from_secs(20) {
            alive = Instant::now();
            stream.write_all(format!("GET_PARAMETER {url} RTSP/1.0\r\nCSeq: 3\r\n\r\n").as_bytes()).await?;
        }
    }
    Ok(())
}

/// Processor time of this process in seconds.
fn cpu_s() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or_default() / 1e9
}
