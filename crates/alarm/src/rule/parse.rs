//! Tokens to a tree, by precedence climbing; nesting is bounded.

use super::error::{RuleCode, RuleError, Span};
use super::lex::{Token, tokens};
use super::{DEPTH_MAX, FUEL_MAX};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
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
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    Number(f64, Option<String>),
    Name(String),
    Not(Box<Node>),
    Negate(Box<Node>),
    Binary(Binary, Box<Node>, Box<Node>),
    Call(String, Vec<Node>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub expression: Expression,
    pub span: Span,
}

struct Parser {
    tokens: Vec<(Token, Span)>,
    at: usize,
    depth: usize,
    nodes: usize,
}

/// Most nodes of a tree: it is walked by recursion, so its depth must be bounded too.
const NODES_MAX: usize = 2 * FUEL_MAX;

/// Parses a whole source text.
pub(super) fn parse(source: &str) -> Result<Node, RuleError> {
    let mut parser = Parser { tokens: tokens(source)?, at: 0, depth: 0, nodes: 0 };
    let node = parser.expression(0)?;
    match parser.peek() {
        Token::End => Ok(node),
        other => Err(parser.unexpected(&other.clone(), "an operator or the end of the rule")),
    }
}

/// Precedence: or, and, comparison, sum, product.
const fn precedence(op: Binary) -> u8 {
    match op {
        Binary::Or => 1,
        Binary::And => 2,
        Binary::Add | Binary::Subtract => 4,
        Binary::Multiply | Binary::Divide => 5,
        _ => COMPARISON,
    }
}

const COMPARISON: u8 = 3;

fn binary(token: &Token) -> Option<Binary> {
    let word = match token {
        Token::Symbol(symbol) => symbol,
        Token::Name(name) => name.as_str(),
        _ => return None,
    };
    Some(match word {
        "or" | "||" => Binary::Or,
        "and" | "&&" => Binary::And,
        "<" => Binary::Less,
        "<=" => Binary::LessEqual,
        ">" => Binary::Greater,
        ">=" => Binary::GreaterEqual,
        "==" => Binary::Equal,
        "!=" => Binary::NotEqual,
        "+" => Binary::Add,
        "-" => Binary::Subtract,
        "*" => Binary::Multiply,
        "/" => Binary::Divide,
        _ => return None,
    })
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn span(&self) -> Span {
        self.tokens[self.at].1
    }

    /// The last token is the end and is never passed.
    fn next(&mut self) -> Token {
        let token = self.tokens[self.at].0.clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn unexpected(&self, token: &Token, wanted: &str) -> RuleError {
        let found = match token {
            Token::Number(n, _) => n.to_string(),
            Token::Name(name) => name.clone(),
            Token::Quoted(name) => format!("\"{name}\""),
            Token::Symbol(symbol) => (*symbol).to_owned(),
            Token::End => "the end".to_owned(),
        };
        let hint = match token {
            Token::Symbol("=") => "compare with ==".to_owned(),
            _ => format!("write {wanted} here"),
        };
        self.span().error(RuleCode::Syntax, format!("found {found}, wanted {wanted}"), hint)
    }

    fn expression(&mut self, least: u8) -> Result<Node, RuleError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("the rule is nested deeper than {DEPTH_MAX}");
            return Err(self.span().error(RuleCode::TooCostly, message, "split it into named rules"));
        }
        let mut left = self.operand()?;
        while let Some(op) = binary(self.peek()).filter(|op| precedence(*op) >= least.max(1)) {
            let span = self.span();
            self.next();
            let right = self.expression(precedence(op) + 1)?;
            if precedence(op) == COMPARISON && binary(self.peek()).is_some_and(|n| precedence(n) == COMPARISON) {
                let hint = "write a < b and b < c";
                return Err(self.span().error(RuleCode::Syntax, "comparisons cannot be chained", hint));
            }
            left = Node { expression: Expression::Binary(op, Box::new(left), Box::new(right)), span };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Node, RuleError> {
        let span = self.span();
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let message = format!("the rule has more than {NODES_MAX} operands");
            return Err(span.error(RuleCode::TooCostly, message, "split it into several rules"));
        }
        let from = self.at;
        let token = self.next();
        let expression = match token {
            Token::Number(value, unit) => Expression::Number(value, unit),
            Token::Quoted(name) => Expression::Name(name),
            Token::Symbol("-") => Expression::Negate(Box::new(self.expression(precedence(Binary::Multiply) + 1)?)),
            Token::Symbol("!") => Expression::Not(Box::new(self.expression(precedence(Binary::Multiply) + 1)?)),
            Token::Symbol("(") => return self.bracket(),
            Token::Name(name) if name == "not" => Expression::Not(Box::new(self.expression(COMPARISON)?)),
            Token::Name(name) if name != "and" && name != "or" => {
                if *self.peek() == Token::Symbol("(") {
                    self.next();
                    Expression::Call(name, self.arguments()?)
                } else {
                    Expression::Name(name)
                }
            }
            other => {
                self.at = from;
                return Err(self.unexpected(&other, "a number, a name or ("));
            }
        };
        Ok(Node { expression, span })
    }

    fn bracket(&mut self) -> Result<Node, RuleError> {
        let inner = self.expression(0)?;
        self.expect(")")?;
        Ok(inner)
    }

    fn expect(&mut self, symbol: &'static str) -> Result<(), RuleError> {
        if *self.peek() != Token::Symbol(symbol) {
            return Err(self.unexpected(&self.peek().clone(), symbol));
        }
        self.next();
        Ok(())
    }

    fn arguments(&mut self) -> Result<Vec<Node>, RuleError> {
        let mut arguments = vec![self.expression(0)?];
        while *self.peek() == Token::Symbol(",") {
            self.next();
            arguments.push(self.expression(0)?);
        }
        self.expect(")")?;
        Ok(arguments)
    }
}
