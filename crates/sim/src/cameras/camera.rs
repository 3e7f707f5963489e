//! A camera of the server: its name, what it looks at, what is wrong with it.

use super::fault::Faults;
use super::view::{Light, Place, Size, View};

/// A camera as it is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Camera {
    /// Name in the path: `/cam/NAME/main` and `/cam/NAME/sub`.
    pub name: String,
    /// Where it hangs.
    pub place: Place,
    /// The hour there.
    pub light: Light,
    /// Size of the main stream; the sub stream is CIF.
    pub main: Size,
}

impl Camera {
    /// A D1 camera by day.
    pub fn new(name: impl Into<String>, place: Place) -> Self {
        Self { name: name.into(), place, light: Light::Day, main: Size::D1 }
    }

    /// The same camera by night.
    #[must_use]
    pub fn at_night(self) -> Self {
        Self { light: Light::Night, ..self }
    }

    /// The same camera with another main stream.
    #[must_use]
    pub fn with_main(self, main: Size) -> Self {
        Self { main, ..self }
    }
}

/// Which of a camera's two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// For recording.
    Main,
    /// For mosaics.
    Sub,
}

impl Stream {
    /// As in the path.
    pub fn path(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Sub => "sub",
        }
    }
}

/// A camera in service.
#[derive(Debug)]
pub(super) struct Unit {
    pub camera: Camera,
    pub faults: Faults,
}

impl Unit {
    pub fn new(camera: Camera) -> Self {
        Self { camera, faults: Faults::none() }
    }

    /// What a stream shows now.
    pub fn view(&self, stream: Stream) -> View {
        let (lasting, _) = self.faults.now();
        let own = if stream == Stream::Main { self.camera.main } else { Size::Cif };
        View {
            place: self.camera.place,
            light: self.camera.light,
            look: lasting.look,
            size: lasting.size.unwrap_or(own),
        }
    }
}
