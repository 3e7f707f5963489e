//! The task kit.
