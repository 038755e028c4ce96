//! Text to token ids.

use crate::{EmbedError, LoadError, model_dir::Contents, model_dir::unsupported};
use tokenizers::{PostProcessor, Tokenizer, TruncationParams};

/// Text is cut at this many bytes per token before it is tokenised: far more than any language needs (prose has
/// about 5), and it bounds the time that a prompt of many megabytes takes when 256 tokens of it count.
const MAX_BYTES_PER_TOKEN: usize = 64;

pub(crate) struct Tokens {
    tokenizer: Tokenizer,
    max_bytes: usize,
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
        let special = tokenizer.get_post_processor().map_or(0, |processor| processor.added_tokens(false));
        if max_tokens <= special {
            let expected = "more tokens than are added to every text";
            return Err(unsupported(&file.path, "longest input", max_tokens, expected));
        }
        // Files carry the padding and truncation of whoever saved them.
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(Some(TruncationParams { max_length: max_tokens, ..Default::default() }))
            .map_err(fail)?;
        Ok(Self { tokenizer, max_bytes: max_tokens.saturating_mul(MAX_BYTES_PER_TOKEN) })
    }

    pub(crate) fn ids(&self, text: &str) -> Result<Vec<u32>, EmbedError> {
        let (text, _) = text.split_at(text.floor_char_boundary(self.max_bytes));
        let encoding = self.tokenizer.encode_fast(text, true).map_err(|source| EmbedError::Tokenize { source })?;
        Ok(encoding.get_ids().to_vec())
    }
}
