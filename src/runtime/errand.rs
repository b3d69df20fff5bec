//! What a fetch asks for: stretches of its sources, in the order in which they are asked for.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::fetch::{FIRST, FetchOptions};
use super::store::Mark;
use crate::core::catalogue::{Position, Source, Window};

/// A stretch of time.
type Stretch = (Timestamp, Timestamp);

/// What a source is asked for in one go.
#[derive(Clone, Debug)]
pub(super) struct Errand<'a> {
    /// The source.
    pub source: &'a Source,
    /// What it is to bring.
    pub window: Window,
    /// Whether it goes on from the watermark, and moves it.
    pub plain: bool,
}

/// The errands of a fetch: before anything else, what the maximum of an earlier one cut off. A plain fetch brings all of that; one of a
/// window, what lies in it. A window without a maximum is read as a whole; one that is gone on with, where it is not whole yet.
pub(super) fn errands<'a>(sources: &'a [(Source, Mark)], options: &FetchOptions, now: Timestamp) -> Vec<Errand<'a>> {
    let plain = options.from.is_none() && options.to.is_none();
    let to = options.to.unwrap_or(now);
    let (mut rests, mut whole, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for (source, mark) in sources {
        let errand = |(from, to): Stretch, resume: Option<Position>, plain| Errand {
            source,
            window: Window { source: source.name.clone(), from, to, max: options.max, resume },
            plain,
        };
        let from = options.from.unwrap_or_else(|| first_or_next(source, mark.watermark, to, plain));
        whole.push(errand((from, to), mark.resume.clone().filter(|_| plain), plain));
        if !plain && options.max.is_none() {
            continue;
        }
        for rest in &mark.rests {
            let (start, end) = if plain { (rest.from, rest.to) } else { (rest.from.max(from), rest.to.min(to)) };
            let resume = rest.key.clone().filter(|_| start == rest.from).map(|key| Position { time: start, key });
            rests.extend((start < end).then(|| errand((start, end), resume, false)));
        }
        let known = mark.covered.iter().copied().chain(mark.rests.iter().map(|rest| (rest.from, rest.to)));
        missing.extend(without((from, to), known).into_iter().map(|part| errand(part, None, false)));
    }
    let then = if plain || rests.is_empty() { whole } else { missing };
    rests.into_iter().chain(then).collect()
}

/// What is left of a stretch without others.
fn without(stretch: Stretch, others: impl Iterator<Item = Stretch>) -> Vec<Stretch> {
    others.fold(vec![stretch], |left, (from, to)| {
        let parts = left.into_iter().flat_map(|(start, end)| [(start, end.min(from)), (start.max(to), end)]);
        parts.filter(|(start, end)| start < end).collect()
    })
}

fn first_or_next(source: &Source, watermark: Option<Timestamp>, to: Timestamp, plain: bool) -> Timestamp {
    let back = |time: Timestamp, span: SignedDuration| time.checked_sub(span).unwrap_or(Timestamp::MIN);
    let span = |duration: Duration| SignedDuration::try_from(duration).unwrap_or(FIRST);
    match watermark {
        // One that lies ahead was set by a clock that was wrong, and says nothing.
        Some(mark) if plain && back(mark, span(source.overlap)) < to => back(mark, span(source.overlap)),
        _ => back(to, source.first_fetch.map_or(FIRST, span)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_stretch() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let left = |others: &[(i64, i64)]| {
            let left = without((at(10), at(20)), others.iter().map(|(from, to)| (at(*from), at(*to))));
            left.into_iter().map(|(from, to)| (from.as_second(), to.as_second())).collect::<Vec<_>>()
        };
        assert_eq!(left(&[]), [(10, 20)]);
        assert_eq!(left(&[(0, 10), (20, 30)]), [(10, 20)], "neighbours take nothing");
        assert_eq!(left(&[(12, 14), (0, 11), (19, 30)]), [(11, 12), (14, 19)]);
        assert_eq!(left(&[(0, 15), (12, 30)]), []);
    }
}
