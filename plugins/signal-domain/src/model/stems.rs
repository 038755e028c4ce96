//! The words of a text as numbers.

/// Words count by their first letters, so that `vaccine` and `vaccines` are one.
const LETTERS: usize = 6;

/// The hash of a stem's lower-case letters (FNV-1a, 32 bits). All numbers are one stem.
pub(crate) type Stem = u32;

const SEED: Stem = 0x811c_9dc5;
const PRIME: Stem = 0x0100_0193;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    Between,
    Letters,
    Digits,
}

impl Run {
    fn of(letter: char) -> Self {
        if letter.is_alphabetic() {
            Self::Letters
        } else if letter.is_numeric() {
            Self::Digits
        } else {
            Self::Between
        }
    }
}

/// The stems of a text with how often each occurs, in the order of their hashes.
pub(crate) fn stems(text: &str) -> Vec<(Stem, u32)> {
    let mut found = in_order(text);
    found.sort_unstable();
    let same = found.chunk_by(|a, b| a == b);
    same.filter_map(|run| Some((*run.first()?, u32::try_from(run.len()).unwrap_or(u32::MAX)))).collect()
}

fn in_order(text: &str) -> Vec<Stem> {
    let mut found = Vec::new();
    let (mut run, mut hash, mut letters) = (Run::Between, SEED, 0);
    for letter in text.chars().flat_map(char::to_lowercase) {
        let here = Run::of(letter);
        if here != run {
            if run != Run::Between {
                found.push(hash);
            }
            (run, hash, letters) = (here, SEED, 0);
        }
        letters += 1;
        match here {
            Run::Letters if letters <= LETTERS => hash = with(hash, letter),
            Run::Digits => hash = with(SEED, '0'),
            Run::Letters | Run::Between => {}
        }
    }
    if run != Run::Between {
        found.push(hash);
    }
    found
}

fn with(hash: Stem, letter: char) -> Stem {
    let mut bytes = [0; 4];
    letter.encode_utf8(&mut bytes).bytes().fold(hash, |hash, byte| (hash ^ Stem::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_one_stem_are_one() {
        assert_eq!(in_order("Vaccine"), in_order("vaccines, "));
        assert_eq!(in_order("x3 + 1.5"), [in_order("x"), in_order("42"), in_order("7"), in_order("0")].concat());
        assert_eq!(in_order("ΑΒΓ—naïve"), [in_order("αβγ"), in_order("NAÏVE")].concat());
        assert_ne!(in_order("cell"), in_order("sell"));
        assert!(in_order(" ?!—").is_empty());
    }

    #[test]
    fn stems_are_counted_in_the_order_of_their_hashes() {
        let found = stems("the cell and the gene");
        assert_eq!(found.len(), 4);
        assert!(found.is_sorted());
        assert!(found.contains(&(in_order("the")[0], 2)));
    }

    /// The table is made on one machine and read on others: a hash must never change.
    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(in_order("a"), [0xe40c_292c]);
        assert_eq!(in_order("foobar"), [0xbf9c_f968]);
    }
}
