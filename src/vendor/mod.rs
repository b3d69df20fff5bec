//! The vendors: what each can do, as catalogue entries. Adding one is a folder and a line in [`all`].

pub mod azure;
pub mod eset;
pub mod lacework;
pub mod management_activity;
pub mod openapi;
pub mod wiz;

use crate::core::catalogue::Vendor;

/// Every vendor, in the order they are listed.
pub fn all() -> Vec<Vendor> {
    vec![azure::vendor(), wiz::VENDOR, eset::VENDOR, management_activity::VENDOR, lacework::VENDOR, openapi::VENDOR]
}

/// The vendor of that name.
pub fn find(id: &str) -> Option<Vendor> {
    all().into_iter().find(|vendor| vendor.id == id)
}
