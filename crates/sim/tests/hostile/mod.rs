//! Clients on plain sockets: those that do not read, do not speak RTSP, or come in crowds.

use std::time::Duration;

use runtime::Tasks;
use sim::cameras::{Handle, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::eyes::{Eyes, Over};
use crate::server;

/// A connection without a library.
pub struct Plain(pub TcpStream);

impl Plain {
    pub async fn open(handle: &Handle) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        Self(socket.connect(handle.address()).await.unwrap())
    }

    /// A session over TCP that plays a camera's main stream.
    pub async fn playing(handle: &Handle, camera: &str) -> Self {
        let mut plain = Self::open(handle).await;
        let url = handle.url(camera, Stream::Main);
        let setup = format!("SETUP {url}/track1 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n");
        let answer = plain.ask(&setup).await;
        assert!(answer.starts_with("RTSP/1.0 200 OK\r\n") && answer.contains("interleaved=0-1"), "{answer}");
        plain.0.write_all(format!("PLAY {url} RTSP/1.0\r\nCSeq: 2\r\n\r\n").as_bytes()).await.unwrap();
        plain
    }

    /// Sends and reads one answer.
    pub async fn ask(&mut self, request: &str) -> String {
        self.0.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            match self.0.read_u8().await {
                Ok(byte) => answer.push(byte),
                Err(_) => break,
            }
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Reads until the other side ends it; true when it was reset.
    pub async fn read_to_end(&mut self, limit: Duration) -> bool {
        let mut sink = vec![0; 65_536];
        let all = async {
            loop {
                match self.0.read(&mut sink).await {
                    Ok(0) => return false,
                    Ok(_) => {}
                    Err(_) => return true,
                }
            }
        };
        tokio::time::timeout(limit, all).await.expect("the server ends it")
    }
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_cut_and_counted_and_the_others_see_on() {
    let tasks = Tasks::new();
    let handle = server(&tasks, |s| (s.remainder_max, s.kernel_buffer) = (64 * 1024, 16 * 1024)).await;
    handle.ready("gate", Stream::Main).await.unwrap();
    let mut eyes = Eyes::open(&handle.url("gate", Stream::Sub), Over::Tcp, None).await.unwrap();
    let slow = Plain::playing(&handle, "gate").await;
    while handle.counts().too_slow.get() == 0 {
        assert_eq!(eyes.frames(5).await.unwrap().len(), 5);
        assert!(handle.counts().pictures.get() < 20_000, "the slow reader was never cut");
    }
    drop(slow);
    assert_eq!(eyes.frames(30).await.unwrap().len(), 30);
    assert!(tasks.stop(Duration::from_secs(2)).await);
}

#[tokio::test]
async fn what_is_not_rtsp_is_answered_and_closed() {
    let tasks = Tasks::new();
    let handle = server(&tasks, |_| {}).await;
    let flood = "X".repeat(20_000);
    for bytes in ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", &flood] {
        let mut plain = Plain::open(&handle).await;
        let _ = plain.0.write_all(bytes.as_bytes()).await;
        plain.read_to_end(Duration::from_secs(5)).await;
    }
    assert_eq!(handle.counts().nonsense.get(), 3);
    let mut plain = Plain::open(&handle).await;
    let url = handle.url("tank", Stream::Main);
    for (request, status) in [
        (format!("PLAY {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n"), "454"),
        (format!("SETUP {url}/track1 RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/SAVP\r\n\r\n"), "461"),
        (format!("RECORD {url} RTSP/1.0\r\nCSeq: 3\r\n\r\n"), "405"),
        ("OPTIONS * RTSP/1.0\r\nCSeq: 4\r\n\r\n".to_owned(), "200"),
        ("DESCRIBE rtsp://x/cam/../etc RTSP/1.0\r\nCSeq: 5\r\n\r\n".to_owned(), "404"),
    ] {
        let answer = plain.ask(&request).await;
        assert!(answer.starts_with(&format!("RTSP/1.0 {status}")), "{request}{answer}");
    }
    assert!(tasks.stop(Duration::from_secs(2)).await);
}

#[tokio::test]
async fn more_connections_than_allowed_are_closed_and_counted() {
    let tasks = Tasks::new();
    let handle = server(&tasks, |s| s.connections_max = 3).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut plain = Plain::open(&handle).await;
        assert!(plain.ask("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n").await.contains("200"));
        held.push(plain);
    }
    Plain::open(&handle).await.read_to_end(Duration::from_secs(5)).await;
    assert_eq!(handle.counts().refused.get(), 1);
    held.pop();
    // The place is free as soon as the server has seen the end.
    loop {
        let mut again = Plain::open(&handle).await;
        if again.ask("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n").await.contains("200") {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(tasks.stop(Duration::from_secs(2)).await);
}
