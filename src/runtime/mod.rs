//! The one part that touches the world: network, files, clock, terminal.

pub mod adding;
pub mod attachment;
mod beside;
pub mod cases;
pub mod clipboard;
pub mod console;
pub mod document;
pub mod fetch;
pub mod follow;
pub mod http;
pub mod jobs;
pub mod log;
pub mod lookup;
pub mod mishap;
pub mod opened;
pub mod outbox;
pub mod perform;
pub mod play;
pub mod playbook;
pub mod read;
pub mod report;
pub mod run;
pub mod shell;
pub mod store;
pub mod tell;
pub mod terminal;
mod writer;
