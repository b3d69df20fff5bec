//! What was probably meant by a name that nobody knows.

/// The name among `known` that was probably meant.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known.map(|one| (distance(name, one), one)).filter(|(far, one)| *far <= one.len().max(3) / 3 + 1).min().map(|(_, one)| one)
}

/// How a sentence about an unknown name ends: with the one that was probably meant, if any.
pub fn meant<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(|| ".".into(), |meant| format!("; did you mean {meant}?"))
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row.first().copied().unwrap_or(0);
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, y) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or(0);
            let left = row.get(j).copied().unwrap_or(0);
            let here = (corner + usize::from(x != *y)).min(above + 1).min(left + 1);
            corner = above;
            if let Some(cell) = row.get_mut(j + 1) {
                *cell = here;
            }
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        assert_eq!(nearest("clientid", ["client_id", "client_secret"].into_iter()), Some("client_id"));
        assert_eq!(nearest("zzz", ["client_id"].into_iter()), None);
        assert_eq!(meant("fetch-evnt", ["fetch-event"].into_iter()), "; did you mean fetch-event?");
        assert_eq!(meant("zzz", ["fetch-event"].into_iter()), ".");
    }
}
