//! Compressed request bodies in every mode.

use crate::{
    script::{refused, run, run_with},
    stand_in::{Event, Running},
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use std::io::Write as _;
use trackside_extproc::{
    Decoded, Encoding, Limits,
    proto::{
        BodySendMode,
        BodySendMode::{Buffered, BufferedPartial, FullDuplexStreamed as Duplex, None as No, Streamed},
        ProcessingRequest,
        processing_request::Request,
    },
};

fn gzip(text: &str) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap().into()
}

/// Runs a script whose request bodies are compressed as a whole: what is written as `one+two` goes out in two pieces, cut in
/// the middle of the compressed bytes.
async fn compressed(server: &Running, modes: (BodySendMode, BodySendMode), script: &str, text: &str) {
    let bytes = gzip(text);
    let half = bytes.len() / 2;
    run_with(server, Some(modes), script, |mut message: ProcessingRequest| {
        if let Some(Request::RequestBody(body)) = &mut message.request {
            body.body = match &body.body[..] {
                b"whole" => bytes.clone(),
                b"first" => bytes.slice(..half),
                b"second" => bytes.slice(half..),
                other => Bytes::copy_from_slice(other),
            };
        }
        message
    })
    .await;
}

#[tokio::test]
async fn an_edited_body_goes_on_decoded() {
    let server = Running::start(Limits::default()).await;
    let (call, removed) = ("> rh content-encoding=gzip", "remove content-encoding set x-selected-model=chosen");
    let script = format!(
        "{call}\n< rh remove x-selected-model mode [1, 1][2, 0][2, 2]
         > rb* whole\n< rb {removed} set content-length=12 reroute body <chosen hello>\n= ok"
    );
    compressed(&server, (Buffered, Buffered), &script, "auto hello").await;
    let script = format!(
        "{call}\n< rh remove x-selected-model reroute
         > rb* whole\n< rb {removed} reroute body <chosen hello>\n= ok"
    );
    compressed(&server, (BufferedPartial, No), &script, "auto hello").await;
    let script = format!(
        "{call}\n> rb first\n> rb* second
         < rh remove content-encoding remove x-selected-model set x-selected-model=chosen reroute
         < rb piece* <chosen hello>\n= ok"
    );
    compressed(&server, (Duplex, No), &script, "auto hello").await;
    let events = server.seen.all();
    let decoded = Event::Coded(Some(Encoding::Gzip), Decoded::Whole);
    assert_eq!(events.iter().filter(|event| **event == decoded).count(), 3);
}

#[tokio::test]
async fn an_unchanged_body_stays_compressed() {
    let server = Running::start(Limits::default()).await;
    let script = "> rh content-encoding=gzip\n< rh remove x-selected-model\n> rb* whole\n< rb\n= ok";
    compressed(&server, (Buffered, No), script, "pass hello").await;
    let bytes = String::from_utf8_lossy(&gzip("pass hello")).escape_default().to_string();
    let script = format!(
        "> rh content-encoding=gzip\n> rb first\n> rb* second
         < rh remove x-selected-model mode [1, 2][4, 0][1, 2]\n< rb piece* <{bytes}>\n= ok"
    );
    compressed(&server, (Duplex, No), &script, "pass hello").await;
}

#[tokio::test]
async fn piece_by_piece_a_body_is_decoded_in_any_case() {
    let server = Running::start(Limits::default()).await;
    let call = "> rh content-encoding=gzip\n< rh remove x-selected-model remove content-encoding";
    let script =
        format!("{call}\n> rb first\n< rb body <>\n> rb second\n< rb body <>\n> rb*\n< rb body <pass hello>\n= ok");
    compressed(&server, (Streamed, No), &script, "pass hello").await;
    let script = format!("{call}\n> rb* whole\n< rb body <pass hello>\n= ok");
    compressed(&server, (Streamed, No), &script, "pass hello").await;
}

#[tokio::test]
async fn what_cannot_be_decoded_is_refused() {
    let server = Running::start(Limits { body_bytes: 1000, ..Limits::default() }).await;
    let call = "> rh content-encoding=gzip\n< rh remove x-selected-model";
    let corrupt = refused(400, "the request body does not fit its content-encoding", "invalid_encoding");
    run(&server, Some((Buffered, No)), &format!("{call}\n> rb* auto\n< {corrupt}\n= ok")).await;
    let too_large = refused(413, "the request body is longer than 1000 bytes", "request_too_large");
    compressed(&server, (Buffered, No), &format!("{call}\n> rb* whole\n< {too_large}\n= ok"), &"a".repeat(1001)).await;
    let message = "the content-encoding of the request is none of gzip, deflate, br, zstd";
    let unknown = refused(415, message, "unsupported_encoding");
    for mode in [Buffered, BufferedPartial, Streamed, Duplex] {
        run(&server, Some((mode, No)), &format!("> rh content-encoding=gzip,br\n< {unknown}\n= ok")).await;
    }
    // Where no body is shown, and on other paths, it is nobody's business.
    let pass = "< rh remove x-selected-model mode [1, 2][0, 0][2, 2]\n= ok";
    run(&server, Some((No, No)), &format!("> rh content-encoding=lzma\n{pass}")).await;
    run(&server, Some((Buffered, No)), &format!("> rh other content-encoding=lzma\n{pass}")).await;
    let events = server.seen.all();
    for (encoding, outcome, count) in [
        (Some(Encoding::Gzip), Decoded::Corrupt, 1),
        (Some(Encoding::Gzip), Decoded::TooLarge, 1),
        (None, Decoded::Unsupported, 4),
    ] {
        let event = Event::Coded(encoding, outcome);
        assert_eq!(events.iter().filter(|seen| **seen == event).count(), count, "{event:?}");
    }
}
