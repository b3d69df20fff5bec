//! Lacework Edge without a network: the catalogue, routes and mappings.
