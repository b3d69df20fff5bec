//! The vendors against their simulators, over real HTTP.
#![cfg(test)]

mod azure;
mod bench;
mod eset;
mod eset_faults;
mod exercised;
mod following;
mod lacework;
mod management_activity;
mod openapi;
mod support;
mod wiz;
