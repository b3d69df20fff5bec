//! nightdesk: a full-screen, keyboard-driven investigation console for security analysts.
//!
//! Layers, and who may import whom (a test keeps it true):
//!
//! ```text
//! main → cli → runtime → ui, vendor, simulator, config, secrets → core
//! ```
//!
//! `core` is pure: it knows no terminal, clock, network or file; `core::console` is the console without its terminal, and the rest of
//! `core` knows nothing of it. `vendor` describes what each system can do and builds
//! requests and reads answers; `ui` draws; `runtime` is the one part that touches the world. `simulator` imports neither
//! `vendor` nor `runtime`: it must not share parsers with the client that it judges.

pub mod cli;
pub mod config;
pub mod core;
pub mod runtime;
pub mod secrets;
pub mod simulator;
pub mod ui;
pub mod vendor;
