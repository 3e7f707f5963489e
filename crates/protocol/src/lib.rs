//! Every promise on a wire.
