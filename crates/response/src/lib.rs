//! The work systems. Today: command and dispatch (指挥调度), an order from the hall to a unit that must answer.
#![deny(missing_docs)]

mod order;

pub use order::{Order, OrderAction, OrderBook, OrderCommand, OrderEvent, OrderId, OrderRefusal, OrderState, Receipt};
