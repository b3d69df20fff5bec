//! How many calls a second a vendor takes.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

/// Counts a call among the recent ones, and says whether it is one too many in this second.
pub fn too_many(recent: &mut VecDeque<Timestamp>, a_second: usize, now: Timestamp) -> bool {
    while recent.front().is_some_and(|time| now.duration_since(*time) >= SignedDuration::from_secs(1)) {
        recent.pop_front();
    }
    if recent.len() >= a_second {
        return true;
    }
    recent.push_back(now);
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_call_in_a_second_is_one_too_many() {
        let mut calls = VecDeque::new();
        let mut refused = |millis| too_many(&mut calls, 10, Timestamp::from_millisecond(millis).unwrap());
        assert!((0..10).all(|call| !refused(call * 50)));
        assert!(refused(999));
        assert!(!refused(1_000), "the first call is a second ago");
        assert!(refused(1_001));
    }
}
