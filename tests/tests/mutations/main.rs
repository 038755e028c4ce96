//! Damaged conversations, many of them, against the real router: nothing panics, hangs or leaks, and no stream ends well
//! on which an LLM call was neither decided nor answered.
//!
//! A normal run takes a small share; `TRACKSIDE_MUTATIONS=100000` takes as many as it says. Each has its number for a seed,
//! so a failure names all that is needed to see it again: `TRACKSIDE_MUTATION=4711` runs that one alone.

mod random;
mod sequences;

use bytes::{Buf, BufMut, Bytes};
use prost::Message as _;
use random::Random;
use sequences::{Sequence, flip, mutate, origins};
use std::{ops::Range, path::Path, sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Code, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
    transport::Channel,
};
use trackside_extproc::proto::{
    ProcessingRequest, ProcessingResponse, processing_request::Request, processing_response::Response,
};
use trackside_tests::{Trackside, direct::Gateway};

/// How many a normal run takes.
const SHARE: u64 = 20_000;
/// How many are under way at once.
const AT_ONCE: u64 = 16;
/// How long one may take; the router itself waits for nothing longer than a fraction of that.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much more memory the router may hold afterwards, bytes.
const GROWTH: u64 = 256 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_conversations_do_no_harm() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agentgateway/router.yaml");
    let flags = ["--body-pause", "500ms", "--max-body-bytes", "8388608"].map(Into::into);
    let router = Trackside::start_with(&config, &flags).await;
    let channel = Channel::from_shared(format!("http://{}", router.extproc)).expect("an address");
    // What still comes on a stream that was left would in the end close this client's only connection.
    let channel = channel.http2_max_local_error_reset_streams(None).connect().await.expect("it listens");
    let origins = Arc::new(origins());
    run(&channel, &origins, 0..500.min(seeds().end)).await;
    let before = router.resident();
    run(&channel, &origins, seeds()).await;
    router.until("trackside_extproc_streams", &[], |open| open == 0.0).await;
    router.until("trackside_extproc_body_held_bytes", &[], |bytes| bytes == 0.0).await;
    let after = router.resident();
    assert!(after < before + GROWTH, "{before} bytes became {after}");
    let body = br#"{"model":"auto","messages":[{"role":"user","content":"think carefully"}]}"#;
    let verdict = Gateway::connect(router.extproc).await.expect("it listens").ask(Bytes::from_static(body)).await;
    let body = verdict.expect("it still answers").body.expect("it still rewrites");
    assert!(
        body.windows(15).any(|part| part == b"\"model\":\"large\"")
            || body.windows(15).any(|part| part == b"\"model\":\"small\"")
    );
}

fn seeds() -> Range<u64> {
    let number = |name| std::env::var_os(name).and_then(|value| value.to_str()?.parse().ok());
    match number("TRACKSIDE_MUTATION") {
        Some(one) => one..one + 1,
        None => 0..number("TRACKSIDE_MUTATIONS").unwrap_or(SHARE),
    }
}

async fn run(channel: &Channel, origins: &Arc<Vec<Sequence>>, seeds: Range<u64>) {
    let mut running = JoinSet::new();
    for lane in 0..AT_ONCE {
        let (channel, origins, seeds) = (channel.clone(), Arc::clone(origins), seeds.clone());
        running.spawn(async move {
            for seed in seeds.filter(|seed| seed % AT_ONCE == lane) {
                one(&channel, &origins, seed).await.unwrap_or_else(|fault| panic!("mutation {seed}: {fault}"));
            }
        });
    }
    running.join_all().await;
}

/// Plays one damaged conversation.
async fn one(channel: &Channel, origins: &[Sequence], seed: u64) -> Result<(), String> {
    let mut random = Random::seeded(seed);
    let sequence = mutate(&mut random, origins);
    let mut wire: Vec<Vec<u8>> = sequence.iter().map(ProcessingRequest::encode_to_vec).collect();
    let garbled = random.one_in(10) && !wire.is_empty();
    if garbled {
        let at = random.below(wire.len());
        flip(&mut random, &mut wire[at]);
    }
    let leaves = random.one_in(8);
    let (sender, receiver) = mpsc::channel(wire.len() + 1);
    for message in wire {
        let _ = sender.try_send(Bytes::from(message));
    }
    let played = timeout(PATIENCE, play(channel.clone(), receiver, sender, leaves)).await;
    match played.map_err(|_| "nothing more happens".to_owned())? {
        Ok(answers) if garbled || leaves => drop(answers),
        Ok(answers) => judge(&sequence, &answers)?,
        Err(status) => acceptable(&status)?,
    }
    Ok(())
}

