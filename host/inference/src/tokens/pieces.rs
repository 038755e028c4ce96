//! The pieces that words are made of, by their text.

use std::collections::HashMap;

/// What marks a piece that continues a word, in the vocabulary's spelling.
pub(super) const CONTINUATION: &str = "##";

/// Where in its word a piece stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Start,
    Continuation,
}

/// A hash table with open addressing, at most half full: a look-up ends at the piece or at the next empty slot.
pub(super) struct Pieces {
    slots: Box<[Slot]>,
    /// The high bits of a hash number a slot, so that they come out of this shift.
    shift: u32,
    /// The pieces' texts, one after the other.
    texts: Vec<u8>,
    /// In bytes.
    longest: usize,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: u32,
    id: u32,
    begin: u32,
    /// 0 in an empty slot.
    len: u16,
    place: Place,
}

const EMPTY: Slot = Slot { hash: 0, id: 0, begin: 0, len: 0, place: Place::Start };

impl Pieces {
    /// Keeps the pieces that can be part of a lower-case ASCII word of at most `longest_word` bytes.
    pub(super) fn of(vocabulary: &HashMap<String, u32>, longest_word: usize) -> Self {
        let kept: Vec<(&str, Place, u32)> = vocabulary
            .iter()
            .map(|(text, &id)| match text.strip_prefix(CONTINUATION) {
                // Punctuation is a word of its own: `##` with nothing after it continues none.
                Some(rest) if !rest.is_empty() => (rest, Place::Continuation, id),
                _ => (text.as_str(), Place::Start, id),
            })
            .filter(|(text, ..)| !text.is_empty() && text.is_ascii() && text.len() <= longest_word)
            .collect();
        let bits = (kept.len() * 2).max(2).next_power_of_two().trailing_zeros();
        let mut pieces = Self {
            slots: vec![EMPTY; 1 << bits].into(),
            shift: u32::BITS - bits,
            texts: Vec::new(),
            longest: kept.iter().map(|(text, ..)| text.len()).max().unwrap_or(0),
        };
        for (text, place, id) in kept {
            pieces.insert(text.as_bytes(), place, id);
        }
        pieces
    }

    /// The longest piece that the text begins with, and what follows it.
    #[inline]
    pub(super) fn longest<'t>(&self, text: &'t [u8], place: Place) -> Option<(u32, &'t [u8])> {
        let (mut piece, _) = text.split_at(text.len().min(self.longest));
        let mut hash = hash(piece, place);
        while let Some((&last, shorter)) = piece.split_last() {
            if let Some(id) = self.find(hash, piece, place) {
                return Some((id, text.get(piece.len()..)?));
            }
            (piece, hash) = (shorter, without(hash, last));
        }
        None
    }

    #[inline]
    fn find(&self, hash: u32, text: &[u8], place: Place) -> Option<u32> {
        let mut at = (hash >> self.shift) as usize;
        loop {
            let slot = self.slots.get(at).filter(|slot| slot.len > 0)?;
            if slot.hash == hash && slot.place == place && self.text(slot) == Some(text) {
                return Some(slot.id);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    fn text(&self, slot: &Slot) -> Option<&[u8]> {
        let begin = slot.begin as usize;
        self.texts.get(begin..begin + usize::from(slot.len))
    }

    fn insert(&mut self, text: &[u8], place: Place, id: u32) {
        // Neither fails: a tokenizer file holds less than 4 GiB, and no piece is longer than a word.
        let (Ok(begin), Ok(len)) = (u32::try_from(self.texts.len()), u16::try_from(text.len())) else { return };
        let hash = hash(text, place);
        let mut at = (hash >> self.shift) as usize;
        while self.slots.get(at).is_some_and(|slot| slot.len > 0) {
            at = (at + 1) & (self.slots.len() - 1);
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = Slot { hash, id, begin, len, place };
            self.texts.extend_from_slice(text);
        }
    }
}

const FACTOR: u32 = 0x9e37_79b1;

/// `FACTOR` times this is 1, modulo 2^32.
const INVERSE: u32 = inverse(FACTOR);

/// Multiplicative, byte by byte, so that bytes can be taken off its end again: the hashes of all shorter pieces cost one
/// step each.
#[inline]
fn hash(text: &[u8], place: Place) -> u32 {
    let start = match place {
        Place::Start => 0x243f_6a88,
        Place::Continuation => 0x85a3_08d3,
    };
    text.iter().fold(start, |hash: u32, &byte| (hash ^ u32::from(byte)).wrapping_mul(FACTOR))
}

/// The hash of the text without its last byte.
#[inline]
fn without(hash: u32, last: u8) -> u32 {
    hash.wrapping_mul(INVERSE) ^ u32::from(last)
}

/// By Newton's iteration, which doubles the number of right bits; an odd number is its own inverse in the lowest three.
const fn inverse(odd: u32) -> u32 {
    let mut inverse = odd;
    let mut right_bits = 3;
    while right_bits < u32::BITS {
        inverse = inverse.wrapping_mul(2u32.wrapping_sub(odd.wrapping_mul(inverse)));
        right_bits *= 2;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(of: &[(&str, u32)]) -> Pieces {
        Pieces::of(&of.iter().map(|(text, id)| ((*text).to_owned(), *id)).collect(), 100)
    }

    #[test]
    fn the_longest_piece_wins_and_starts_are_not_continuations() {
        let pieces = pieces(&[("play", 1), ("##ing", 2), ("##in", 3), ("pl", 4), ("#", 5), ("##", 6)]);
        assert_eq!(pieces.longest(b"playing", Place::Start), Some((1, &b"ing"[..])));
        assert_eq!(pieces.longest(b"ing", Place::Continuation), Some((2, &b""[..])));
        assert_eq!(pieces.longest(b"ing", Place::Start), None);
        assert_eq!(pieces.longest(b"plaid", Place::Start), Some((4, &b"aid"[..])));
        assert_eq!(pieces.longest(b"play", Place::Continuation), None);
        assert_eq!(pieces.longest(b"#", Place::Start), Some((5, &b""[..])));
        assert_eq!(pieces.longest(b"", Place::Start), None);
    }

    #[test]
    fn an_empty_vocabulary_knows_nothing() {
        assert_eq!(pieces(&[]).longest(b"a", Place::Start), None);
    }

    #[test]
    fn a_hash_loses_its_last_byte() {
        for place in [Place::Start, Place::Continuation] {
            assert_eq!(without(hash(b"playing", place), b'g'), hash(b"playin", place));
        }
        assert_ne!(hash(b"a", Place::Start), hash(b"a", Place::Continuation));
    }
}
