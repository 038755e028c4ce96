//! WordPiece over ASCII text, as the `tokenizers` crate does it for uncased BERT models and about seventy times faster:
//! for ASCII the crate's Unicode normalisation comes down to one table look-up per byte.

use super::pieces::{CONTINUATION, Pieces, Place};
use tokenizers::{
    Model, ModelWrapper, NormalizerWrapper, PreTokenizerWrapper, Tokenizer, models::wordpiece::WordPiece,
};

/// Longest word whose pieces are looked up here. Models say 100.
const MAX_WORD: usize = 256;

/// The text needs the crate: it is not ASCII, or contains a token that is cut out before words are.
#[derive(Debug)]
pub(super) struct Unfit;

pub(super) struct AsciiWordPiece {
    classes: [Class; 256],
    pieces: Pieces,
    /// Texts that the crate cuts out whole, such as `[MASK]`.
    added: Vec<String>,
    unknown: u32,
    /// In bytes; a longer word is unknown as a whole.
    longest_word: usize,
}

/// What becomes of a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Part of a word, in lower case.
    Word(u8),
    /// A word of its own.
    Punctuation(u8),
    Space,
    /// Vanishes: the letters around it make one word.
    Control,
    /// May begin an added token.
    Opening,
    Foreign,
}

/// The word being read, in lower case.
struct Word {
    bytes: [u8; MAX_WORD],
    /// Counts on beyond the longest word.
    len: usize,
}

impl AsciiWordPiece {
    /// `None` unless this is exactly the set-up that is reproduced here.
    pub(super) fn of(tokenizer: &Tokenizer) -> Option<Self> {
        let (Some(NormalizerWrapper::BertNormalizer(normalizer)), Some(PreTokenizerWrapper::BertPreTokenizer(_))) =
            (tokenizer.get_normalizer(), tokenizer.get_pre_tokenizer())
        else {
            return None;
        };
        let ModelWrapper::WordPiece(model) = tokenizer.get_model() else { return None };
        let WordPiece { unk_token, continuing_subword_prefix, max_input_chars_per_word, .. } = model;
        let mut added: Vec<_> = tokenizer.get_added_tokens_decoder().into_values().collect();
        // A token that is cut out of the normalised text can hide behind control characters and capitals.
        let plain = added.iter().all(|token| !token.normalized && !token.content.is_empty());
        added.sort_by(|a, b| a.content.cmp(&b.content));
        let same = normalizer.clean_text
            && normalizer.lowercase
            && continuing_subword_prefix == CONTINUATION
            && *max_input_chars_per_word <= MAX_WORD
            && plain;
        let unknown = model.token_to_id(unk_token).filter(|_| same)?;
        let mut classes = std::array::from_fn(|byte| Class::of(u8::try_from(byte).unwrap_or(u8::MAX)));
        for opening in added.iter().filter_map(|token| token.content.bytes().next()) {
            if let Some(class) = classes.get_mut(usize::from(opening)) {
                *class = Class::Opening;
            }
        }
        Some(Self {
            classes,
            pieces: Pieces::of(&model.get_vocab(), *max_input_chars_per_word),
            added: added.into_iter().map(|token| token.content).collect(),
            unknown,
            longest_word: *max_input_chars_per_word,
        })
    }

    /// Appends the ids of a text, without the special tokens around it. After `Unfit`, some may have been appended.
    pub(super) fn push_ids(&self, text: &str, ids: &mut Vec<u32>) -> Result<(), Unfit> {
        let mut word = Word { bytes: [0; MAX_WORD], len: 0 };
        for (at, &byte) in text.as_bytes().iter().enumerate() {
            let class = match self.classes.get(usize::from(byte)).copied().unwrap_or(Class::Foreign) {
                Class::Opening if self.added.iter().any(|token| starts_at(text, at, token)) => return Err(Unfit),
                Class::Opening => Class::of(byte),
                class => class,
            };
            match class {
                Class::Word(lower) => word.push(lower),
                Class::Punctuation(byte) => {
                    self.end(&mut word, ids);
                    word.push(byte);
                    self.end(&mut word, ids);
                }
                Class::Space => self.end(&mut word, ids),
                Class::Control => {}
                Class::Opening | Class::Foreign => return Err(Unfit),
            }
        }
        self.end(&mut word, ids);
        Ok(())
    }

    /// Appends the pieces of the word, longest match first, and empties it.
    fn end(&self, word: &mut Word, ids: &mut Vec<u32>) {
        let len = std::mem::take(&mut word.len);
        let Some(mut rest) = word.bytes.get(..len).filter(|_| len <= self.longest_word) else {
            return ids.push(self.unknown);
        };
        let (begin, mut place) = (ids.len(), Place::Start);
        while !rest.is_empty() {
            let Some((id, after)) = self.pieces.longest(rest, place) else {
                ids.truncate(begin);
                return ids.push(self.unknown);
            };
            ids.push(id);
            (rest, place) = (after, Place::Continuation);
        }
    }
}

impl Class {
    fn of(byte: u8) -> Self {
        match byte {
            b'\t' | b'\n' | b'\r' | b' ' => Self::Space,
            _ if byte.is_ascii_control() => Self::Control,
            _ if byte.is_ascii_punctuation() => Self::Punctuation(byte),
            _ if byte.is_ascii() => Self::Word(byte.to_ascii_lowercase()),
            _ => Self::Foreign,
        }
    }
}

impl Word {
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
        }
        self.len += 1;
    }
}

fn starts_at(text: &str, at: usize, token: &str) -> bool {
    text.as_bytes().get(at..).is_some_and(|rest| rest.starts_with(token.as_bytes()))
}
