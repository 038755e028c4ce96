//! Immediate answers, and what the gateway makes of them.

use crate::{
    CAREFUL, carry, chat,
    gateway::Call,
    headers::fields,
    policy::{Body, Policy},
    post,
};
use flate2::{Compression, write::GzEncoder};
use std::io::Write as _;

const MODES: [Body; 3] = [Body::Buffered, Body::Partial, Body::Duplex];

#[tokio::test]
async fn a_refusal_tells_its_status_its_type_and_why() {
    for mode in MODES {
        for (body, status, code) in [
            ("{\"model\":1,\"messages\":[]}".into(), 400, "invalid_type"),
            ("nonsense".into(), 400, "invalid_json"),
            (chat("no-such-model", CAREFUL), 400, "model_not_found"),
        ] {
            let done = carry(Policy::new(mode, Body::None), post(body)).await.unwrap();
            let (found, told) = done.immediate();
            assert_eq!((found, told["error"]["code"].as_str()), (status, Some(code)), "{mode:?}: {told}");
            // The gateway adds no content type of its own.
            let headers = &done.immediate.unwrap().headers.unwrap().set_headers;
            let kind = headers.iter().filter_map(|option| option.header.as_ref()).find(|h| h.key == "content-type");
            assert_eq!(kind.unwrap().raw_value, "application/json");
            assert!(done.upstream.is_none());
        }
    }
}

#[tokio::test]
async fn after_a_refusal_nothing_more_is_said() {
    for mode in MODES {
        let done = carry(Policy::new(mode, Body::Buffered), post("nonsense")).await.unwrap();
        assert!(done.log().ends_with("<immediate"), "{}", done.log());
    }
}

#[tokio::test]
async fn a_compressed_call_is_read_and_goes_on_as_text() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&chat("auto", CAREFUL)).unwrap();
    let body = encoder.finish().unwrap();
    for mode in MODES {
        let headers = fields(&[("content-type", "application/json"), ("content-encoding", "gzip")]);
        let done = carry(Policy::new(mode, Body::None), Call { headers, ..post(body.clone()) }).await.unwrap();
        done.went_to("large");
        let (seen, _) = done.upstream.unwrap();
        assert!(!seen.iter().any(|(name, _)| name == "content-encoding"), "{mode:?}");
    }
}

#[tokio::test]
async fn a_coding_that_cannot_be_read_is_refused() {
    for mode in MODES {
        let headers = fields(&[("content-encoding", "compress")]);
        let done = carry(Policy::new(mode, Body::None), Call { headers, ..post("x") }).await.unwrap();
        assert_eq!(done.immediate().0, 415, "{mode:?}");
    }
}

#[tokio::test]
async fn a_media_type_with_parameters_and_a_query_make_no_difference() {
    for path in ["/v1/chat/completions", "/openai/v1/chat/completions?api-version=1"] {
        let headers = fields(&[("content-type", "application/json; charset=utf-8")]);
        let call = Call { path, headers, ..post(chat("auto", CAREFUL)) };
        carry(Policy::new(Body::Duplex, Body::None), call).await.unwrap().went_to("large");
    }
}
