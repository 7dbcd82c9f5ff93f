//! How people's spellings are matched to the specification's names, in one way everywhere.
//!
//! Case and underscores do not count: `s1contextptr`, `S1ContextPtr` and `s1_context_ptr` are one name.

/// Whether both spellings are the same name.
pub fn same(left: &str, right: &str) -> bool {
    letters(left).eq(letters(right))
}

/// Among `(spelling, thing)`, the first thing whose spelling is closest to `wanted`; `None` if more than a
/// third of the letters of `wanted` differ.
pub fn nearest<'a, T>(wanted: &str, candidates: impl Iterator<Item = (&'a str, T)>) -> Option<T> {
    let ranked = candidates.map(|(spelling, thing)| (edits_between(wanted, spelling), thing));
    let (edits, thing) = ranked.min_by_key(|(edits, _)| *edits)?;
    (edits * 3 <= letters(wanted).count()).then_some(thing)
}

/// What counts of a name.
fn letters(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|letter| *letter != '_').map(|letter| letter.to_ascii_uppercase())
}

/// Levenshtein distance, by rows of the usual table.
fn edits_between(left: &str, right: &str) -> usize {
    let right: Vec<char> = letters(right).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (removed, letter) in letters(left).enumerate() {
        let mut diagonal = row[0];
        row[0] = removed + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_underscores_do_not_count() {
        assert!(same("s1_context_ptr", "S1ContextPtr"));
        assert!(!same("S1CDMax", "S1CDMa"));
    }

    #[test]
    fn edits_are_counted_per_letter() {
        for (left, right, edits) in [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("A_b", "aB", 0)]
        {
            assert_eq!(edits_between(left, right), edits, "{left} {right}");
            assert_eq!(edits_between(right, left), edits, "{right} {left}");
        }
    }

    #[test]
    fn at_most_a_third_of_the_letters_may_differ() {
        let of = |wanted| nearest(wanted, [("Config", 1), ("S1Fmt", 2), ("S1CDMax", 3)].into_iter());
        assert_eq!(of("confg"), Some(1));
        assert_eq!(of("s1_dcmax"), Some(3));
        assert_eq!(of("colour"), None);
        assert_eq!(of(""), None);
    }
}
