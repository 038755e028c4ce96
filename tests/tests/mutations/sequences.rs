//! Sequences of messages: recorded and made up ones, and what becomes of them when they are damaged.

use crate::random::Random;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use prost::Message as _;
use prost_types::{Struct, Value, value::Kind};
use std::{collections::BTreeMap, io::Write as _, path::Path};
use trackside_extproc::proto::{
    HeaderMap, HeaderValue, HttpBody, HttpHeaders, HttpTrailers, Metadata, ProcessingRequest, ProtocolConfiguration,
    processing_request::Request,
};
use trackside_tests::place;

pub type Sequence = Vec<ProcessingRequest>;

const BODIES: [&str; 8] = [
    r#"{"model":"auto","messages":[{"role":"user","content":"think carefully"}]}"#,
    r#"{"model":"auto","messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"ü"}]}],"tools":[{"type":"function","function":{"name":"f"}}],"stream":true}"#,
    r#"{"model":"large","messages":[{"role":"user","content":"pinned"}]}"#,
    r#"{"model":"auto","messages":[{"role":"user","content":"a\u00e9\ud83d\ude00"}],"n":1e400,"x":{"y":[[[[]]]]}}"#,
    r#"{"model":"auto","messages":[]}"#,
    r#"{"model":"auto","model":"auto","messages":[{"role":"user","content":"twice"}]}"#,
    "{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"\u{0}\"}]}",
    "not json",
];

/// Where mutation starts: the conversations that a real Envoy had, and calls in every pair of modes.
pub fn origins() -> Vec<Sequence> {
    let mut all = recorded(&place::root().join("host/extproc/tests/golden"));
    for request in 0..5 {
        for response in 0..5 {
            for body in BODIES {
                all.push(made_up(request, response, body));
            }
        }
    }
    all
}

/// What the gateway said in each recording: `>`, four bytes of length, and the message, mixed with our answers.
fn recorded(folder: &Path) -> Vec<Sequence> {
    let files = std::fs::read_dir(folder).expect("the recordings are there").filter_map(Result::ok);
    let mut paths: Vec<_> =
        files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|e| e == "bin")).collect();
    paths.sort();
    let sequences = paths.iter().map(|path| {
        let bytes = std::fs::read(path).expect("a recording can be read");
        let (mut rest, mut sequence) = (&bytes[..], Vec::new());
        while let [mark, a, b, c, d, tail @ ..] = rest {
            let (message, tail) = tail.split_at(u32::from_be_bytes([*a, *b, *c, *d]) as usize);
            if *mark == b'>' {
                sequence.push(ProcessingRequest::decode(message).expect("a recorded message is whole"));
            }
            rest = tail;
        }
        sequence
    });
    sequences.collect()
}

fn made_up(request: i32, response: i32, body: &str) -> Sequence {
    let (head, tail) = body.split_at(body.floor_char_boundary(body.len() / 2));
    let cut = matches!(request, 1 | 4);
    let mut sequence = vec![message(Request::RequestHeaders(head_of(":path", "/v1/chat/completions", false)))];
    sequence[0].protocol_config = Some(ProtocolConfiguration {
        request_body_mode: request,
        response_body_mode: response,
        send_body_without_waiting_for_header_response: false,
    });
    match (request, cut) {
        (0, _) => {}
        (_, true) => sequence.extend([piece(head, false), piece(tail, false), piece("", true)]),
        (_, false) => sequence.push(piece(body, true)),
    }
    sequence.push(message(Request::ResponseHeaders(head_of(":status", "200", false))));
    if response != 0 {
        let bodies = [
            HttpBody { body: "data: 1\n\n".into(), end_of_stream: false },
            HttpBody { body: Bytes::new(), end_of_stream: true },
        ];
        sequence.extend(bodies.map(|body| message(Request::ResponseBody(body))));
    }
    sequence
}

fn message(request: Request) -> ProcessingRequest {
    ProcessingRequest { request: Some(request), ..ProcessingRequest::default() }
}

fn piece(text: &str, end_of_stream: bool) -> ProcessingRequest {
    message(Request::RequestBody(HttpBody { body: Bytes::copy_from_slice(text.as_bytes()), end_of_stream }))
}

fn head_of(name: &str, value: &str, end_of_stream: bool) -> HttpHeaders {
    let headers = [(":method", "POST"), (name, value), ("content-type", "application/json")];
    let headers = headers.iter().map(|(name, value)| header(name, value.as_bytes())).collect();
    HttpHeaders { headers: Some(HeaderMap { headers }), end_of_stream }
}

fn header(name: &str, value: &[u8]) -> HeaderValue {
    HeaderValue { key: name.to_owned(), value: String::new(), raw_value: Bytes::copy_from_slice(value) }
}

/// Damages a sequence in a few places.
pub fn mutate(random: &mut Random, origins: &[Sequence]) -> Sequence {
    let mut sequence = random.pick(origins).clone();
    for _ in 0..1 + random.below(4) {
        if sequence.is_empty() {
            break;
        }
        let at = random.below(sequence.len());
        match random.below(12) {
            0 => drop(sequence.remove(at)),
            1 => sequence.insert(at, sequence[at].clone()),
            2 => {
                let other = random.below(sequence.len());
                sequence.swap(at, other);
            }
            3 => sequence.truncate(at),
            4 => {
                let other = random.pick(origins);
                sequence.insert(at, random.pick(other).clone());
            }
            5 => sequence[at].request = None,
            6 => modes(random, &mut sequence[0]),
            7 => attach(random, &mut sequence[at]),
            8 if random.one_in(8) => sequence[at].observability_mode = true,
            _ => damage(random, &mut sequence[at]),
        }
    }
    sequence
}

