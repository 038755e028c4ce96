//! Any sequence of messages on an ExtProc stream, in the form of the recordings in `host/extproc/tests/golden`: `>`, four bytes
//! of length, a message; what begins otherwise is skipped. A stream ends, and never well unless something was decided or there
//! was nothing to decide.
#![no_main]

#[path = "../../../host/extproc/tests/extproc/stand_in.rs"]
#[allow(dead_code, reason = "the crate's own tests use all of it")]
mod stand_in;

use libfuzzer_sys::fuzz_target;
use prost::Message as _;
use stand_in::Running;
use std::{sync::LazyLock, time::Duration};
use tokio::{runtime::Runtime, time::timeout};
use tonic::transport::Channel;
use trackside_extproc::{
    Limits,
    proto::{ProcessingRequest, external_processor_client::ExternalProcessorClient},
};

/// Longer than any stream of a few messages may take.
const PATIENCE: Duration = Duration::from_secs(5);
const MOST_MESSAGES: usize = 32;

struct Server {
    runtime: Runtime,
    client: ExternalProcessorClient<Channel>,
    _running: Running,
}

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("a runtime");
    let (running, client) = runtime.block_on(async {
        let limits = Limits { body_bytes: 1 << 20, body_pause: Duration::from_millis(200), ..Limits::default() };
        let running = Running::start(limits).await;
        let client = running.client().await;
        (running, client)
    });
    Server { runtime, client, _running: running }
});

fuzz_target!(|data: &[u8]| {
    let says = |word: &[u8]| data.windows(word.len()).any(|window| window == word);
    // The stand-in has orders to panic and to wait for ever.
    if says(b"panic") || says(b"wait") {
        return;
    }
    let messages = messages(data);
    let server = &*SERVER;
    server.runtime.block_on(async {
        let mut client = server.client.clone();
        let exchange = async {
            let Ok(answers) = client.process(tokio_stream::iter(messages)).await else { return };
            let mut answers = answers.into_inner();
            while let Ok(Some(_)) = answers.message().await {}
        };
        timeout(PATIENCE, exchange).await.expect("the stream ends");
    });
});

fn messages(data: &[u8]) -> Vec<ProcessingRequest> {
    let (mut rest, mut messages) = (data, Vec::new());
    while let [mark, a, b, c, d, tail @ ..] = rest {
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX).min(tail.len());
        let (message, tail) = tail.split_at(length);
        if *mark == b'>' {
            messages.extend(ProcessingRequest::decode(message).ok());
        }
        rest = tail;
        if messages.len() >= MOST_MESSAGES {
            break;
        }
    }
    messages
}
