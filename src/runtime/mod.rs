//! The one part that touches the world: network, files, clock, terminal.

pub mod attachment;
pub mod fetch;
pub mod http;
pub mod jobs;
pub mod opened;
pub mod report;
pub mod run;
pub mod store;
