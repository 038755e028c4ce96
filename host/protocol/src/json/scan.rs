//! A strict JSON scanner: validates while it walks, hands out spans, builds nothing.

use super::{JsonError, JsonFault, Kind, MAX_DEPTH, Span};
use std::str::Utf8Error;

/// Walks one text. Methods that read a value start at its first byte and stop behind its last.
#[derive(Debug)]
pub(crate) struct Scanner<'b> {
    bytes: &'b [u8],
    at: usize,
    depth: usize,
}

impl<'b> Scanner<'b> {
    /// Starts at the first byte that is no blank, as if `depth` arrays and objects enclosed the text.
    pub(crate) fn open(bytes: &'b [u8], depth: usize) -> Result<Scanner<'b>, JsonError> {
        let mut scanner = Scanner { bytes, at: 0, depth };
        if u32::try_from(bytes.len()).is_err() {
            return scanner.fail(JsonFault::Size);
        }
        scanner.skip_blanks();
        Ok(scanner)
    }

    /// Starts at a place inside a text that was validated before.
    pub(crate) fn inside(bytes: &'b [u8], at: usize) -> Scanner<'b> {
        Scanner { bytes, at, depth: 0 }
    }

    /// Only blanks may follow.
    pub(crate) fn end(&mut self) -> Result<(), JsonError> {
        self.skip_blanks();
        if self.at == self.bytes.len() { Ok(()) } else { self.fail(JsonFault::Trailing) }
    }

    pub(crate) fn bytes(&self) -> &'b [u8] {
        self.bytes
    }

    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    /// The type of the value that starts here, if one does.
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.peek().and_then(Kind::starting)
    }

