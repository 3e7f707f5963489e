//! Why a rule was refused: a stable code, where, what, and what to do.

/// Stable code of a rule error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuleCode {
    /// A name that is neither tag nor rule.
    TagUnknown,
    /// Rules that name one another in a circle.
    Cycle,
    /// A number out of bounds: window, divisor, literal.
    Range,
    /// Too long, too deep, too many inputs or operations.
    TooCostly,
    /// A number where a condition is wanted, or the other way round.
    Type,
    /// Units that do not fit.
    Unit,
    /// Not a rule.
    Syntax,
}

impl RuleCode {
    /// The code as on every wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TagUnknown => "RULE_TAG_UNKNOWN",
            Self::Cycle => "RULE_CYCLE",
            Self::Range => "RULE_RANGE",
            Self::TooCostly => "RULE_TOO_COSTLY",
            Self::Type => "RULE_TYPE",
            Self::Unit => "RULE_UNIT",
            Self::Syntax => "RULE_SYNTAX",
        }
    }
}

/// A problem in a rule's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {}: {message}; {hint}", code.as_str())]
pub struct RuleError {
    /// Stable code.
    pub code: RuleCode,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong, with the names and values in question.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// The named rule in whose text it is; none: in the rule itself.
    pub rule: Option<String>,
}

/// A place in a source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub line: u32,
    pub column: u32,
}

impl Span {
    pub(super) fn error(self, code: RuleCode, message: impl Into<String>, hint: impl Into<String>) -> RuleError {
        let Self { line, column } = self;
        RuleError { code, line, column, message: message.into(), hint: hint.into(), rule: None }
    }
}
