//! Subscriptions to foreign brokers.
