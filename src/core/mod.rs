//! The pure core: plain data and functions over it. No terminal, clock, network or file is known here.

pub mod catalogue;
pub mod connection;
pub mod entity;
pub mod event;
pub mod export;
pub mod json;
pub mod mapping;
pub mod origin;
pub mod outcome;
pub mod query;
pub mod request;
pub mod sign_in;
pub mod talk;
pub mod text;
