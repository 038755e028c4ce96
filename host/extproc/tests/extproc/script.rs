//! Conversations as text. A line `> what` is sent, a line `< what` is the next answer, and the last line is `= end`.
//!
//! Sent: `rh` `sh` (headers), `rb` `sb` (a body, after a blank), `rt` `st` (trailers), `?` (a kind we do not know); a `*`
//! behind the name ends the stream. `rh` is a chat completion, `rh other` is not, `rh spoof` names a model; `sh` takes a status;
//! both take more headers as `name=value`.
//!
//! Answered: the kind, then what it changes; see [`show`].

use crate::stand_in::Running;
use bytes::Bytes;
use std::{fmt::Write, future::Future, pin::Pin, time::Duration};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status, Streaming};
use trackside_extproc::proto::{
    BodyMutation, BodySendMode, CommonResponse, HeaderMap, HeaderMutation, HeaderValue, HttpBody, HttpHeaders,
    HttpTrailers, ProcessingRequest, ProcessingResponse, ProtocolConfiguration, body_mutation::Mutation,
    processing_request::Request, processing_response::Response as Answer,
};

/// How long an answer may take before a script is said to have met silence.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a script on a stream of its own, and compares what comes back with it.
pub(crate) async fn run(server: &Running, modes: Option<(BodySendMode, BodySendMode)>, script: &str) {
    run_with(server, modes, script, |message| message).await;
}

/// The same, with messages changed on their way out.
pub(crate) async fn run_with(
    server: &Running,
    modes: Option<(BodySendMode, BodySendMode)>,
    script: &str,
    change: impl Fn(ProcessingRequest) -> ProcessingRequest,
) {
    let lines: Vec<&str> = script.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let happened = play(server, modes, &lines, change).await;
    assert_eq!(happened.join("\n"), lines.join("\n"), "modes {modes:?}");
}

async fn play(
    server: &Running,
    modes: Option<(BodySendMode, BodySendMode)>,
    lines: &[&str],
    change: impl Fn(ProcessingRequest) -> ProcessingRequest,
) -> Vec<String> {
    let mut config = modes.map(|(request, response)| ProtocolConfiguration {
        request_body_mode: request.into(),
        response_body_mode: response.into(),
        send_body_without_waiting_for_header_response: false,
    });
    let (sender, receiver) = mpsc::channel(64);
    let mut sender = Some(sender);
    let mut client = server.client().await;
    let mut opening = Some(Box::pin(client.process(ReceiverStream::new(receiver))));
    let mut answers: Option<Streaming<ProcessingResponse>> = None;
    let mut happened = Vec::new();
    for line in lines {
        let line = match line.split_once(' ') {
            Some((">", what)) => {
                let message = ProcessingRequest { protocol_config: config.take(), ..message(what) };
                sender.as_ref().unwrap().send(change(message)).await.unwrap();
                (*line).to_owned()
            }
            Some((mark, _)) => {
                if mark == "=" {
                    sender = None;
                }
                match timeout(PATIENCE, answer(&mut opening, &mut answers)).await {
                    Err(_) => "= silence".to_owned(),
                    Ok(Ok(Some(answer))) => format!("< {}", show(&answer)),
                    Ok(Ok(None)) => "= ok".to_owned(),
                    Ok(Err(status)) => format!("= {:?}", status.code()),
                }
            }
            None => panic!("not a line of a script: {line}"),
        };
        let over = line.starts_with('=');
        happened.push(line);
        if over {
            break;
        }
    }
    happened
}