    pub(crate) fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Any value with all that is in it. Recursion stops at [`MAX_DEPTH`].
    pub(crate) fn value(&mut self) -> Result<Span, JsonError> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.object(|scanner, _| scanner.value().map(drop)),
            Some(b'[') => self.array(|scanner| scanner.value().map(drop)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => self.expected(JsonFault::Value),
        }
    }

    /// An object. `member` is called behind each colon with the key, and must read the value.
    pub(crate) fn object<E: From<JsonError>>(
        &mut self,
        mut member: impl FnMut(&mut Self, Span) -> Result<(), E>,
    ) -> Result<Span, E> {
        let start = self.at;
        self.enter(b'{')?;
        if self.peek() == Some(b'}') {
            return Ok(self.leave(start));
        }
        loop {
            let key = self.key()?;
            member(self, key)?;
            self.skip_blanks();
            if self.peek() == Some(b'}') {
                return Ok(self.leave(start));
            }
            self.expect(b',', JsonFault::CommaOrBrace)?;
        }
    }

    /// An array. `element` is called at the start of each element and must read it.
    pub(crate) fn array<E: From<JsonError>>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<Span, E> {
        let start = self.at;
        self.enter(b'[')?;
        if self.peek() == Some(b']') {
            return Ok(self.leave(start));
        }
        loop {
            element(self)?;
            self.skip_blanks();
            if self.peek() == Some(b']') {
                return Ok(self.leave(start));
            }
            self.expect(b',', JsonFault::CommaOrBracket)?;
        }
    }

    /// The next element of a validated array, from its bracket or a comma on.
    pub(crate) fn next_element(&mut self) -> Option<Span> {
        self.skip_blanks();
        if self.peek() == Some(b']') {
            return None;
        }
        self.at += 1;
        self.skip_blanks();
        self.value().ok()
    }

    fn enter(&mut self, open: u8) -> Result<(), JsonError> {
        if self.depth >= MAX_DEPTH {
            return self.fail(JsonFault::Depth);
        }
        self.depth += 1;
        self.expect(open, JsonFault::Value)
    }

    fn leave(&mut self, start: usize) -> Span {
        self.depth -= 1;
        self.at += 1;
        self.since(start)
    }

    fn key(&mut self) -> Result<Span, JsonError> {
        if self.peek() != Some(b'"') {
            return self.expected(JsonFault::Key);
        }
        let key = self.string()?;
        self.skip_blanks();
        self.expect(b':', JsonFault::Colon)?;
        Ok(key)
    }

    fn string(&mut self) -> Result<Span, JsonError> {
        let start = self.at;
        self.at += 1;
        let mut high = 0;
        loop {
            high |= self.skip_plain();
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(0..0x20) => return self.fail(JsonFault::Control),
                Some(byte) => {
                    high |= u64::from(byte & 0x80);
                    self.at += 1;
                }
                None => return self.fail(JsonFault::End),
            }
        }
        self.at += 1;
        let span = self.since(start);
        // Only strings may hold bytes above ASCII, so nothing else needs this check.
        if high == 0 { Ok(span) } else { self.utf8(span) }
    }

    fn utf8(&self, string: Span) -> Result<Span, JsonError> {
        let fault =
            |error: Utf8Error| JsonError { fault: JsonFault::Utf8, offset: string.start() + error.valid_up_to() };
        std::str::from_utf8(string.of(self.bytes)).map(|_| string).map_err(fault)
    }

    /// Skips to the next quote, backslash or control character, or to fewer than eight bytes before the end. The answer is
    /// not 0 when a byte above ASCII may have been among them.
    fn skip_plain(&mut self) -> u64 {
        // Keys and roles end within two words.
        match self.skip_words(2) {
            (high, true) => high,
            (high, false) => high | self.skip_blocks() | self.skip_words(usize::MAX).0,
        }
    }

    /// Skips at most so many words. True when something else than plain text is next, or the end.
    fn skip_words(&mut self, most: usize) -> (u64, bool) {
        let mut high = 0;
        let (words, _) = self.bytes.get(self.at..).unwrap_or_default().as_chunks::<8>();
        for word in words.iter().take(most) {
            let word = u64::from_le_bytes(*word);
            high |= word & HIGH;
            let stops = below(word, 0x20) | equal(word, b'"') | equal(word, b'\\');
            if stops != 0 {
                self.at += (stops.trailing_zeros() / 8) as usize;
                return (high, true);
            }
            self.at += 8;
        }
        (high, words.len() <= most)
    }

    fn skip_blocks(&mut self) -> u64 {
        let mut high = 0;
        let (blocks, _) = self.bytes.get(self.at..).unwrap_or_default().as_chunks::<BLOCK>();
        for block in blocks {
            // Without a way out of the loop the compiler takes many bytes at once.
            let (mut stops, mut above) = (false, false);
            for &byte in block {
                stops |= (byte < 0x20) | (byte == b'"') | (byte == b'\\');
                above |= byte >= 0x80;
            }
            if stops {
                break;
            }
            high |= u64::from(above);
            self.at += BLOCK;
        }
        high
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        let length = match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') => match self.bytes.get(self.at + 2..self.at + 6) {
                Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => 6,
                _ => return self.fail(JsonFault::Escape),
            },
            _ => return self.fail(JsonFault::Escape),
        };
        self.at += length;
        Ok(())
    }

    fn number(&mut self) -> Result<Span, JsonError> {
        let start = self.at;
        self.eat(b'-');
        let leading_zero = self.peek() == Some(b'0');
        if self.digits()? > 1 && leading_zero {
            return self.fail(JsonFault::Number);
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(self.since(start))
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<usize, JsonError> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { self.expected(JsonFault::Number) } else { Ok(self.at - start) }
    }

    fn word(&mut self, word: &[u8]) -> Result<Span, JsonError> {
        let start = self.at;
        if !self.bytes.get(start..).unwrap_or_default().starts_with(word) {
            return self.fail(JsonFault::Value);
        }
        self.at += word.len();
        Ok(self.since(start))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Punctuation, and the blanks behind it.
    fn expect(&mut self, byte: u8, fault: JsonFault) -> Result<(), JsonError> {
        if !self.eat(byte) {
            return self.expected(fault);
        }
        self.skip_blanks();
        Ok(())
    }

    fn since(&self, start: usize) -> Span {
        Span::new(start..self.at)
    }

    /// Fails because something else stands here, or nothing more.
    fn expected<T>(&self, fault: JsonFault) -> Result<T, JsonError> {
        self.fail(if self.at < self.bytes.len() { fault } else { JsonFault::End })
    }

    fn fail<T>(&self, fault: JsonFault) -> Result<T, JsonError> {
        Err(JsonError { fault, offset: self.at })
    }
}

/// Bytes of a text that are looked at together.
const BLOCK: usize = 32;

const LOW: u64 = u64::from_le_bytes([0x01; 8]);
const HIGH: u64 = u64::from_le_bytes([0x80; 8]);

/// Marks the top bit of bytes below `limit` (at most 0x80). Only the lowest mark is exact: a borrow can mark bytes above.
fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(LOW * u64::from(limit)) & !word & HIGH
}

/// Marks the top bit of bytes that are `byte` (ASCII). Only the lowest mark is exact.
fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (LOW * u64::from(byte)), 1)
}
