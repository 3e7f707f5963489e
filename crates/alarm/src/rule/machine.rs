//! The evaluator: an accumulator and a small stack. Unknown is NaN and spreads; booleans are 1 and 0.

use serde::{Deserialize, Serialize};

use super::{INPUTS_MAX, Truth};

/// Deepest stack; the generator refuses programs that need more.
pub(super) const STACK_MAX: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Bin {
    Or,
    And,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Least,
    Most,
}

/// One operation. The fused forms take their right side from a slot or a constant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Op {
    Load(u8),
    Constant(f64),
    /// Saves the accumulator for a later [`Op::Stack`].
    Push,
    /// Saved value on the left, accumulator on the right.
    Stack(Bin),
    Slot(Bin, u8),
    With(Bin, f64),
    Not,
    Negate,
    Absolute,
    Known,
}

const fn truth_value(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

/// Kleene's three-valued logic and arithmetic in which every fault is unknown.
#[inline(always)]
fn apply(op: Bin, a: f64, b: f64) -> f64 {
    let compare = |holds: bool| if a.is_nan() || b.is_nan() { f64::NAN } else { truth_value(holds) };
    match op {
        Bin::And => kleene_and(a, b),
        Bin::Or => 1.0 - kleene_and(1.0 - a, 1.0 - b),
        Bin::Less => compare(a < b),
        Bin::LessEqual => compare(a <= b),
        Bin::Greater => compare(a > b),
        Bin::GreaterEqual => compare(a >= b),
        Bin::Equal => compare(a == b),
        Bin::NotEqual => compare(a != b),
        Bin::Add => finite(a + b),
        Bin::Subtract => finite(a - b),
        Bin::Multiply => finite(a * b),
        Bin::Divide => finite(a / b),
        Bin::Least => {
            if b < a || b.is_nan() {
                b
            } else {
                a
            }
        }
        Bin::Most => {
            if b > a || b.is_nan() {
                b
            } else {
                a
            }
        }
    }
}

#[inline(always)]
fn kleene_and(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { a * b }
}

/// Overflow and division by zero are faults.
#[inline(always)]
const fn finite(x: f64) -> f64 {
    if x.is_finite() { x } else { f64::NAN }
}

/// Runs a program over its input slots.
#[inline]
pub(super) fn run(ops: &[Op], slots: &[f64; INPUTS_MAX]) -> f64 {
    let mut stack = [0.0_f64; STACK_MAX];
    let mut depth = 0_usize;
    let mut acc = f64::NAN;
    for op in ops {
        match *op {
            Op::Load(slot) => acc = slots[slot as usize % INPUTS_MAX],
            Op::Constant(value) => acc = value,
            Op::Push => {
                stack[depth % STACK_MAX] = acc;
                depth += 1;
            }
            Op::Stack(bin) => {
                depth = depth.saturating_sub(1);
                acc = apply(bin, stack[depth % STACK_MAX], acc);
            }
            Op::Slot(bin, slot) => acc = apply(bin, acc, slots[slot as usize % INPUTS_MAX]),
            Op::With(bin, value) => acc = apply(bin, acc, value),
            Op::Not => acc = 1.0 - acc,
            Op::Negate => acc = -acc,
            Op::Absolute => acc = acc.abs(),
            Op::Known => acc = truth_value(!acc.is_nan()),
        }
    }
    acc
}

pub(super) fn truth(value: f64) -> Truth {
    if value.is_nan() {
        Truth::Unknown
    } else if value != 0.0 {
        Truth::True
    } else {
        Truth::False
    }
}
