//! Compressed request bodies.

use crate::{BRIEF, THINKING, ask};
use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use std::io::Write;
use trackside_tests::{Message, Stage, Way, mode::Body};

/// A coding's name and what it makes of a body.
type Coding = (&'static str, fn(&[u8]) -> Vec<u8>);

const CODINGS: [Coding; 6] =
    [("gzip", gzip), ("x-gzip", gzip), ("deflate", zlib), ("deflate", deflate), ("br", brotli), ("zstd", zstd)];

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("memory takes everything")
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("memory takes everything")
}

fn deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("memory takes everything")
}

/// One block that is stored as it is, and an empty last one. At most 65,536 bytes.
fn brotli(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() - 1).expect("a short body");
    assert!(length < 1 << 16, "such a block has four nibbles of length");
    let head = (length << 4 | 1 << 20).to_le_bytes();
    [&head[..3], body, &[0b11]].concat()
}

/// One frame of one block that is stored as it is. At most 128 KiB.
fn zstd(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("a short body");
    let block = (length << 3 | 1).to_le_bytes();
    [&0xfd2f_b528_u32.to_le_bytes()[..], &[0b1010_0000], &length.to_le_bytes(), &block[..3], body].concat()
}

fn encoded(message: &Message, (name, encode): Coding) -> Message {
    let body = encode(message.bytes());
    let message = Message { upload: trackside_tests::Upload::Whole(body.into()), ..message.clone() };
    message.with("content-encoding", name)
}

routed!(plain, an_encoded_call_is_edited);
streamed!(plain, an_encoded_call_in_a_stream_is_edited, an_encoded_call_is_edited);
async fn an_encoded_call_is_edited(stage: &Stage, way: Way) {
    for coding in CODINGS {
        for (prompt, model) in [(THINKING, "large"), (BRIEF, "s")] {
            let whole = encoded(&ask(prompt), coding);
            for message in [whole.clone(), whole.in_pieces(11, None)] {
                let what = format!("{}, {way}", coding.0);
                let exchange = stage.send(way, message).await;
                assert_eq!(exchange.status, 200, "{what}: {exchange:?}");
                assert_eq!(exchange.seen().header("content-encoding"), None, "{what}");
                assert_eq!(exchange.seen().json()["model"], model, "{what}");
                let length = exchange.seen().header("content-length").map(|told| told.parse().expect("a number"));
                assert!(length.is_none_or(|told: usize| told == exchange.seen().body.len()), "{what}: {length:?}");
            }
        }
    }
}

routed!(plain, an_encoded_call_that_is_not_edited_keeps_its_bytes);
streamed!(plain, an_encoded_call_in_a_stream_keeps_its_meaning, an_encoded_call_that_is_not_edited_keeps_its_bytes);
async fn an_encoded_call_that_is_not_edited_keeps_its_bytes(stage: &Stage, way: Way) {
    let plain =
        Message::chat("{ \"model\":\"large\",\"messages\":[{\"role\":\"user\",\"content\":\"walk me through it\"}] }");
    for coding in CODINGS {
        let message = encoded(&plain, coding);
        let exchange = stage.send(way, message.clone()).await;
        let what = format!("{}, {way}", coding.0);
        assert_eq!(exchange.status, 200, "{what}: {exchange:?}");
        match exchange.seen().header("content-encoding") {
            Some(name) => assert_eq!((name, &exchange.seen().body), (coding.0, message.bytes()), "{what}"),
            // Behind headers that have gone on it is too late to tell, so it is decoded beforehand.
            None => {
                assert_eq!(way.mode.request, Body::Streamed, "{what}");
                assert_eq!(&exchange.seen().body, plain.bytes(), "{what}");
            }
        }
    }
}

every!(plain, an_encoded_body_that_is_no_call_passes);
async fn an_encoded_body_that_is_no_call_passes(stage: &Stage, way: Way) {
    for message in [
        encoded(&Message::post("/v1/files", "some text"), CODINGS[0]),
        Message::post("/v1/files", "anything").with("content-encoding", "compress"),
    ] {
        let exchange = stage.send(way, message.clone()).await;
        assert_eq!((exchange.status, &exchange.seen().body), (200, message.bytes()), "{way}");
        assert_eq!(exchange.seen().headers["content-encoding"], message.headers["content-encoding"], "{way}");
    }
}

routed!(plain, a_body_that_does_not_fit_its_encoding_is_refused);
streamed!(plain, a_stream_that_does_not_fit_its_encoding_is_refused, a_body_that_does_not_fit_its_encoding_is_refused);
async fn a_body_that_does_not_fit_its_encoding_is_refused(stage: &Stage, way: Way) {
    for name in ["gzip", "deflate", "br", "zstd"] {
        let exchange = stage.send(way, ask(THINKING).with("content-encoding", name)).await;
        assert_eq!((exchange.status, exchange.upstream.is_none()), (400, true), "{name}, {way}: {exchange:?}");
        assert_eq!(exchange.json()["error"]["code"], "invalid_encoding", "{name}, {way}");
    }
}

each!(plain, an_encoding_that_nobody_knows_is_refused:
    aibrix buffered buffered_both partial partial_both duplex duplex_both streamed streamed_both);
async fn an_encoding_that_nobody_knows_is_refused(stage: &Stage, way: Way) {
    for name in ["compress", "gzip, br", "nonsense"] {
        let exchange = stage.send(way, ask(THINKING).with("content-encoding", name)).await;
        assert_eq!((exchange.status, exchange.upstream.is_none()), (415, true), "{name}, {way}: {exchange:?}");
        assert_eq!(exchange.json()["error"]["code"], "unsupported_encoding", "{name}, {way}");
    }
}
