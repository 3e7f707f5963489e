//! Tree to code: types, units, costs and names are checked here, so that evaluation cannot fail.

use std::sync::Arc;

use model::TagIndex;

use super::error::{RuleCode, RuleError, Span};
use super::machine::{Bin, Op, STACK_MAX};
use super::parse::{Binary, Expression, Node, parse};
use super::unit::{Unit, factor, seconds};
use super::{FUEL_MAX, INPUTS_MAX, Input, Read, Resolved, Resolver};

/// Rules that name rules that name rules: at most this deep.
const RULE_DEPTH_MAX: usize = 8;
/// Windows: one second to one day.
const WINDOW_S: std::ops::RangeInclusive<f64> = 1.0..=86_400.0;

/// Static type of an expression.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Number(Unit),
    Condition,
    Quality,
}

impl Kind {
    const fn word(&self) -> &'static str {
        match self {
            Self::Number(_) => "a number",
            Self::Condition => "a condition",
            Self::Quality => "a quality",
        }
    }
}

struct Generator<'a> {
    resolver: &'a Resolver<'a>,
    ops: Vec<Op>,
    inputs: Vec<Input>,
    depth: usize,
    /// Names of the rules being expanded, for cycles.
    rules: Vec<String>,
}

/// Generates the code of a rule; its value must be a condition.
pub(super) fn generate(tree: &Node, resolver: &Resolver<'_>) -> Result<(Vec<Op>, Vec<Input>), RuleError> {
    let mut generator = Generator { resolver, ops: vec![], inputs: vec![], depth: 0, rules: vec![] };
    let kind = generator.value(tree)?;
    if kind != Kind::Condition {
        let message = format!("the rule is {}, it must be a condition", kind.word());
        return Err(tree.span.error(RuleCode::Type, message, "compare it with a limit, as in level > 90"));
    }
    Ok((generator.ops, generator.inputs))
}

const fn operation(op: Binary) -> Bin {
    match op {
        Binary::Or => Bin::Or,
        Binary::And => Bin::And,
        Binary::Less => Bin::Less,
        Binary::LessEqual => Bin::LessEqual,
        Binary::Greater => Bin::Greater,
        Binary::GreaterEqual => Bin::GreaterEqual,
        Binary::Equal => Bin::Equal,
        Binary::NotEqual => Bin::NotEqual,
        Binary::Add => Bin::Add,
        Binary::Subtract => Bin::Subtract,
        Binary::Multiply => Bin::Multiply,
        Binary::Divide => Bin::Divide,
    }
}

