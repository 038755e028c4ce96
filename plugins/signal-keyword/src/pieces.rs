//! Keywords by pieces: a word that shares enough runs of so many letters with a keyword is taken for it. The similarities are
//! those of the crate `ngrammatic` with automatic padding.

use std::collections::{BTreeMap, BTreeSet};

use crate::literals::Case;
use crate::rules::{Found, KeywordId};

/// Of what one word is similar to, so many keywords are kept, the most similar ones.
const MOST: usize = 10;
/// Bits of the filter in front of the pieces.
const FILTER_BITS: u64 = 4096;

/// One rule with this method.
#[derive(Debug)]
pub(crate) struct Pieces {
    case: Case,
    arity: usize,
    threshold: f32,
    /// By piece, in what keywords it is, and how often.
    pieces: BTreeMap<Piece, Vec<(usize, usize)>>,
    /// A bit for each piece: most pieces of a request are in no keyword.
    filter: Vec<u64>,
    keywords: Vec<Keyword>,
}

/// A keyword, and all that spell it: the rule may repeat it, or differ in case alone.
#[derive(Debug)]
struct Keyword {
    ids: Vec<KeywordId>,
    /// Letters with the padding.
    length: usize,
}

/// A piece by its hash of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Piece(u64);

impl Pieces {
    /// An arity under 2 is 2.
    pub(crate) fn new(case: Case, arity: usize, threshold: f32, keywords: &[(KeywordId, &str)]) -> Self {
        let arity = arity.max(2);
        let filter = vec![0; usize::try_from(FILTER_BITS / 64).unwrap_or_default()];
        let mut pieces = Self { case, arity, threshold, pieces: BTreeMap::new(), filter, keywords: Vec::new() };
        let mut spelt: BTreeMap<String, Vec<KeywordId>> = BTreeMap::new();
        for (id, keyword) in keywords {
            spelt.entry(case.of(keyword).into_owned()).or_default().push(*id);
        }
        for (keyword, ids) in spelt {
            pieces.add(&keyword, ids);
        }
        pieces
    }

    fn add(&mut self, keyword: &str, ids: Vec<KeywordId>) {
        let number = self.keywords.len();
        let (counts, length) = self.count(keyword, |_| true);
        for (piece, times) in counts {
            let (place, bit) = piece.in_filter();
            if let Some(bits) = self.filter.get_mut(place) {
                *bits |= bit;
            }
            self.pieces.entry(piece).or_default().push((number, times));
        }
        self.keywords.push(Keyword { ids, length });
    }

    /// Looks at each word, and then at the text as a whole, for keywords of several words.
    pub(crate) fn find(&self, text: &str, found: &mut Found) {
        let text = self.case.of(text);
        let mut seen = BTreeSet::new();
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').filter(|word| !word.is_empty());
        for word in words {
            self.look(word, &mut seen);
        }
        if seen.len() < self.keywords.len() {
            self.look(&text, &mut seen);
        }
        let ids = seen.into_iter().filter_map(|number| self.keywords.get(number)).flat_map(|keyword| &keyword.ids);
        ids.for_each(|id| found.add(*id));
    }

    fn look(&self, text: &str, seen: &mut BTreeSet<usize>) {
        let (counts, length) = self.count(text, |piece| self.may_have(piece));
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        for (piece, times) in counts {
            for (number, in_keyword) in self.pieces.get(&piece).into_iter().flatten() {
                *shared.entry(*number).or_default() += times.min(*in_keyword);
            }
        }
        let similar = |(number, shared): (usize, usize)| {
            let all = length + self.keywords.get(number)?.length - 2 * self.arity + 2 - shared;
            let similarity = similarity(shared, all);
            (similarity >= self.threshold).then_some((similarity, number))
        };
        let mut similar: Vec<(f32, usize)> = shared.into_iter().filter_map(similar).collect();
        if similar.len() > MOST {
            similar.sort_by(|a, b| b.0.total_cmp(&a.0));
            similar.truncate(MOST);
        }
        seen.extend(similar.into_iter().map(|(_, number)| number));
    }

    /// How often each wanted piece occurs in a padded text, and the padded text's length.
    fn count(&self, text: &str, wanted: impl Fn(Piece) -> bool) -> (BTreeMap<Piece, usize>, usize) {
        let padding = || std::iter::repeat_n(' ', self.arity - 1);
        let letters: Vec<char> = padding().chain(text.chars()).chain(padding()).collect();
        let mut counts = BTreeMap::new();
        for piece in letters.windows(self.arity).map(Piece::of).filter(|piece| wanted(*piece)) {
            *counts.entry(piece).or_default() += 1;
        }
        (counts, letters.len())
    }

    fn may_have(&self, piece: Piece) -> bool {
        let (place, bit) = piece.in_filter();
        self.filter.get(place).is_some_and(|bits| bits & bit != 0)
    }
}

impl Piece {
    fn of(letters: &[char]) -> Self {
        let mix =
            |hash: u64, letter: &char| (hash ^ u64::from(*letter)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
        Self(letters.iter().fold(0x5851_F42D_4C95_7F2D, mix))
    }

    fn in_filter(self) -> (usize, u64) {
        let bit = self.0 % FILTER_BITS;
        (usize::try_from(bit / 64).unwrap_or_default(), 1 << (bit % 64))
    }
}

/// How similar two texts are by the pieces that they share and those that either has.
fn similarity(shared: usize, all: usize) -> f32 {
    if all == 0 {
        return 0.0;
    }
    let (all, apart) = (all as f32, (all - shared) as f32);
    (all.powf(2.0) - apart.powf(2.0)) / all.powf(2.0)
}
