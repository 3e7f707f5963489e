//! One picture of a camera, as new as its newest key frame.

use std::sync::Arc;
use std::time::Duration;

use super::{Limits, Mode, Page, Source, Told, Watch, Which};
use crate::picture::{Still, TOO_SLOW, Why};
use crate::session::State;

/// A stream that is not open must be opened first, and send a key frame.
const PATIENCE: Duration = Duration::from_secs(6);

/// Takes a picture.
///
/// # Errors
/// Why there is none.
pub async fn snapshot(source: (Arc<Source>, Which)) -> Result<Still, Why> {
    let mut page = Page::new(Limits::default());
    let which = source.1;
    let watch = Watch { tile: 0, camera: String::new(), which, mode: Mode::Jpeg };
    page.watch(vec![watch], |_, _| Some(source.clone()));
    match tokio::time::timeout(PATIENCE, first(&mut page)).await {
        Ok(result) => result,
        Err(_) => Err(source.0.channel.undecoded().unwrap_or(TOO_SLOW)),
    }
}

async fn first(page: &mut Page) -> Result<Still, Why> {
    loop {
        match page.next().await {
            Told::Packet(packet) => {
                let received_us = i64::from_be_bytes(*packet.head[8..].first_chunk().unwrap_or(&[0; 8]));
                return Ok(Still { jpeg: packet.parts[0].clone(), received_us });
            }
            // A camera that is being connected for this very picture may still come.
            Told::Tile(state) if !matches!(state.state, State::Idle | State::Starting | State::Connecting) => {
                if let Some(why) = state.why {
                    return Err(why);
                }
            }
            Told::Tile(_) => {}
        }
    }
}
