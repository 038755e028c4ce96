//! Reading the headers that a gateway sends.

use crate::proto::{HeaderMap, HttpHeaders};
use bytes::Bytes;
use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};
use trackside_protocol::Endpoint;
use trackside_routing::Headers;

/// Names the model that was chosen, for the gateway's routes. A client could write it too, so it never passes as it came.
pub(crate) const SELECTED_MODEL: &str = "x-selected-model";

/// The longest request id that is taken over from a gateway, bytes.
const MAX_ID: usize = 128;

/// A set of headers, read where it lies.
#[derive(Clone, Copy)]
pub(crate) struct View<'a>(&'a [crate::proto::HeaderValue]);

impl<'a> View<'a> {
    pub(crate) fn of(message: &'a HttpHeaders) -> View<'a> {
        View(message.headers.as_ref().map_or(&[], |map: &HeaderMap| &map.headers))
    }

    /// The first value under a lower-case name. Gateways fill `raw_value`, save one that writes pseudo-headers as `value`.
    fn get(self, name: &str) -> Option<&'a [u8]> {
        let header = self.0.iter().find(|header| header.key.eq_ignore_ascii_case(name))?;
        Some(if header.raw_value.is_empty() { header.value.as_bytes() } else { &header.raw_value })
    }

    fn text(self, name: &str) -> Option<&'a str> {
        std::str::from_utf8(self.get(name)?).ok()
    }

    pub(crate) fn endpoint(self) -> Endpoint {
        match (self.text(":method"), self.text(":path")) {
            (Some(method), Some(path)) => Endpoint::of(method, path),
            _ => Endpoint::Other,
        }
    }

    pub(crate) fn names_a_model(self) -> bool {
        self.get(SELECTED_MODEL).is_some()
    }

    pub(crate) fn is_success(self) -> bool {
        matches!(self.get(":status"), Some([b'2', _, _]))
    }
}

/// Takes the headers over for the decision, and the request's id from them.
pub(crate) fn take(message: HttpHeaders) -> (String, Headers) {
    let mut headers = Headers::default();
    for header in message.headers.unwrap_or_default().headers {
        let value = if header.raw_value.is_empty() { Bytes::from(header.value) } else { header.raw_value };
        headers.push(&header.key, value);
    }
    let given = headers
        .get("x-request-id")
        .filter(|id| (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()));
    (given.map_or_else(new_id, str::to_owned), headers)
}

/// An id that no other request of this process has, and hardly one of another process.
pub(crate) fn new_id() -> String {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{:016x}-{:x}", *PROCESS, NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::HeaderValue;

    fn message(fields: &[(&str, &str, &str)]) -> HttpHeaders {
        let header = |(key, value, raw): &(&str, &str, &str)| HeaderValue {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
            raw_value: Bytes::copy_from_slice(raw.as_bytes()),
        };
        let headers = Some(HeaderMap { headers: fields.iter().map(header).collect() });
        HttpHeaders { headers, end_of_stream: false }
    }

    #[test]
    fn either_form_of_a_value_is_read() {
        let envoy = message(&[(":method", "", "POST"), (":path", "", "/v1/chat/completions")]);
        let agentgateway =
            message(&[("x-a", "", "1"), (":method", "POST", ""), (":path", "/v1/chat/completions?x", "")]);
        for message in [envoy, agentgateway] {
            assert_eq!(View::of(&message).endpoint(), Endpoint::ChatCompletions);
            let (_, headers) = take(message);
            assert_eq!(headers.get(":method"), Some("POST"));
        }
    }

    #[test]
    fn a_request_without_a_path_is_no_call() {
        assert_eq!(View::of(&HttpHeaders::default()).endpoint(), Endpoint::Other);
        assert_eq!(View::of(&message(&[(":path", "", "/v1/chat/completions")])).endpoint(), Endpoint::Other);
    }

    #[test]
    fn only_two_hundreds_are_a_success() {
        for (status, success) in
            [("200", true), ("204", true), ("299", true), ("2", false), ("2000", false), ("302", false)]
        {
            assert_eq!(View::of(&message(&[(":status", "", status)])).is_success(), success, "{status}");
        }
        assert!(!View::of(&HttpHeaders::default()).is_success());
    }

    #[test]
    fn a_usable_request_id_is_kept_and_others_are_made_up() {
        assert_eq!(take(message(&[("x-request-id", "", "abc-1")])).0, "abc-1");
        let long = "x".repeat(MAX_ID + 1);
        let made: Vec<_> =
            ["", "a b", "a\nb", "\u{e9}", &long].map(|id| take(message(&[("x-request-id", "", id)])).0).into();
        for (i, id) in made.iter().enumerate() {
            assert!(!id.is_empty() && id.len() < 64 && !made[..i].contains(id), "{made:?}");
        }
    }
}