impl Generator<'_> {
    fn emit(&mut self, op: Op, span: Span) -> Result<(), RuleError> {
        if self.ops.len() == FUEL_MAX {
            let message = format!("the rule needs more than {FUEL_MAX} operations");
            return Err(span.error(RuleCode::TooCostly, message, "split it into several rules"));
        }
        self.ops.push(op);
        Ok(())
    }

    fn slot(&mut self, input: Input, span: Span) -> Result<u8, RuleError> {
        if let Some(found) = self.inputs.iter().position(|i| *i == input) {
            return Ok(found as u8);
        }
        if self.inputs.len() == INPUTS_MAX {
            let message = format!("the rule reads more than {INPUTS_MAX} inputs");
            return Err(span.error(RuleCode::TooCostly, message, "split it into several rules"));
        }
        self.inputs.push(input);
        Ok(self.inputs.len() as u8 - 1)
    }

    /// Emits code that leaves the value of `node` in the accumulator.
    fn value(&mut self, node: &Node) -> Result<Kind, RuleError> {
        match &node.expression {
            Expression::Number(value, unit) => {
                self.emit(Op::Constant(*value), node.span)?;
                Ok(Kind::Number(unit.as_deref().map_or(Unit::Any, |u| Unit::Of(u.into()))))
            }
            Expression::Name(name) => self.name(name, node.span),
            Expression::Not(inner) => {
                self.condition(inner, "not")?;
                self.emit(Op::Not, node.span)?;
                Ok(Kind::Condition)
            }
            Expression::Negate(inner) => {
                let unit = self.number(inner, "-")?;
                self.emit(Op::Negate, node.span)?;
                Ok(Kind::Number(unit))
            }
            Expression::Binary(op, left, right) => self.binary(*op, (left, right), node.span),
            Expression::Call(name, arguments) => self.call(name, arguments, node.span),
        }
    }

    fn number(&mut self, node: &Node, wanted_by: &str) -> Result<Unit, RuleError> {
        match self.value(node)? {
            Kind::Number(unit) => Ok(unit),
            kind => Err(mismatch(node.span, wanted_by, "a number", &kind)),
        }
    }

    fn condition(&mut self, node: &Node, wanted_by: &str) -> Result<(), RuleError> {
        match self.value(node)? {
            Kind::Condition => Ok(()),
            kind => Err(mismatch(node.span, wanted_by, "a condition", &kind)),
        }
    }

    fn name(&mut self, name: &str, span: Span) -> Result<Kind, RuleError> {
        let fixed = match name {
            "true" => Some((1.0, Kind::Condition)),
            "false" => Some((0.0, Kind::Condition)),
            "good" => Some((0.0, Kind::Quality)),
            "uncertain" => Some((1.0, Kind::Quality)),
            "bad" => Some((2.0, Kind::Quality)),
            _ => None,
        };
        if let Some((value, kind)) = fixed {
            self.emit(Op::Constant(value), span)?;
            return Ok(kind);
        }
        match (self.resolver)(name) {
            Some(Resolved::Tag { tag, unit, boolean }) => {
                let slot = self.slot(Input { tag, read: Read::Value }, span)?;
                self.emit(Op::Load(slot), span)?;
                Ok(if boolean { Kind::Condition } else { Kind::Number(Unit::Of(unit)) })
            }
            Some(Resolved::Rule(source)) => self.rule(name, &source, span),
            None => Err(unknown(name, span)),
        }
    }

    /// Expands a named rule in place.
    fn rule(&mut self, name: &str, source: &str, span: Span) -> Result<Kind, RuleError> {
        if self.rules.iter().any(|r| r == name) {
            let message = format!("the rules {} → {name} name one another in a circle", self.rules.join(" → "));
            return Err(span.error(RuleCode::Cycle, message, "take one of the names out"));
        }
        if self.rules.len() == RULE_DEPTH_MAX {
            let message = format!("rules name rules more than {RULE_DEPTH_MAX} deep");
            return Err(span.error(RuleCode::TooCostly, message, "write one of them out"));
        }
        self.rules.push(name.to_owned());
        let kind = parse(source).and_then(|tree| self.value(&tree));
        self.rules.pop();
        kind.map_err(|e| RuleError { rule: e.rule.clone().or_else(|| Some(name.to_owned())), ..e })
    }

    fn binary(&mut self, op: Binary, (left, right): (&Node, &Node), span: Span) -> Result<Kind, RuleError> {
        let a = self.value(left)?;
        self.emit(Op::Push, span)?;
        let pushed = self.ops.len() - 1;
        self.depth += 1;
        if self.depth > STACK_MAX {
            let message = format!("the rule needs a stack deeper than {STACK_MAX}");
            return Err(span.error(RuleCode::TooCostly, message, "split it into named rules"));
        }
        let b = self.value(right)?;
        self.depth -= 1;
        let (kind, scale) = combine(op, (&a, &b), span)?;
        if op == Binary::Divide && self.ops.len() == pushed + 2 && self.ops.last() == Some(&Op::Constant(0.0)) {
            return Err(right.span.error(RuleCode::Range, "division by zero", "divide by something else"));
        }
        if scale != 1.0 {
            self.scale(scale, span)?;
        }
        self.finish(operation(op), pushed, span)?;
        Ok(kind)
    }

    /// Converts the accumulator to another unit.
    fn scale(&mut self, scale: f64, span: Span) -> Result<(), RuleError> {
        if let Some(Op::Constant(value)) = self.ops.last_mut() {
            *value *= scale;
            return Ok(());
        }
        self.emit(Op::With(Bin::Multiply, scale), span)
    }

    /// Ends a binary operation; a right side of one operation is fused into it.
    fn finish(&mut self, bin: Bin, pushed: usize, span: Span) -> Result<(), RuleError> {
        if self.ops.len() == pushed + 2 {
            let fused = match self.ops[pushed + 1] {
                Op::Load(slot) => Some(Op::Slot(bin, slot)),
                Op::Constant(value) => Some(Op::With(bin, value)),
                _ => None,
            };
            if let Some(op) = fused {
                self.ops.truncate(pushed);
                return self.emit(op, span);
            }
        }
        self.emit(Op::Stack(bin), span)
    }

    fn call(&mut self, name: &str, arguments: &[Node], span: Span) -> Result<Kind, RuleError> {
        match (name, arguments) {
            ("abs", [x]) => {
                let unit = self.number(x, "abs")?;
                self.emit(Op::Absolute, span)?;
                Ok(Kind::Number(unit))
            }
            ("known", [x]) => {
                self.value(x)?;
                self.emit(Op::Known, span)?;
                Ok(Kind::Condition)
            }
            ("age" | "stale" | "quality", [tag]) => self.about_tag(name, tag, span),
            ("min" | "max", [a, b]) if !is_duration(b) => self.extreme(name, (a, b), span),
            ("avg" | "min" | "max" | "sum" | "count" | "rate", [tag, window]) => self.window(name, (tag, window), span),
            _ => {
                let hint = "known are avg min max sum count rate (tag, 5m), age stale quality (tag), abs known (x), \
                            min max (a, b)";
                let message = format!("there is no function {name} with {} arguments", arguments.len());
                Err(span.error(RuleCode::Syntax, message, hint))
            }
        }
    }

    fn extreme(&mut self, name: &str, (a, b): (&Node, &Node), span: Span) -> Result<Kind, RuleError> {
        let left = Kind::Number(self.number(a, name)?);
        self.emit(Op::Push, span)?;
        let pushed = self.ops.len() - 1;
        let right = Kind::Number(self.number(b, name)?);
        let (_, scale) = combine(Binary::Add, (&left, &right), span)?;
        if scale != 1.0 {
            self.scale(scale, span)?;
        }
        self.finish(if name == "min" { Bin::Least } else { Bin::Most }, pushed, span)?;
        Ok(if left == Kind::Number(Unit::Any) { right } else { left })
    }

    fn tag(&self, node: &Node, function: &str) -> Result<(TagIndex, Arc<str>, bool), RuleError> {
        let wanted = || {
            let message = format!("{function} wants a tag");
            node.span.error(RuleCode::Type, message, format!("write {function}(tag-name, …)"))
        };
        let Expression::Name(name) = &node.expression else { return Err(wanted()) };
        match (self.resolver)(name) {
            Some(Resolved::Tag { tag, unit, boolean }) => Ok((tag, unit, boolean)),
            Some(Resolved::Rule(_)) => Err(wanted()),
            None => Err(unknown(name, node.span)),
        }
    }

    fn about_tag(&mut self, name: &str, node: &Node, span: Span) -> Result<Kind, RuleError> {
        let (tag, ..) = self.tag(node, name)?;
        let (read, kind) = match name {
            "age" => (Read::Age, Kind::Number(Unit::Of("s".into()))),
            "stale" => (Read::Stale, Kind::Condition),
            _ => (Read::Quality, Kind::Quality),
        };
        let slot = self.slot(Input { tag, read }, span)?;
        self.emit(Op::Load(slot), span)?;
        Ok(kind)
    }

    fn window(&mut self, name: &str, (tag, window): (&Node, &Node), span: Span) -> Result<Kind, RuleError> {
        let (tag, unit, boolean) = self.tag(tag, name)?;
        if boolean && name != "count" {
            let message = format!("{name} wants numbers, this tag is a switch");
            return Err(span.error(RuleCode::Type, message, "use count(tag, …) or the tag itself"));
        }
        let us = duration_us(window)?;
        let (read, unit) = match name {
            "avg" => (Read::Avg(us), Unit::Of(unit)),
            "min" => (Read::Min(us), Unit::Of(unit)),
            "max" => (Read::Max(us), Unit::Of(unit)),
            "sum" => (Read::Sum(us), Unit::Of(unit)),
            "rate" => (Read::Rate(us), Unit::Of(unit).per(&Unit::Of("s".into()))),
            _ => (Read::Count(us), Unit::plain()),
        };
        let slot = self.slot(Input { tag, read }, span)?;
        self.emit(Op::Load(slot), span)?;
        Ok(Kind::Number(unit))
    }
}

