//! The table of what is likely in which language, read where it lies. `fitted/convert.py` writes it and tells its layout.

/// The model that comes with the component.
pub(crate) static MODEL: Model = Model(include_bytes!("../fitted/languages.bin"));

/// Longest feature, bytes.
const LONGEST: usize = 6;
/// Spreads keys over slots.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
/// Bytes before the languages, and of each one.
const HEAD: usize = 12;
const LANGUAGE: usize = 10;
/// Bytes that each slot has in the table of keys, and in that of places.
const KEY: usize = 8;
const PLACE: usize = 4;

/// A table of features and how likely each language has them.
#[derive(Debug)]
pub(crate) struct Model(&'static [u8]);

/// Where a feature stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(usize);

impl Model {
    /// The languages, by ISO 639-1 code. One that is written in two scripts is there twice.
    pub(crate) fn codes(&self) -> impl Iterator<Item = &'static str> {
        (0..self.languages()).map(|language| {
            let at = HEAD + language * LANGUAGE;
            self.0.get(at..at + 2).and_then(|code| std::str::from_utf8(code).ok()).unwrap_or_default()
        })
    }

    /// The features of a text: behind each of its bytes the longest one that ends there.
    pub(crate) fn features(&self, text: &[u8]) -> Vec<Slot> {
        let mut found = Vec::with_capacity(text.len());
        for end in 1..=text.len() {
            let last = text.get(end.saturating_sub(LONGEST)..end).unwrap_or_default();
            let mut keys = [0; LONGEST];
            let mut bytes = 0;
            for ((key, byte), shift) in keys.iter_mut().zip(last.iter().rev()).zip((0_u32..).step_by(8)) {
                bytes |= u64::from(*byte) << shift;
                *key = bytes | 1 << (shift + 8);
            }
            let keys = keys.iter().take(last.len()).rev();
            found.extend(keys.filter_map(|key| self.slot(*key)).next());
        }
        found
    }

    /// The scores of the languages for features with their weights.
    pub(crate) fn scores(&self, features: &[(Slot, f32)]) -> Vec<f32> {
        let total: f32 = features.iter().map(|(_, weight)| weight).sum();
        let start = |language| {
            let at = HEAD + language * LANGUAGE;
            self.float(at + 2) + total * self.float(at + 6)
        };
        let mut scores: Vec<f32> = (0..self.languages()).map(start).collect();
        let mask_bytes = self.languages().div_ceil(8);
        let (places, masks) = (self.places(), self.places() + self.slots() * PLACE);
        let steps = masks + self.slots() * mask_bytes;
        for (Slot(slot), weight) in features {
            let first = steps + self.word(places + slot * PLACE) as usize;
            let mut values = self.0.get(first..).unwrap_or_default().iter();
            let mask = masks + slot * mask_bytes;
            let mask = self.0.get(mask..mask + mask_bytes).unwrap_or_default();
            let step = weight * self.float(8);
            for (byte, scores) in mask.iter().zip(scores.chunks_mut(8)) {
                let mut bits = *byte;
                while bits != 0 {
                    let bit = bits.trailing_zeros() as usize;
                    if let (Some(score), Some(value)) = (scores.get_mut(bit), values.next()) {
                        *score += step * f32::from(*value);
                    }
                    bits &= bits - 1;
                }
            }
        }
        scores
    }

    fn slot(&self, key: u64) -> Option<Slot> {
        let slots = self.slots();
        let first = key.wrapping_mul(GOLDEN) >> (64 - slots.trailing_zeros());
        let mut slot = usize::try_from(first).ok()?;
        // A quarter of the slots is empty, so the walk ends soon.
        for _ in 0..slots {
            match self.key(slot) {
                0 => return None,
                found if found == key => return Some(Slot(slot)),
                _ => slot = (slot + 1) & (slots - 1),
            }
        }
        None
    }

    fn languages(&self) -> usize {
        self.word(0) as usize
    }

    fn slots(&self) -> usize {
        self.word(4) as usize
    }

    fn keys(&self) -> usize {
        HEAD + self.languages() * LANGUAGE
    }

    fn places(&self) -> usize {
        self.keys() + self.slots() * KEY
    }

    fn key(&self, slot: usize) -> u64 {
        let at = self.keys() + slot * KEY;
        self.0.get(at..).and_then(|bytes| bytes.first_chunk()).copied().map_or(0, u64::from_le_bytes)
    }

    fn word(&self, at: usize) -> u32 {
        self.0.get(at..).and_then(|bytes| bytes.first_chunk()).copied().map_or(0, u32::from_le_bytes)
    }

    fn float(&self, at: usize) -> f32 {
        f32::from_bits(self.word(at))
    }
}
