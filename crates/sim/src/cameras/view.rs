//! What a simulated camera may look at: place, light, what happens there, what is wrong with the picture, and the size.

/// Where the camera hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Storage tanks and pipes outside.
    TankFarm,
    /// Polishing benches and a dust duct.
    Workshop,
    /// Gate with a barrier and lorries.
    Gate,
    /// Corridor of a shopping hall.
    Corridor,
}

/// The hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Light {
    /// Sun or lamps.
    Day,
    /// Infrared: grey, darker, noisier.
    Night,
}

/// What the picture shows: an event at the place, or a fault of the camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Look {
    /// The place as it is, with people and lorries moving.
    Clean,
    /// A flame with smoke.
    Flame,
    /// A white cloud creeping from a flange.
    Leak,
    /// The same picture again and again.
    Frozen,
    /// Lens cap or dead sensor.
    Black,
    /// Blinded by light.
    WhiteOut,
    /// Something hangs before most of the lens.
    Occluded,
    /// The camera was turned aside.
    Shifted,
    /// Out of focus.
    Blurred,
    /// The encoder's placard for a lost sensor.
    NoSignal,
}

/// Size of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Size {
    /// 352 x 288.
    Cif,
    /// 704 x 576.
    D1,
    /// 1920 x 1080.
    Hd,
}

impl Size {
    /// Width and height.
    pub fn pixels(self) -> (usize, usize) {
        match self {
            Self::Cif => (352, 288),
            Self::D1 => (704, 576),
            Self::Hd => (1_920, 1_080),
        }
    }
}

/// One clip is drawn and encoded for each view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct View {
    /// Place.
    pub place: Place,
    /// Light.
    pub light: Light,
    /// Look.
    pub look: Look,
    /// Size.
    pub size: Size,
}

impl View {
    /// Views that show the same are the same: black is black everywhere.
    #[must_use]
    pub(super) fn canonical(self) -> Self {
        match self.look {
            Look::Black | Look::WhiteOut | Look::NoSignal => Self { place: Place::TankFarm, light: Light::Day, ..self },
            _ => self,
        }
    }

    /// Name of the file its clip is kept in.
    pub(super) fn file(self) -> String {
        let (width, height) = self.size.pixels();
        format!("{:?}-{:?}-{:?}-{width}x{height}.h264", self.place, self.light, self.look).to_lowercase()
    }
}
