//! Requests and answers of the commands, held by hand.
