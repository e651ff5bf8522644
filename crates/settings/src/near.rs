//! "Did you mean": the nearest of the known names.

/// The known name that an unknown one was probably meant to be. A name in the wrong section counts as near
/// (`frame_size` for `limits.frame_size`), and so does one with a few letters wrong.
pub(crate) fn nearest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (unknown.chars().count() / 3).clamp(1, 4);
    known
        .map(|name| (distance(unknown, name).min(misplaced(unknown, name)), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// One step if only the section differs, else far away.
fn misplaced(unknown: &str, name: &str) -> usize {
    let last = |text: &str| text.rsplit('.').next().map(str::to_owned);
    let plain = unknown.len() > 3 && (name.contains('.') || unknown.contains('.'));
    if plain && last(unknown) == last(name) {
        1
    } else {
        usize::MAX
    }
}

/// Steps from one text to the other: insert, remove, replace a letter, or swap two neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (row, x) in a.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, y) in b.iter().enumerate() {
            let replaced = above[column] + usize::from(x != y);
            let mut best = replaced.min(above[column + 1] + 1).min(line[column] + 1);
            if row > 0 && column > 0 && *x == b[column - 1] && a[row - 1] == *y {
                best = best.min(before[column - 1] + 1);
            }
            line.push(best);
        }
        before = std::mem::replace(&mut above, line);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_found() {
        let known = ["listen", "internal_listen", "limits.frame_size", "auth.jwt_secret"];
        let find = |text| nearest(text, known.into_iter());
        assert_eq!(find("lisetn"), Some("listen"));
        assert_eq!(find("limits.frame_sise"), Some("limits.frame_size"));
        assert_eq!(find("frame_size"), Some("limits.frame_size"));
        assert_eq!(find("quite.another"), None);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("ab", "ba"), 1);
    }
}
