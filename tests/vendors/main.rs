//! The vendors against their simulators, over real HTTP.
#![cfg(test)]

mod azure;
mod bench;
mod eset;
mod eset_faults;
mod management_activity;
#[path = "../support/mod.rs"]
mod support;
mod wiz;
