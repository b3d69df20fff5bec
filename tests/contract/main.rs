//! The command line's contract, checked on the real binary: the simulators run as `nightdesk sim`, everything else is a process of its
//! own, as a script would call it.
#![cfg(test)]

mod calls;
mod clock;
mod configuration;
mod desk;
mod drift;
mod faults;
mod feeds;
mod fetching;
mod hostile;
mod jobs;
mod kills;
mod limits;
mod origins;
mod pivot;
mod race;
mod repeats;
mod secrecy;
mod tls;
mod twins;
mod vendors;
mod write_back;