/// Sends everything, reads everything. Whoever leaves does so behind the first answer.
async fn play(
    channel: Channel,
    receiver: mpsc::Receiver<Bytes>,
    sender: mpsc::Sender<Bytes>,
    leaves: bool,
) -> Result<Vec<Response>, Status> {
    drop(sender);
    let mut client = Grpc::new(channel);
    client.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
    let path = PathAndQuery::from_static("/envoy.service.ext_proc.v3.ExternalProcessor/Process");
    let request = tonic::Request::new(ReceiverStream::new(receiver));
    let mut answers = client.streaming(request, path, Raw).await?.into_inner();
    let mut all = Vec::new();
    while let Some(bytes) = answers.message().await? {
        let answer = ProcessingResponse::decode(bytes).map_err(|error| Status::data_loss(error.to_string()))?;
        all.extend(answer.response);
        if leaves {
            break;
        }
    }
    Ok(all)
}

/// What a stream may end with: what the gateway did wrong, and nothing that went wrong here.
fn acceptable(status: &Status) -> Result<(), String> {
    let decoding = status.code() == Code::Internal && status.message().contains("decode");
    let fault =
        matches!(status.code(), Code::InvalidArgument | Code::Unimplemented | Code::OutOfRange | Code::Cancelled);
    if decoding || fault { Ok(()) } else { Err(format!("{status:?}")) }
}

/// A stream that ended well has answered what it was asked, and decided what was complete.
fn judge(sequence: &Sequence, answers: &[Response]) -> Result<(), String> {
    let observed = sequence.iter().any(|message| message.observability_mode);
    let ended = answers.iter().any(|answer| matches!(answer, Response::ImmediateResponse(_)));
    let requests: Vec<&Request> = sequence.iter().filter_map(|message| message.request.as_ref()).collect();
    if observed || ended || requests.is_empty() {
        return Ok(());
    }
    let asked = |kind: fn(&Request) -> bool| requests.iter().filter(|request| kind(request)).count();
    let told = |kind: fn(&Response) -> bool| answers.iter().filter(|answer| kind(answer)).count();
    let heads =
        (asked(|r| matches!(r, Request::RequestHeaders(_))), told(|a| matches!(a, Response::RequestHeaders(_))));
    let bodies = (asked(|r| matches!(r, Request::RequestBody(_))), told(|a| matches!(a, Response::RequestBody(_))));
    let answered =
        (asked(|r| matches!(r, Request::ResponseHeaders(_))), told(|a| matches!(a, Response::ResponseHeaders(_))));
    // In duplex a gateway that answers by itself waits for nothing of the request any more.
    let local =
        asked(|r| matches!(r, Request::ResponseHeaders(_) | Request::ResponseBody(_) | Request::ResponseTrailers(_)))
            > 0;
    if heads.0 != heads.1 && !(local && heads.1 == 0) {
        return Err(format!("{heads:?} request headers and answers to them in {}", told_as(sequence)));
    }
    // Behind a head that is all, there is no body to be answered.
    let bodyless = asked(|r| matches!(r, Request::RequestHeaders(headers) if headers.end_of_stream)) > 0;
    if bodies.0 > 0 && bodies.1 == 0 && !local && !bodyless {
        return Err(format!("no answer to {} pieces of a body in {}", bodies.0, told_as(sequence)));
    }
    if answered.0 != answered.1 {
        return Err(format!("{answered:?} response headers and answers to them in {}", told_as(sequence)));
    }
    Ok(())
}

/// A sequence in a few words.
fn told_as(sequence: &[ProcessingRequest]) -> String {
    let kind = |message: &ProcessingRequest| match &message.request {
        None => "?".to_owned(),
        Some(Request::RequestHeaders(headers)) => format!("rh{}", if headers.end_of_stream { "*" } else { "" }),
        Some(Request::ResponseHeaders(headers)) => format!("sh{}", if headers.end_of_stream { "*" } else { "" }),
        Some(Request::RequestBody(body)) => {
            format!("rb{}{}", body.body.len(), if body.end_of_stream { "*" } else { "" })
        }
        Some(Request::ResponseBody(body)) => {
            format!("sb{}{}", body.body.len(), if body.end_of_stream { "*" } else { "" })
        }
        Some(Request::RequestTrailers(_)) => "rt".to_owned(),
        Some(Request::ResponseTrailers(_)) => "st".to_owned(),
    };
    let modes = sequence.iter().find_map(|message| message.protocol_config);
    let modes = modes.map(|config| (config.request_body_mode, config.response_body_mode));
    format!("{modes:?} {}", sequence.iter().map(kind).collect::<Vec<_>>().join(" "))
}

/// Messages as they are on the wire, damaged or not.
#[derive(Clone, Copy, Debug)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
