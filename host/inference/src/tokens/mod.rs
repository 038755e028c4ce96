//! Text to token ids.

mod pieces;
#[cfg(test)]
mod tests;
mod word_piece;

use crate::{EmbedError, LoadError, model_dir::Contents, model_dir::unsupported};
use std::ops::Range;
use tokenizers::{Encoding, PostProcessor, Token, Tokenizer};
use word_piece::AsciiWordPiece;

/// A text with more bytes per token than this is longer than the model's input, whatever it says: prose has about 5, code
/// with deep indentation 10. It bounds the time that a prompt of many megabytes takes when 256 tokens of it count.
const MAX_BYTES_PER_TOKEN: usize = 32;

pub(crate) struct Tokens {
    tokenizer: Tokenizer,
    fast: Option<AsciiWordPiece>,
    /// The special tokens in front of every text, and behind it.
    before: Vec<u32>,
    after: Vec<u32>,
    /// How many tokens of a text fit between them; at least 1.
    room: usize,
}

impl Tokens {
    /// `words` is the number of word vectors of the model, `max_tokens` its longest input, special tokens included.
    pub(crate) fn load(file: &Contents, words: usize, max_tokens: usize) -> Result<Self, LoadError> {
        let fail = |source| LoadError::Tokenizer { path: file.path.clone(), source };
        let mut tokenizer = Tokenizer::from_bytes(&file.bytes).map_err(fail)?;
        let highest = tokenizer.get_vocab(true).into_values().max().unwrap_or(0);
        if highest as usize >= words {
            return Err(LoadError::Vocabulary { path: file.path.clone(), highest, rows: words });
        }
        // Files carry the padding and truncation of whoever saved them.
        tokenizer.with_padding(None).with_truncation(None).map_err(fail)?;
        let (before, after) = special_tokens(&tokenizer).map_err(fail)?.ok_or_else(|| {
            unsupported(&file.path, "post_processor", "a template", "special tokens around the text, and the text once")
        })?;
        let room = max_tokens.saturating_sub(before.len() + after.len());
        if room == 0 {
            let expected = "more tokens than are added to every text";
            return Err(unsupported(&file.path, "longest input", max_tokens, expected));
        }
        Ok(Self { fast: AsciiWordPiece::of(&tokenizer), tokenizer, before, after, room })
    }

    /// The ids of a text between the model's special tokens. Of a text that does not fit, the first third of what fits is
    /// its beginning, the second its middle and the last its end: what is asked stands at either end, and what it is about
    /// between.
    pub(crate) fn ids(&self, text: &str) -> Result<Vec<u32>, EmbedError> {
        let max_bytes = self.room.saturating_mul(MAX_BYTES_PER_TOKEN);
        // Most texts have fewer tokens than this, so that it is the only allocation.
        let mut ids = Vec::with_capacity(self.before.len() + text.len().min(max_bytes) / 3 + self.after.len());
        ids.extend_from_slice(&self.before);
        for part in thirds_of_text(text, max_bytes) {
            self.push_ids(part, &mut ids)?;
        }
        keep_thirds(&mut ids, self.before.len(), self.room);
        ids.extend_from_slice(&self.after);
        Ok(ids)
    }

    /// Every token of a text, however long, with the bytes it stands for, and without special tokens. Tokenises the whole
    /// text: bound it first.
    pub(crate) fn spans(&self, text: &str) -> Result<Vec<(u32, Range<usize>)>, EmbedError> {
        let encoding = self.tokenizer.encode(text, true).map_err(|source| EmbedError::Tokenize { source })?;
        let ids = encoding.get_ids().iter().copied();
        let offsets = encoding.get_offsets().iter().map(|&(begin, end)| begin..end);
        let tokens = ids.zip(offsets).zip(encoding.get_special_tokens_mask());
        Ok(tokens.filter(|(_, special)| **special == 0).map(|(token, _)| token).collect())
    }

    /// Ids of a text's tokens, at most [`Self::room`] of them, between the model's special tokens.
    pub(crate) fn surround(&self, ids: impl IntoIterator<Item = u32>) -> Vec<u32> {
        self.before.iter().copied().chain(ids).chain(self.after.iter().copied()).collect()
    }

    /// How many tokens of a text the model takes at once, special tokens not counted.
    pub(crate) fn room(&self) -> usize {
        self.room
    }

    fn push_ids(&self, text: &str, ids: &mut Vec<u32>) -> Result<(), EmbedError> {
        let begin = ids.len();
        if self.fast.as_ref().is_some_and(|fast| fast.push_ids(text, ids).is_ok()) {
            return Ok(());
        }
        ids.truncate(begin);
        let encoding = self.tokenizer.encode_fast(text, false).map_err(|source| EmbedError::Tokenize { source })?;
        ids.extend_from_slice(encoding.get_ids());
        Ok(())
    }
}

/// What the tokenizer puts in front of every text and behind it; `None` when it does anything else to a text.
fn special_tokens(tokenizer: &Tokenizer) -> tokenizers::Result<Option<(Vec<u32>, Vec<u32>)>> {
    let text = Token::new(u32::MAX, String::new(), (0, 0));
    let encoding = Encoding::from_tokens(vec![text], 0);
    let encoding = match tokenizer.get_post_processor() {
        Some(processor) => processor.process(encoding, None, true)?,
        None => encoding,
    };
    let mut parts = encoding.get_ids().split(|id| *id == u32::MAX).map(<[u32]>::to_vec);
    Ok(match (parts.next(), parts.next(), parts.next()) {
        (Some(before), Some(after), None) => Some((before, after)),
        _ => None,
    })
}

/// The text, or its beginning, middle and end when it has more than `max_bytes`, which they share.
fn thirds_of_text(text: &str, max_bytes: usize) -> impl Iterator<Item = &str> {
    let third = max_bytes / 3;
    let from = |begin: usize| {
        let (_, rest) = text.split_at(text.ceil_char_boundary(begin));
        rest.split_at(rest.floor_char_boundary(third)).0
    };
    let parts = if text.len() <= max_bytes {
        [text, "", ""]
    } else {
        [from(0), from((text.len() - third) / 2), from(text.len() - third)]
    };
    parts.into_iter().filter(|part| !part.is_empty())
}

/// Leaves at most `room` of the ids from `begin` on: the first, the middle and the last third.
fn keep_thirds(ids: &mut Vec<u32>, begin: usize, room: usize) {
    let surplus = (ids.len() - begin).saturating_sub(room);
    if surplus == 0 {
        return;
    }
    let (third, first_gap) = (room / 3, surplus / 2);
    let first = begin + room - 2 * third;
    ids.drain(ids.len() - third - (surplus - first_gap)..ids.len() - third);
    ids.drain(first..first + first_gap);
}