fn is_duration(node: &Node) -> bool {
    matches!(&node.expression, Expression::Number(value, unit) if seconds(*value, unit.as_deref()).is_some())
}

fn duration_us(node: &Node) -> Result<i64, RuleError> {
    let hint = "write a length of time, as in 30s, 5m or 1h";
    let Expression::Number(value, unit) = &node.expression else {
        return Err(node.span.error(RuleCode::Syntax, "the window is not a length of time", hint));
    };
    let Some(length) = seconds(*value, unit.as_deref()) else {
        return Err(node.span.error(RuleCode::Unit, "the window is not a length of time", hint));
    };
    if !WINDOW_S.contains(&length) {
        let message = format!("the window is {length} s");
        return Err(node.span.error(RuleCode::Range, message, "choose 1 s to 1 d"));
    }
    Ok((length * 1e6) as i64)
}

fn unknown(name: &str, span: Span) -> RuleError {
    let hint = "add it to the site files, or quote it in full: \"enterprise/tag\"";
    span.error(RuleCode::TagUnknown, format!("{name} is neither a tag nor a rule"), hint)
}

fn mismatch(span: Span, by: &str, wanted: &str, found: &Kind) -> RuleError {
    let message = format!("{by} wants {wanted}, this is {}", found.word());
    span.error(RuleCode::Type, message, "compare numbers; join conditions with and, or, not")
}

