use super::*;
use crate::{admission::Admission, limits::Limits};
use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::Write as _;

const TEXT: &str = r#"{"model":"auto","messages":[{"role":"user","content":"What is the derivative of the following function? The answer should be short and the reasoning should be long."}]}"#;

/// [`TEXT`], by the reference encoder at its best level.
const BROTLI: &str = "1ba700a02c0eece61e6f4c56540864fec963a11601f9d9db5466686faaabaf58744a644b4fb609399eb1aed908262949cadcc6d611359c06911f2464a1606f7d36434c0940aa2d7b57279e36a52a78169d467492c84d45a0649864b1c5f3725a01";

/// A hundred mebibytes of zeros, by the same.
const BROTLI_BOMB: &str = "cbffff3ff82700e2b14020f7fe8fffff7ff04f00c4611180eefd1fffffffe09f0088c30200ddfb3ffeffffc13f0110870500baf77ffcffff837f02200e0b0074effff8ffff07ff04401c1600e8defff1ffff0ffe0980382c00d0bdffe3ffff1ffc1300715800a07bffc7ffff3ff82700e2b00040f7fe8fffff7ff04f00c4610180eefd1fffffffe09f0088c30200ddfb3ffeffffc13f0110870500baf77ff9ffff837f02200e0b0074ef7f00";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zstd(body: &[u8]) -> Vec<u8> {
    compress_to_vec(body, CompressionLevel::Fastest)
}

/// One frame that stands for `blocks` times 128 KiB of zeros, and this descriptor of its window.
fn zstd_bomb(blocks: usize, window: u8) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, window];
    for block in 1..=blocks {
        let header = (128 << 10) << 3 | 1 << 1 | u32::from(block == blocks);
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}

async fn decoded(encoding: Encoding, body: Vec<u8>, limit: usize) -> Result<Bytes, Undecodable> {
    let admission = Admission::new(&Limits::default());
    let place = admission.enter();
    let (body, lease) = decode(encoding, body.into(), limit, place.lease()).await?;
    assert_eq!(lease.bytes(), body.len());
    Ok(body)
}

#[tokio::test]
async fn every_encoding_gives_the_text_back() {
    let two_frames = [zstd(&TEXT.as_bytes()[..50]), zstd(&TEXT.as_bytes()[50..])].concat();
    let two_members = [gzip(&TEXT.as_bytes()[..50]), gzip(&TEXT.as_bytes()[50..])].concat();
    for (encoding, body) in [
        (Encoding::Gzip, gzip(TEXT.as_bytes())),
        (Encoding::Gzip, two_members),
        (Encoding::Deflate, zlib(TEXT.as_bytes())),
        (Encoding::Deflate, deflate(TEXT.as_bytes())),
        (Encoding::Brotli, bytes(BROTLI)),
        (Encoding::Zstd, zstd(TEXT.as_bytes())),
        (Encoding::Zstd, two_frames),
    ] {
        let exactly = decoded(encoding, body.clone(), TEXT.len()).await;
        assert_eq!(exactly.as_deref(), Ok(TEXT.as_bytes()), "{encoding:?}");
        assert_eq!(decoded(encoding, body, TEXT.len() - 1).await, Err(Undecodable::TooLarge), "{encoding:?}");
    }
}

#[tokio::test]
async fn a_long_body_is_decoded_whole() {
    let long: Vec<u8> = (0..3 * AT_ONCE).map(|i| ((i * i) >> 7) as u8).collect();
    for (encoding, body) in
        [(Encoding::Gzip, gzip(&long)), (Encoding::Deflate, zlib(&long)), (Encoding::Zstd, zstd(&long))]
    {
        assert!(decoded(encoding, body, usize::MAX).await.unwrap() == long, "{encoding:?}");
    }
}

#[tokio::test]
async fn a_bomb_ends_at_the_limit() {
    let limit = 4 << 20;
    for (encoding, body) in [
        (Encoding::Gzip, gzip(&vec![0; 2 * limit])),
        (Encoding::Deflate, deflate(&vec![0; 2 * limit])),
        (Encoding::Brotli, bytes(BROTLI_BOMB)),
        (Encoding::Zstd, zstd_bomb(8000, 0x38)),
    ] {
        assert!(body.len() < 40_000, "{encoding:?}: {}", body.len());
        assert_eq!(decoded(encoding, body, limit).await, Err(Undecodable::TooLarge), "{encoding:?}");
    }
    // A window of 2 GiB is refused before anything is decoded.
    assert_eq!(decoded(Encoding::Zstd, zstd_bomb(1, 0xa8), limit).await, Err(Undecodable::Corrupt));
}

#[tokio::test]
async fn what_does_not_fit_beside_others_is_shed() {
    let admission = Admission::new(&Limits { held_bytes: 100, ..Limits::default() });
    let place = admission.enter();
    let refused = decode(Encoding::Gzip, gzip(TEXT.as_bytes()).into(), 1000, place.lease()).await;
    assert_eq!(refused.unwrap_err(), Undecodable::Shed(Shed::Bytes));
    place.lease().grow(100).unwrap();
}

#[tokio::test]
async fn anything_else_is_corrupt() {
    // Bare deflate has no mark of its own, so some texts decode to something; it is no JSON then.
    for encoding in [Encoding::Gzip, Encoding::Brotli, Encoding::Zstd] {
        assert_eq!(decoded(encoding, TEXT.into(), 1000).await, Err(Undecodable::Corrupt), "{encoding:?}");
    }
    assert_ne!(decoded(Encoding::Deflate, TEXT.into(), 1000).await.as_deref(), Ok(TEXT.as_bytes()));
    let cut = |mut body: Vec<u8>| {
        body.truncate(body.len() / 2);
        body
    };
    for (encoding, body) in [
        (Encoding::Gzip, cut(gzip(TEXT.as_bytes()))),
        (Encoding::Deflate, cut(zlib(TEXT.as_bytes()))),
        (Encoding::Brotli, cut(bytes(BROTLI))),
        (Encoding::Zstd, cut(zstd(TEXT.as_bytes()))),
    ] {
        assert_eq!(decoded(encoding, body, 1000).await, Err(Undecodable::Corrupt), "{encoding:?}");
    }
}

#[test]
fn names_are_read_as_http_writes_them() {
    for (value, coded) in [
        ("", Coded::Plain),
        ("identity", Coded::Plain),
        ("gzip", Coded::As(Encoding::Gzip)),
        (" X-GZip ", Coded::As(Encoding::Gzip)),
        ("DEFLATE", Coded::As(Encoding::Deflate)),
        ("br", Coded::As(Encoding::Brotli)),
        ("zstd", Coded::As(Encoding::Zstd)),
        ("compress", Coded::Unknown),
        ("gzip, br", Coded::Unknown),
    ] {
        assert_eq!(Coded::of(value.as_bytes()), coded, "{value:?}");
    }
}
