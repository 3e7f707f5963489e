//! Simulated cameras: one RTSP server of our own on loopback, many cameras by path, scenes drawn and encoded once,
//! every fault that cameras and networks have on command.

mod camera;
mod clips;
mod fault;
mod link;
mod login;
mod message;
mod pacer;
mod packets;
mod scene;
mod script;
mod sdp;
mod session;
mod view;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use runtime::{Counter, Tasks};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use camera::Unit;
use clips::Clips;
use link::Link;
use pacer::Player;
use session::Session;

pub use camera::{Camera, Stream};
pub use clips::ClipsError;
pub use fault::{BadSdp, Fault};
pub use login::Login;
pub use script::{Script, Step};
pub use view::{Light, Look, Place, Size};

/// Sessions that begin and wait for the pacer.
const PLAYERS_QUEUE: usize = 64;
/// Pairs of ports tried for UDP.
const UDP_TRIES: usize = 64;

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its cameras.
    pub cameras: Vec<Camera>,
    /// Folder in which encoded scenes are kept, so that they are made once.
    pub clips: PathBuf,
    /// Who may look.
    pub login: Login,
    /// Connections at once; more are closed and counted.
    pub connections_max: usize,
    /// Bytes that wait for a slow reader beyond the kernel's buffer; more, and it is cut and counted.
    pub remainder_max: usize,
    /// The kernel's send buffer of a connection, so that a slow reader is not hidden by megabytes of it.
    pub kernel_buffer: usize,
    /// A session that says nothing for this long ends.
    pub session_timeout: Duration,
}

impl Settings {
    /// Open to everybody on loopback, 4,096 connections, 1 MiB for a slow reader, time-out 60 s.
    pub fn new(cameras: Vec<Camera>, clips: impl Into<PathBuf>) -> Self {
        Self {
            cameras,
            clips: clips.into(),
            login: Login::Open,
            connections_max: 4_096,
            remainder_max: 1 << 20,
            kernel_buffer: 256 * 1024,
            session_timeout: Duration::from_secs(60),
        }
    }
}

/// Why there are no simulated cameras.
#[derive(Debug, thiserror::Error)]
pub enum CamerasError {
    /// Simulated pictures must not be taken for a real camera's.
    #[error("simulated cameras are seen only on loopback, not on {0}")]
    NotLoopback(SocketAddr),
    /// A socket.
    #[error("simulated cameras find no socket")]
    Socket(#[source] std::io::Error),
    /// The folder.
    #[error(transparent)]
    Clips(#[from] ClipsError),
    /// A command named a camera that is not there.
    #[error("there is no simulated camera `{0}`")]
    Unknown(String),
}

/// What the server counts.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Connections taken.
    pub connections: Counter,
    /// Connections closed because there were too many.
    pub refused: Counter,
    /// RTSP requests.
    pub requests: Counter,
    /// Answers 401.
    pub unauthorized: Counter,
    /// Connections closed because they did not speak RTSP.
    pub nonsense: Counter,
    /// Connections closed because they were silent.
    pub timed_out: Counter,
    /// Pictures sent, over all sessions.
    pub pictures: Counter,
    /// Bytes of media sent.
    pub octets: Counter,
    /// Packets left out by the fault `Loss`.
    pub lost: Counter,
    /// Sessions cut because the reader was too slow.
    pub too_slow: Counter,
    /// Times the machine was so busy that pictures were left out for all cameras.
    pub behind: Counter,
    /// Datagrams the kernel did not take.
    pub udp_refused: Counter,
}

/// What all sessions share.
struct Shared {
    units: BTreeMap<String, Arc<Unit>>,
    clips: Arc<Clips>,
    login: Login,
    secret: i64,
    session_timeout: Duration,
    remainder_max: usize,
    kernel_buffer: usize,
    rtp: UdpSocket,
    rtcp: UdpSocket,
    udp_ports: (u16, u16),
    players: mpsc::Sender<Player>,
    counts: Counts,
    stop: CancellationToken,
}

impl Shared {
    /// The camera and stream of `/cam/NAME/main`, `/cam/NAME/sub`, or a track below.
    fn find(&self, path: &str) -> Option<(Arc<Unit>, Stream)> {
        let mut parts = path.strip_prefix("/cam/")?.split('/');
        let unit = self.units.get(parts.next()?)?.clone();
        match parts.next()? {
            "main" => Some((unit, Stream::Main)),
            "sub" => Some((unit, Stream::Sub)),
            _ => None,
        }
    }
}

/// Commands to a running server. Cloning shares it.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    address: SocketAddr,
}

