//! The one part that touches the world: network, files, clock, terminal.

pub mod attachment;
pub mod http;
pub mod store;
