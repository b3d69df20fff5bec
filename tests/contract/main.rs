//! The command line's contract, checked on the real binary: the simulators run as `nightdesk sim`, everything else is a process of its
//! own, as a script would call it.
#![cfg(test)]

mod configuration;
mod desk;
mod hostile;
mod limits;
mod origins;
