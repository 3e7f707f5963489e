//! Engineering units: equal, convertible by a factor, or not comparable.

use std::sync::Arc;

/// The unit of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Unit {
    /// A literal without a unit: takes the unit of what it meets.
    Any,
    /// This unit; empty: a plain number.
    Of(Arc<str>),
}

/// `(unit, dimension, factor to the dimension's base)`. Temperatures are absent on purpose: they have offsets.
const TABLE: [(&str, &str, f64); 31] = [
    ("Pa", "pressure", 1.0),
    ("hPa", "pressure", 100.0),
    ("kPa", "pressure", 1e3),
    ("MPa", "pressure", 1e6),
    ("bar", "pressure", 1e5),
    ("mbar", "pressure", 100.0),
    ("mm", "length", 1e-3),
    ("cm", "length", 1e-2),
    ("m", "length", 1.0),
    ("ms", "time", 1e-3),
    ("s", "time", 1.0),
    ("min", "time", 60.0),
    ("h", "time", 3_600.0),
    ("d", "time", 86_400.0),
    ("ppb", "fraction", 1e-9),
    ("ppm", "fraction", 1e-6),
    ("%vol", "fraction", 1e-2),
    ("%VOL", "fraction", 1e-2),
    ("mg/m3", "concentration", 1e-6),
    ("mg/m³", "concentration", 1e-6),
    ("g/m3", "concentration", 1e-3),
    ("g/m³", "concentration", 1e-3),
    ("mA", "current", 1e-3),
    ("A", "current", 1.0),
    ("mV", "voltage", 1e-3),
    ("V", "voltage", 1.0),
    ("kV", "voltage", 1e3),
    ("W", "power", 1.0),
    ("kW", "power", 1e3),
    ("MW", "power", 1e6),
    ("", "number", 1.0),
];

fn scale(unit: &str) -> Option<(String, f64)> {
    let row = |unit: &str| TABLE.iter().find(|row| row.0 == unit).map(|row| (row.1.to_owned(), row.2));
    if let Some(found) = row(unit) {
        return Some(found);
    }
    // `x/min` is `x` per time; x may be any unit, also one that is not in the table.
    let (above, below) = unit.rsplit_once('/')?;
    let (dimension, seconds) = row(below).filter(|(d, _)| d == "time" || d == "length")?;
    let (name, factor) = row(above).unwrap_or_else(|| (above.to_owned(), 1.0));
    Some((format!("{name}/{dimension}"), factor / seconds))
}

/// What a value in `from` must be multiplied by to be in `to`; none if they do not fit.
pub(super) fn factor(from: &str, to: &str) -> Option<f64> {
    if from == to {
        return Some(1.0);
    }
    let ((dimension, a), (other, b)) = (scale(from)?, scale(to)?);
    (dimension == other).then_some(a / b)
}

/// Seconds in a duration literal; `m` is minutes here.
pub(super) fn seconds(value: f64, unit: Option<&str>) -> Option<f64> {
    let factor = match unit? {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    Some(value * factor)
}

impl Unit {
    pub(super) fn plain() -> Self {
        Self::Of("".into())
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Any => "",
            Self::Of(name) if name.is_empty() => "a plain number",
            Self::Of(name) => name,
        }
    }

    /// Unit of a product.
    pub(super) fn times(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Any, unit) | (unit, Self::Any) => unit.clone(),
            (Self::Of(a), Self::Of(b)) if a.is_empty() => Self::Of(b.clone()),
            (Self::Of(a), Self::Of(b)) if b.is_empty() => Self::Of(a.clone()),
            (Self::Of(a), Self::Of(b)) => Self::Of(format!("{a}·{b}").into()),
        }
    }

    /// Unit of a quotient.
    pub(super) fn per(&self, other: &Self) -> Self {
        match (self, other) {
            (unit, Self::Any) => unit.clone(),
            (Self::Of(a), Self::Of(b)) if a == b => Self::plain(),
            (unit, Self::Of(b)) if b.is_empty() => unit.clone(),
            (Self::Of(a), Self::Of(b)) => Self::Of(format!("{a}/{b}").into()),
            (Self::Any, Self::Of(b)) => Self::Of(format!("1/{b}").into()),
        }
    }
}
