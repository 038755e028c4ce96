//! Reading the headers that a gateway sends.

use crate::{
    encoding::Coded,
    proto::{HeaderMap, HttpHeaders},
    reply::Edits,
};
use bytes::Bytes;
use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};
use trackside_protocol::Endpoint;
use trackside_routing::{Headers, OURS, SELECTED_MODEL};

/// What a compressed body says about itself.
pub(crate) const CONTENT_ENCODING: &str = "content-encoding";

/// Most headers of ours that anybody else may send: each takes an edit to remove, and gateways take about a hundred.
const MAX_FORGED: usize = 32;

/// The longest request id that is taken over from a gateway, bytes.
const MAX_ID: usize = 128;

/// More headers of ours came than are removed.
#[derive(Debug)]
pub(crate) struct TooManyForged;

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

    pub(crate) fn coded(self) -> Coded {
        self.get(CONTENT_ENCODING).map_or(Coded::Plain, Coded::of)
    }

    pub(crate) fn status(self) -> Option<u16> {
        self.text(":status").filter(|status| status.len() == 3)?.parse().ok()
    }

    /// Removes from a request what only we may write. The header that routes are chosen by goes whether or not it can be
    /// seen, since gateways may hide headers from us; if one was there, a route may have been chosen by it already.
    ///
    /// # Errors
    /// The request has so many of these headers that gateways would refuse to remove them.
    pub(crate) fn distrust(self) -> Result<Edits, TooManyForged> {
        let forged = self.forged();
        if forged.len() > MAX_FORGED {
            return Err(TooManyForged);
        }
        let clear_route_cache = !forged.is_empty() || self.get(SELECTED_MODEL).is_some();
        let remove = [SELECTED_MODEL.to_owned()].into_iter().chain(forged).collect();
        Ok(Edits { set: Vec::new(), remove, clear_route_cache })
    }

    /// The names under which somebody else wrote headers of ours, each once.
    pub(crate) fn forged(self) -> Vec<String> {
        let ours = |key: &&str| key.get(..OURS.len()).is_some_and(|start| start.eq_ignore_ascii_case(OURS));
        let keys = self.0.iter().map(|header| &*header.key).filter(ours);
        let mut names: Vec<String> = keys.map(str::to_ascii_lowercase).collect();
        names.sort_unstable();
        names.dedup();
        names
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
    fn a_status_has_three_digits() {
        for (text, status) in [("200", Some(200)), ("503", Some(503)), ("2", None), ("2000", None), ("ok!", None)] {
            assert_eq!(View::of(&message(&[(":status", "", text)])).status(), status, "{text}");
        }
        assert_eq!(View::of(&HttpHeaders::default()).status(), None);
    }

    #[test]
    fn what_only_we_write_is_removed() {
        let edits = |fields: &[(&str, &str, &str)]| View::of(&message(fields)).distrust().unwrap();
        let plain = edits(&[("x-vs", "", "1"), ("x-other", "", "1"), ("\u{e9}\u{e9}\u{e9}x", "", "1")]);
        assert_eq!((plain.remove, plain.clear_route_cache), (vec![SELECTED_MODEL.to_owned()], false));
        let forged = edits(&[("X-VSR-Debug", "", "true"), ("x-vsr-", "", ""), ("x-vsr-debug", "", "1")]);
        assert_eq!(forged.remove, [SELECTED_MODEL, "x-vsr-", "x-vsr-debug"]);
        assert!(forged.clear_route_cache && edits(&[("X-Selected-Model", "", "m")]).clear_route_cache);
        let names: Vec<_> = (0..=MAX_FORGED).map(|i| format!("x-vsr-{i}")).collect();
        let many: Vec<_> = names.iter().map(|name| (&**name, "", "1")).collect();
        assert!(View::of(&message(&many)).distrust().is_err());
        assert_eq!(View::of(&message(&many[1..])).distrust().unwrap().remove.len(), 1 + MAX_FORGED);
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
