//! The real binary on a real terminal.
#![cfg(test)]

mod hazards;
mod screens;
mod sessions;
mod terminal;
mod view;
mod welcome;
mod world;
