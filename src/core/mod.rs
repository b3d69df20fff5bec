//! The pure core.

pub mod json;