fn modes(random: &mut Random, first: &mut ProcessingRequest) {
    let mode = |random: &mut Random| if random.one_in(20) { random.next() as i32 } else { random.below(6) as i32 };
    first.protocol_config = (!random.one_in(10)).then(|| ProtocolConfiguration {
        request_body_mode: mode(random),
        response_body_mode: mode(random),
        send_body_without_waiting_for_header_response: random.one_in(2),
    });
}

fn attach(random: &mut Random, message: &mut ProcessingRequest) {
    let mut deep = Value { kind: Some(Kind::NumberValue(f64::NAN)) };
    for _ in 0..random.below(40) {
        let fields = BTreeMap::from([("x".repeat(random.below(300)), deep)]);
        deep = Value { kind: Some(Kind::StructValue(Struct { fields })) };
    }
    let many =
        (0..random.below(200)).map(|i| (format!("{i}"), Value { kind: Some(Kind::StringValue("v".repeat(i * 50))) }));
    let fields: BTreeMap<_, _> = many.chain([("deep".to_owned(), deep)]).collect();
    if random.one_in(2) {
        message.attributes = BTreeMap::from([("envoy.filters.http.ext_proc".to_owned(), Struct { fields })]);
    } else {
        let filter_metadata = BTreeMap::from([("trackside".to_owned(), Struct { fields })]);
        message.metadata_context = Some(Metadata { filter_metadata });
    }
}

fn damage(random: &mut Random, message: &mut ProcessingRequest) {
    match message.request.as_mut() {
        Some(Request::RequestHeaders(headers) | Request::ResponseHeaders(headers)) => {
            headers.end_of_stream ^= random.one_in(4);
            damage_headers(random, headers.headers.get_or_insert_default());
        }
        Some(Request::RequestBody(body) | Request::ResponseBody(body)) => {
            body.end_of_stream ^= random.one_in(3);
            body.body = damage_body(random, &body.body);
        }
        Some(
            Request::RequestTrailers(HttpTrailers { trailers }) | Request::ResponseTrailers(HttpTrailers { trailers }),
        ) => {
            damage_headers(random, trailers.get_or_insert_default());
        }
        None => {}
    }
}

fn damage_headers(random: &mut Random, map: &mut HeaderMap) {
    const NAMES: [&str; 12] = [
        "x-selected-model",
        "X-VSR-Selected-Model",
        "x-vsr-debug",
        "content-encoding",
        "content-length",
        ":path",
        ":method",
        ":status",
        "",
        "x-request-id",
        "na\nme",
        "x-authz-user-id",
    ];
    const VALUES: [&[u8]; 10] = [
        b"gzip",
        b"br",
        b"zstd",
        b"true",
        b"",
        b"/v1/chat/completions",
        b"200",
        b"\xff\xfe\0\n",
        b"-1",
        b"99999999999999999999",
    ];
    for _ in 0..random.below(6) {
        let at = random.below(map.headers.len() + 1);
        match random.below(4) {
            0 if at < map.headers.len() => drop(map.headers.remove(at)),
            1 if at < map.headers.len() => {
                map.headers[at].raw_value = Bytes::from_static(VALUES[random.below(VALUES.len())])
            }
            2 => {
                let count = if random.one_in(10) { 200 } else { 1 };
                let name = NAMES[random.below(NAMES.len())];
                map.headers
                    .extend((0..count).map(|i| header(&format!("{name}{}", if count > 1 { i } else { 0 }), b"v")));
            }
            _ => map.headers.insert(at, header(NAMES[random.below(NAMES.len())], VALUES[random.below(VALUES.len())])),
        }
    }
}

fn damage_body(random: &mut Random, body: &Bytes) -> Bytes {
    let mut bytes = body.to_vec();
    match random.below(9) {
        0 => bytes.truncate(random.below(bytes.len() + 1)),
        1 => bytes = bytes.repeat(random.below(200)),
        2 => bytes = [b"{\"a\":".repeat(random.below(20_000)), bytes].concat(),
        3 => bytes = [b"[".repeat(random.below(20_000)), bytes].concat(),
        4 => bytes.clear(),
        5 => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&bytes.repeat(1 + random.below(2000))).expect("it fits into memory");
            bytes = encoder.finish().expect("it fits into memory");
        }
        6 => bytes = BODIES[random.below(BODIES.len())].as_bytes().to_vec(),
        _ => flip(random, &mut bytes),
    }
    bytes.into()
}

/// Changes some bytes.
pub fn flip(random: &mut Random, bytes: &mut [u8]) {
    for _ in 0..1 + random.below(8) {
        let at = random.below(bytes.len());
        if let Some(byte) = bytes.get_mut(at) {
            *byte = if random.one_in(2) { random.next() as u8 } else { *random.pick(b"{}[]\",:\\0-e\0") };
        }
    }
}
