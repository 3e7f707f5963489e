//! The simulated cameras seen by clients nobody here wrote: retina, ffprobe, plain sockets.

mod eyes;

use std::time::Duration;

use eyes::{Eyes, Over, clips};
use runtime::Tasks;
use sim::cameras::{Camera, Handle, Login, Place, Settings, Stream, serve};

async fn server(tasks: &Tasks, change: impl FnOnce(&mut Settings)) -> Handle {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings =
        Settings::new(vec![Camera::new("tank", Place::TankFarm), Camera::new("gate", Place::Gate)], clips());
    change(&mut settings);
    serve(tasks, listener, settings).await.unwrap()
}

#[tokio::test]
async fn retina_reads_pictures_over_tcp() {
    let tasks = Tasks::new();
    let handle = server(&tasks, |_| {}).await;
    let mut eyes = Eyes::open(&handle.url("tank", Stream::Sub), Over::Tcp, None).await.unwrap();
    let frames = eyes.frames(60).await.unwrap();
    assert!(frames[0].key, "a session begins with a key picture");
    assert!(frames.iter().skip(1).any(|f| f.key), "and another comes within a group");
    assert!(frames.iter().all(|f| f.loss == 0));
    assert_eq!(eyes.pixels(), (352, 288));
    eyes.close().await;
    assert!(tasks.stop(Duration::from_secs(2)).await);
}

#[tokio::test]
async fn logins_are_asked_for() {
    for (login, name) in [
        (Login::Basic { user: "admin".into(), password: "fh-12345".into() }, "basic"),
        (Login::Digest { user: "admin".into(), password: "fh-12345".into() }, "digest"),
    ] {
        let tasks = Tasks::new();
        let handle = server(&tasks, |s| s.login = login).await;
        let url = handle.url("tank", Stream::Sub);
        for over in [Over::Tcp, Over::Udp] {
            let mut eyes = Eyes::open(&url, over, Some(("admin", "fh-12345"))).await.unwrap();
            assert_eq!(eyes.frames(30).await.unwrap().len(), 30, "{name} {over:?}");
            eyes.close().await;
        }
        let error = Eyes::open(&url, Over::Tcp, Some(("admin", "wrong"))).await.err().expect("refused");
        assert!(error.contains("401"), "{name}: {error}");
        let error = Eyes::open(&url, Over::Tcp, None).await.err().expect("refused");
        assert!(error.contains("401") || error.contains("Unauthorized"), "{name}: {error}");
        assert!(handle.counts().unauthorized.get() >= 4);
        assert!(tasks.stop(Duration::from_secs(2)).await);
    }
}
