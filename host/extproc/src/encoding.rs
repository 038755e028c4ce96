//! Compressed request bodies: decoded, because nobody can route what cannot be read, and in bounded memory, because a
//! small body can stand for a huge one.

use crate::admission::{Lease, Shed};
use brotli_decompressor::{BrotliDecoderParameter, Decompressor};
use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{Cursor, Error, Read};

/// How much is decoded where the network is served, bytes; the rest is left to a thread that may be busy for long.
const AT_ONCE: usize = 1 << 20;

/// Bytes that are decoded at a time, and buffered inside a decoder.
const CHUNK: usize = 16 << 10;

/// The largest window that HTTP allows the `zstd` coding, bytes.
const ZSTD_WINDOW: u64 = 8 << 20;

/// A content coding that can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `gzip`.
    Gzip,
    /// `deflate`: with the zlib header that it ought to have, or without, as some clients send it.
    Deflate,
    /// `br`.
    Brotli,
    /// `zstd`.
    Zstd,
}

/// A request's `content-encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coded {
    Plain,
    As(Encoding),
    Unknown,
}

/// Why a body could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undecodable {
    /// It is not what its header says.
    Corrupt,
    /// It is longer than may be held of one.
    TooLarge,
    /// There is no room for it.
    Shed(Shed),
}

impl Encoding {
    /// Its name in HTTP.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Encoding::Gzip => "gzip",
            Encoding::Deflate => "deflate",
            Encoding::Brotli => "br",
            Encoding::Zstd => "zstd",
        }
    }
}

impl Coded {
    /// Reads the value of `content-encoding`. Several codings on top of each other are not undone.
    pub(crate) fn of(value: &[u8]) -> Coded {
        let is = |name: &str| value.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
        if is("") || is("identity") {
            return Coded::Plain;
        }
        if is("x-gzip") {
            return Coded::As(Encoding::Gzip);
        }
        let all = [Encoding::Gzip, Encoding::Deflate, Encoding::Brotli, Encoding::Zstd];
        all.into_iter().find(|encoding| is(encoding.as_str())).map_or(Coded::Unknown, Coded::As)
    }
}

/// Decodes a body to at most `limit` bytes, which it holds by the lease that comes back.
pub(crate) async fn decode(
    encoding: Encoding,
    body: Bytes,
    limit: usize,
    lease: Lease,
) -> Result<(Bytes, Lease), Undecodable> {
    let mut decoding = Decoding { from: reader(encoding, body), into: Vec::new(), limit, lease };
    if decoding.run(AT_ONCE)? == Progress::Paused {
        let rest = tokio::task::spawn_blocking(move || decoding.run(usize::MAX).map(|_| decoding));
        decoding = rest.await.map_err(|_| Undecodable::Corrupt)??;
    }
    Ok((decoding.into.into(), decoding.lease))
}

struct Decoding {
    from: Box<dyn Read + Send>,
    into: Vec<u8>,
    limit: usize,
    lease: Lease,
}

#[derive(PartialEq, Eq)]
enum Progress {
    Paused,
    Complete,
}

impl Decoding {
    /// Goes on until the end, or until more than `pause` bytes are there.
    fn run(&mut self, pause: usize) -> Result<Progress, Undecodable> {
        let mut chunk = [0; CHUNK];
        while self.into.len() <= pause {
            let read = self.from.read(&mut chunk).map_err(|_| Undecodable::Corrupt)?;
            let Some(bytes @ [_, ..]) = chunk.get(..read) else { return Ok(Progress::Complete) };
            if bytes.len() > self.limit.saturating_sub(self.into.len()) {
                return Err(Undecodable::TooLarge);
            }
            self.lease.grow(bytes.len()).map_err(Undecodable::Shed)?;
            self.into.extend_from_slice(bytes);
        }
        Ok(Progress::Paused)
    }
}

fn reader(encoding: Encoding, body: Bytes) -> Box<dyn Read + Send> {
    let zlib = has_zlib_header(&body);
    let body = Cursor::new(body);
    match encoding {
        Encoding::Gzip => Box::new(MultiGzDecoder::new(body)),
        Encoding::Deflate if zlib => Box::new(ZlibDecoder::new(body)),
        Encoding::Deflate => Box::new(DeflateDecoder::new(body)),
        Encoding::Brotli => {
            let mut decoder = Decompressor::new(body, CHUNK);
            // Windows of up to a gigabyte are an extension that HTTP does not have.
            decoder.set_parameter(BrotliDecoderParameter::BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
            Box::new(decoder)
        }
        Encoding::Zstd => {
            let mut decoder = FrameDecoder::new();
            decoder.set_max_window_size(ZSTD_WINDOW);
            Box::new(Frames { body, decoder })
        }
    }
}

/// The two bytes that begin a zlib stream: the method, and a check of both.
fn has_zlib_header(body: &[u8]) -> bool {
    let &[method, flags, ..] = body else { return false };
    method & 0x0f == 8 && u16::from_be_bytes([method, flags]).is_multiple_of(31)
}

/// The frames of a zstd body, one behind the other.
struct Frames {
    body: Cursor<Bytes>,
    decoder: FrameDecoder,
}

impl Read for Frames {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        while self.decoder.can_collect() == 0 {
            if !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.body, one).map_err(Error::other)?;
            } else if self.body.position() < self.body.get_ref().len() as u64 {
                self.decoder.reset(&mut self.body).map_err(Error::other)?;
            } else {
                return Ok(0);
            }
        }
        self.decoder.read(buffer)
    }
}

#[cfg(test)]
mod tests;
