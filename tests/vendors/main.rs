//! The vendors against their simulators, over real HTTP.
#![cfg(test)]

#[path = "../support/mod.rs"]
mod support;
mod wiz;