/// Serves cameras on a loopback listener until the tasks stop.
///
/// # Errors
/// A listener that is not on loopback, no pair of UDP ports, a folder that cannot be written.
pub async fn serve(tasks: &Tasks, listener: TcpListener, settings: Settings) -> Result<Handle, CamerasError> {
    let address = listener.local_addr().map_err(CamerasError::Socket)?;
    if !address.ip().is_loopback() {
        return Err(CamerasError::NotLoopback(address));
    }
    let (rtp, rtcp, udp_ports) = udp_pair(address).await.map_err(CamerasError::Socket)?;
    let (players, playing) = mpsc::channel(PLAYERS_QUEUE);
    let units = settings.cameras.into_iter().map(|c| (c.name.clone(), Arc::new(Unit::new(c)))).collect();
    let shared = Arc::new(Shared {
        units,
        clips: Clips::open(tasks, &settings.clips)?,
        login: settings.login,
        secret: runtime::unix_now(),
        session_timeout: settings.session_timeout,
        remainder_max: settings.remainder_max,
        kernel_buffer: settings.kernel_buffer,
        rtp,
        rtcp,
        udp_ports,
        players,
        counts: Counts::default(),
        stop: tasks.stopping().clone(),
    });
    tasks.run("simulated cameras' pacer", pacer::run(shared.clone(), playing));
    tasks.run("simulated cameras' door", accept(tasks.clone(), listener, shared.clone(), settings.connections_max));
    Ok(Handle { shared, address })
}

async fn accept(tasks: Tasks, listener: TcpListener, shared: Arc<Shared>, connections_max: usize) {
    let room = Arc::new(Semaphore::new(connections_max));
    let numbers = AtomicU64::new(1);
    loop {
        let accepted = tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of descriptors: the next try is not at once.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = room.clone().try_acquire_owned() else {
            shared.counts.refused.add(1);
            continue;
        };
        shared.counts.connections.add(1);
        // Best effort: without them the stream is only slower to start or later cut.
        let _ = stream.set_nodelay(true);
        let _ = socket2::SockRef::from(&stream).set_send_buffer_size(shared.kernel_buffer);
        let link = Link::new(stream, peer, shared.remainder_max);
        let session = Session::new(shared.clone(), link, numbers.fetch_add(1, Ordering::Relaxed));
        tasks.run("simulated camera's session", async move {
            session.run().await;
            drop(place);
        });
    }
}

/// Two UDP sockets on neighbouring ports, the first one even, as RFC 3550 asks for.
async fn udp_pair(address: SocketAddr) -> std::io::Result<(UdpSocket, UdpSocket, (u16, u16))> {
    let mut last = std::io::Error::other("no port tried");
    for _ in 0..UDP_TRIES {
        let first = UdpSocket::bind((address.ip(), 0)).await?;
        let port = first.local_addr()?.port();
        if !port.is_multiple_of(2) {
            continue;
        }
        match UdpSocket::bind((address.ip(), port + 1)).await {
            Ok(second) => return Ok((first, second, (port, port + 1))),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Handle {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// URL of a camera's stream, without credentials.
    pub fn url(&self, camera: &str, stream: Stream) -> String {
        format!("rtsp://{}/cam/{camera}/{}", self.address, stream.path())
    }

    /// What was counted.
    pub fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    /// Lets something go wrong with a camera, in sessions that play and in those to come.
    ///
    /// # Errors
    /// [`CamerasError::Unknown`].
    pub fn inject(&self, camera: &str, fault: Fault) -> Result<(), CamerasError> {
        self.unit(camera)?.faults.inject(fault);
        Ok(())
    }

    /// Ends everything that lasts.
    ///
    /// # Errors
    /// [`CamerasError::Unknown`].
    pub fn clear(&self, camera: &str) -> Result<(), CamerasError> {
        self.unit(camera)?.faults.clear();
        Ok(())
    }

    /// Waits until a camera's stream has its pictures, those of a picture fault too.
    ///
    /// # Errors
    /// [`CamerasError::Unknown`].
    pub async fn ready(&self, camera: &str, stream: Stream) -> Result<(), CamerasError> {
        let unit = self.unit(camera)?;
        self.shared.clips.ready(unit.view(stream)).await;
        Ok(())
    }

    /// The access units that a camera's stream loops now, as Annex B: for tests that look at pictures and not at time.
    ///
    /// # Errors
    /// [`CamerasError::Unknown`]; the file of the clip cannot be read.
    pub async fn annex_b(&self, camera: &str, stream: Stream) -> Result<Vec<Vec<u8>>, CamerasError> {
        let view = self.unit(camera)?.view(stream);
        self.shared.clips.units(view).await.map_err(CamerasError::Socket)
    }

    fn unit(&self, camera: &str) -> Result<&Arc<Unit>, CamerasError> {
        self.shared.units.get(camera).ok_or_else(|| CamerasError::Unknown(camera.to_owned()))
    }
}
