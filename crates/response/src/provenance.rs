//! Provenance as a type: an outlet that takes [`Real`] cannot be handed an [`Exercise`], so that no drill reaches a siren.
//!
//! Only [`Told::of`] makes either of them, from what the thing itself says; there is no way from one to the other.
//!
//! ```
//! use response::{ItemId, Real, Told};
//! fn siren(order: Real<ItemId>) -> String {
//!     order.get().to_string()
//! }
//! let order: ItemId = "O-000001".parse().unwrap();
//! let Told::Real(order) = Told::of(order) else { panic!() };
//! assert_eq!(siren(order), "O-000001");
//! let played: ItemId = "O-900000001".parse().unwrap();
//! assert!(Told::of(played).real().is_none());
//! ```
//! An exercise is not accepted:
//! ```compile_fail,E0308
//! use response::{ItemId, Real, Told};
//! fn siren(_: Real<ItemId>) {}
//! if let Told::Exercise(order) = Told::of("O-900000001".parse::<ItemId>().unwrap()) {
//!     siren(order);
//! }
//! ```
//! What was not asked is not accepted either:
//! ```compile_fail,E0308
//! use response::{ItemId, Real};
//! fn siren(_: Real<ItemId>) {}
//! siren("O-000001".parse::<ItemId>().unwrap());
//! ```
//! Nobody declares something real:
//! ```compile_fail,E0423
//! let real = response::Real(1);
//! ```
//! ```compile_fail,E0277
//! use response::{ItemId, Real, Told};
//! if let Told::Exercise(order) = Told::of("O-900000001".parse::<ItemId>().unwrap()) {
//!     let real: Real<ItemId> = order.into();
//! }
//! ```
//! Nor does a view of it change where it came from:
//! ```compile_fail,E0308
//! use response::{ItemId, Real, Told};
//! if let Told::Exercise(order) = Told::of("O-900000001".parse::<ItemId>().unwrap()) {
//!     let real: Real<u64> = order.map(|id| id.number);
//! }
//! ```

use crate::{Item, ItemId, Provenance, WorkEvent};

/// What knows by itself whether it happened.
pub trait Sourced {
    /// Real or played.
    fn provenance(&self) -> Provenance;
}

impl<T: Sourced + ?Sized> Sourced for &T {
    fn provenance(&self) -> Provenance {
        (**self).provenance()
    }
}

impl Sourced for ItemId {
    fn provenance(&self) -> Provenance {
        Self::provenance(*self)
    }
}

impl Sourced for Item {
    fn provenance(&self) -> Provenance {
        self.provenance
    }
}

impl Sourced for WorkEvent {
    fn provenance(&self) -> Provenance {
        self.item.provenance
    }
}

/// Something that happened. Real outlets take this and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Real<T>(T);

/// Something that was played. Only screens, marked as exercise, take this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exercise<T>(T);

/// One or the other, decided by the item's own provenance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told<T> {
    /// It happened.
    Real(Real<T>),
    /// It was played.
    Exercise(Exercise<T>),
}

impl<T: Sourced> Told<T> {
    /// By what the content says of itself.
    pub fn of(content: T) -> Self {
        match content.provenance() {
            Provenance::Real => Self::Real(Real(content)),
            Provenance::Exercise => Self::Exercise(Exercise(content)),
        }
    }
}

impl<T> Told<T> {
    /// The content, if it is real.
    pub fn real(self) -> Option<Real<T>> {
        match self {
            Self::Real(real) => Some(real),
            Self::Exercise(_) => None,
        }
    }
}

impl<T> Real<T> {
    /// What happened.
    pub const fn get(&self) -> &T {
        &self.0
    }

    /// The same event seen otherwise: still real.
    pub fn map<U>(self, view: impl FnOnce(T) -> U) -> Real<U> {
        Real(view(self.0))
    }
}

impl<T> Exercise<T> {
    /// What was played.
    pub const fn get(&self) -> &T {
        &self.0
    }

    /// The same event seen otherwise: still an exercise.
    pub fn map<U>(self, view: impl FnOnce(T) -> U) -> Exercise<U> {
        Exercise(view(self.0))
    }
}
