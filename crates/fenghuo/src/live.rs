//! Live pictures as the API wants them.

use std::sync::Arc;

use api::{LivePage, LiveTold, Snapshot, Still};
use futures_util::stream;
use protocol::{LiveMode, LiveStream, LiveTile, LiveTileFrame, Problem, ReasonView};
use tokio::sync::mpsc;
use video::live::{Limits, Mode, Page, TileState, Told, Watch, Which};

use crate::cameras::Cameras;

/// The API's view of what is live.
pub fn live(cameras: &Cameras) -> api::Live {
    let (of, known, seen) = (cameras.clone(), cameras.clone(), cameras.clone());
    api::Live {
        page: Arc::new(move |layouts| page(of.clone(), layouts)),
        snapshot: Arc::new(move |camera| snapshot(seen.clone(), camera)),
        knows: Arc::new(move |id| known.get().is_some_and(|v| v.camera(id).is_some())),
    }
}

fn snapshot(cameras: Cameras, camera: String) -> Snapshot {
    Box::pin(async move {
        let source = cameras.get().and_then(|v| v.source(&camera, Which::Main));
        let source = source.ok_or_else(|| Problem::new("NOT_FOUND", &camera))?;
        let taken = video::live::snapshot(source).await;
        let still = taken.map_err(|why| Problem::new("NO_PICTURE", &camera).detail(why.zh, why.en))?;
        Ok(Still { jpeg: still.jpeg, at: still.received_us })
    })
}

struct Open {
    cameras: Cameras,
    page: Page,
    layouts: mpsc::Receiver<Vec<LiveTile>>,
    refused: Vec<LiveTile>,
}

fn page(cameras: Cameras, layouts: mpsc::Receiver<Vec<LiveTile>>) -> LivePage {
    let open = Open { cameras, page: Page::new(Limits::default()), layouts, refused: Vec::new() };
    Box::pin(stream::unfold(open, |mut open| async move { open.next().await.map(|told| (told, open)) }))
}

impl Open {
    /// None: the connection is gone.
    async fn next(&mut self) -> Option<LiveTold> {
        loop {
            if let Some(tile) = self.refused.pop() {
                return Some(LiveTold::Refused(tile));
            }
            tokio::select! {
                tiles = self.layouts.recv() => self.watch(tiles?),
                told = self.page.next() => return Some(told_of(told)),
            }
        }
    }

    fn watch(&mut self, tiles: Vec<LiveTile>) {
        let video = self.cameras.get();
        let wanted = tiles.iter().map(watch_of).collect();
        let refused = self.page.watch(wanted, |camera, which| video?.source(camera, which));
        self.refused = tiles.into_iter().filter(|t| refused.iter().any(|r| r.tile == t.tile)).collect();
    }
}

fn watch_of(tile: &LiveTile) -> Watch {
    Watch {
        tile: tile.tile,
        camera: tile.camera.clone(),
        which: if tile.stream == LiveStream::Sub { Which::Sub } else { Which::Main },
        mode: match tile.mode {
            LiveMode::Raw => Mode::Raw,
            LiveMode::Mse => Mode::Mse,
            LiveMode::Jpeg => Mode::Jpeg,
        },
    }
}

fn told_of(told: Told) -> LiveTold {
    match told {
        Told::Packet(packet) => LiveTold::Packet(packet.head, packet.parts),
        Told::Tile(state) => LiveTold::Tile(frame(state)),
    }
}

fn frame(state: TileState) -> LiveTileFrame {
    let (codec, codec_rfc6381) = state.codec.map(|(c, name)| (c.name().to_owned(), name)).unwrap_or_default();
    LiveTileFrame {
        r#type: "tile".into(),
        tile: state.tile,
        camera: state.camera,
        stream: if state.which == Which::Sub { LiveStream::Sub } else { LiveStream::Main },
        state: state.state.code().into(),
        why: state.why.map(|t| ReasonView { code: t.code.into(), zh: t.zh.into(), en: t.en.into() }),
        codec,
        codec_rfc6381,
        width: state.size.0,
        height: state.size.1,
        dropped: state.dropped,
    }
}
