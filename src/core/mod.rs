//! The pure core: plain data and functions over it. No terminal, clock, network or file is known here.

pub mod act;
pub mod action;
pub mod add;
pub mod answer;
pub mod answers;
pub mod catalogue;
pub mod choose;
pub mod chooser;
pub mod complete;
pub mod confirm;
pub mod connection;
pub mod copy;
pub mod detail;
pub mod effect;
pub mod entity;
pub mod event;
pub mod explorer;
pub mod export;
pub mod fit;
pub mod form;
pub mod health;
pub mod help;
pub mod json;
pub mod keys;
pub mod layer;
pub mod line;
pub mod mapping;
pub mod mark;
pub mod message;
pub mod meter;
pub mod model;
pub mod notice;
pub mod origin;
pub mod outcome;
pub mod playbook;
pub mod press;
pub mod query;
pub mod queue;
pub mod request;
pub mod resume;
pub mod run;
pub mod search;
pub mod sign_in;
pub mod talk;
pub mod task;
pub mod text;
pub mod update;
pub mod views;

#[cfg(test)]
pub(crate) mod session;
#[cfg(test)]
mod stories;