/// What a refusal of a request is shown as.
pub(crate) fn refused(status: u16, message: &str, code: &str) -> String {
    let kind = if status < 500 { "invalid_request_error" } else { "server_error" };
    let error = format!(r#"{{"error":{{"message":"{message}","type":"{kind}","param":null,"code":"{code}"}}}}"#);
    let headers = "set content-type=application/json set x-vsr-schema-version=2 set x-vsr-response-path=error";
    format!("status {status} trackside_{code} {error} {headers}")
}

/// The next answer; the stream opens with the first one.
pub(crate) async fn answer<F>(
    opening: &mut Option<Pin<Box<F>>>,
    answers: &mut Option<Streaming<ProcessingResponse>>,
) -> Result<Option<ProcessingResponse>, Status>
where
    F: Future<Output = Result<Response<Streaming<ProcessingResponse>>, Status>> + ?Sized,
{
    if let Some(opening) = opening.take() {
        *answers = Some(opening.await?.into_inner());
    }
    answers.as_mut().unwrap().message().await
}

/// What a line sends.
pub(crate) fn message(line: &str) -> ProcessingRequest {
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    let end_of_stream = name.ends_with('*');
    let headers = |map: HeaderMap| HttpHeaders { headers: Some(map), end_of_stream };
    let body = HttpBody { body: Bytes::copy_from_slice(rest.as_bytes()), end_of_stream };
    let trailers = HttpTrailers { trailers: Some(map(&[("x-checksum", "1")])) };
    let request = match name.trim_end_matches('*') {
        "rh" => {
            let path = if rest.starts_with("other") { "/v1/models" } else { "/v1/chat/completions?beta" };
            let mut fields = vec![(":method", "POST"), (":path", path), ("x-request-id", "id-1")];
            fields.extend((rest == "spoof").then_some(("x-selected-model", "mine")));
            fields.extend(rest.split(' ').filter_map(|field| field.split_once('=')));
            Some(Request::RequestHeaders(headers(map(&fields))))
        }
        "sh" => {
            let (status, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            let fields =
                [(":status", status)].into_iter().chain(rest.split(' ').filter_map(|field| field.split_once('=')));
            Some(Request::ResponseHeaders(headers(map(&fields.collect::<Vec<_>>()))))
        }
        "rb" => Some(Request::RequestBody(body)),
        "sb" => Some(Request::ResponseBody(body)),
        "rt" => Some(Request::RequestTrailers(trailers)),
        "st" => Some(Request::ResponseTrailers(trailers)),
        "?" => None,
        name => panic!("{name} cannot be sent"),
    };
    ProcessingRequest { request, ..ProcessingRequest::default() }
}

fn map(fields: &[(&str, &str)]) -> HeaderMap {
    let header = |(key, value): &(&str, &str)| HeaderValue {
        key: (*key).to_owned(),
        value: String::new(),
        raw_value: Bytes::copy_from_slice(value.as_bytes()),
    };
    HeaderMap { headers: fields.iter().map(header).collect() }
}

/// A message of a gateway in words: what it is, `*` at the end of the stream, and what it says of the exchange.
pub(crate) fn show_request(message: &ProcessingRequest) -> String {
    let mut text = String::new();
    match message.request.as_ref() {
        Some(Request::RequestHeaders(headers)) => show_headers(&mut text, "rh", headers, &[":method", ":path"]),
        Some(Request::ResponseHeaders(headers)) => show_headers(&mut text, "sh", headers, &[":status"]),
        Some(Request::RequestBody(body)) => show_body(&mut text, "rb", body),
        Some(Request::ResponseBody(body)) => show_body(&mut text, "sb", body),
        Some(Request::RequestTrailers(trailers)) => show_trailers(&mut text, "rt", trailers),
        Some(Request::ResponseTrailers(trailers)) => show_trailers(&mut text, "st", trailers),
        None => text.push('?'),
    }
    if let Some(config) = message.protocol_config {
        write!(text, " modes {} {}", config.request_body_mode, config.response_body_mode).unwrap();
    }
    if message.observability_mode {
        text.push_str(" observed");
    }
    for (filter, values) in &message.attributes {
        write!(text, " attributes {filter} {:?}", values.fields.keys().collect::<Vec<_>>()).unwrap();
    }
    text
}

fn show_headers(text: &mut String, kind: &str, message: &HttpHeaders, names: &[&str]) {
    write!(text, "{kind}{}", if message.end_of_stream { "*" } else { "" }).unwrap();
    let headers = &message.headers.as_ref().unwrap().headers;
    for name in names.iter().chain(&["content-length", "content-type", "transfer-encoding"]) {
        for header in headers.iter().filter(|header| header.key == *name) {
            assert_eq!(header.value, "", "{header:?}");
            write!(text, " {name}={}", std::str::from_utf8(&header.raw_value).unwrap()).unwrap();
        }
    }
}

fn show_body(text: &mut String, kind: &str, message: &HttpBody) {
    let (end, body) = (if message.end_of_stream { "*" } else { "" }, String::from_utf8_lossy(&message.body));
    write!(text, "{kind}{end} <{}>", body.escape_default()).unwrap();
}

fn show_trailers(text: &mut String, kind: &str, message: &HttpTrailers) {
    text.push_str(kind);
    for trailer in &message.trailers.as_ref().unwrap().headers {
        write!(text, " {}={}", trailer.key, std::str::from_utf8(&trailer.raw_value).unwrap()).unwrap();
    }
}

/// An answer in words: `set name=value`, `remove name`, `reroute`, `body <...>`, `piece <...>` with `*` at the end of the
/// stream, `mode` with the six modes of an override, `status` with the fields of an immediate response.
pub(crate) fn show(answer: &ProcessingResponse) -> String {
    let mut text = String::new();
    let Some(response) = answer.response.as_ref() else {
        return format!("wait {}", answer.override_message_timeout.unwrap());
    };
    match response {
        Answer::RequestHeaders(headers) => show_common(&mut text, "rh", headers.response.as_ref().unwrap()),
        Answer::ResponseHeaders(headers) => show_common(&mut text, "sh", headers.response.as_ref().unwrap()),
        Answer::RequestBody(body) => show_common(&mut text, "rb", body.response.as_ref().unwrap()),
        Answer::ResponseBody(body) => show_common(&mut text, "sb", body.response.as_ref().unwrap()),
        Answer::RequestTrailers(_) => text.push_str("rt"),
        Answer::ResponseTrailers(_) => text.push_str("st"),
        Answer::ImmediateResponse(immediate) => {
            let (status, body) = (immediate.status.unwrap().code, String::from_utf8_lossy(&immediate.body));
            write!(text, "status {status} {} {body}", immediate.details).unwrap();
            show_edits(&mut text, immediate.headers.as_ref().unwrap());
        }
    }
    if let Some(mode) = answer.mode_override {
        let heads = [mode.request_header_mode, mode.response_header_mode];
        let bodies = [mode.request_body_mode, mode.response_body_mode];
        let tails = [mode.request_trailer_mode, mode.response_trailer_mode];
        write!(text, " mode {heads:?}{bodies:?}{tails:?}").unwrap();
    }
    text
}

fn show_common(text: &mut String, kind: &str, common: &CommonResponse) {
    text.push_str(kind);
    common.header_mutation.iter().for_each(|edits| show_edits(text, edits));
    if common.clear_route_cache {
        text.push_str(" reroute");
    }
    let (name, body, end) = match &common.body_mutation {
        None => return,
        Some(BodyMutation { mutation: Some(Mutation::Body(body)) }) => ("body", body, ""),
        Some(BodyMutation { mutation: Some(Mutation::StreamedResponse(piece)) }) => {
            ("piece", &piece.body, if piece.end_of_stream { "*" } else { "" })
        }
        Some(other) => panic!("unexpected {other:?}"),
    };
    write!(text, " {name}{end} <{}>", String::from_utf8_lossy(body).escape_default()).unwrap();
}

fn show_edits(text: &mut String, edits: &HeaderMutation) {
    for name in &edits.remove_headers {
        write!(text, " remove {name}").unwrap();
    }
    for option in &edits.set_headers {
        let header = option.header.as_ref().unwrap();
        assert_eq!((&*header.value, option.append, option.append_action), ("", None, 2), "{header:?}");
        write!(text, " set {}={}", header.key, std::str::from_utf8(&header.raw_value).unwrap()).unwrap();
    }
}