/// Type of a binary operation, and what the right side must be multiplied by first.
fn combine(op: Binary, (a, b): (&Kind, &Kind), span: Span) -> Result<(Kind, f64), RuleError> {
    let comparison =
        !matches!(op, Binary::And | Binary::Or | Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide);
    match (op, a, b) {
        (Binary::And | Binary::Or, Kind::Condition, Kind::Condition) => Ok((Kind::Condition, 1.0)),
        (Binary::And | Binary::Or, Kind::Condition, other) | (Binary::And | Binary::Or, other, _) => {
            Err(mismatch(span, if op == Binary::And { "and" } else { "or" }, "a condition", other))
        }
        (Binary::Multiply, Kind::Number(x), Kind::Number(y)) => Ok((Kind::Number(x.times(y)), 1.0)),
        (Binary::Divide, Kind::Number(x), Kind::Number(y)) => Ok((Kind::Number(x.per(y)), 1.0)),
        (_, Kind::Number(x), Kind::Number(y)) => {
            let scale = convert(x, y, span)?;
            let unit = if *x == Unit::Any { y } else { x };
            Ok((if comparison { Kind::Condition } else { Kind::Number(unit.clone()) }, scale))
        }
        (_, Kind::Quality, Kind::Quality) if comparison => Ok((Kind::Condition, 1.0)),
        (Binary::Equal | Binary::NotEqual, Kind::Condition, Kind::Condition) => Ok((Kind::Condition, 1.0)),
        (_, Kind::Number(_), other) | (_, other, _) => Err(mismatch(span, "this operator", "a number", other)),
    }
}

fn convert(left: &Unit, right: &Unit, span: Span) -> Result<f64, RuleError> {
    let (Unit::Of(to), Unit::Of(from)) = (left, right) else { return Ok(1.0) };
    factor(from, to).ok_or_else(|| {
        let message = format!("{} and {} do not fit", left.name(), right.name());
        span.error(RuleCode::Unit, message, format!("give both sides in {}", left.name()))
    })
}
