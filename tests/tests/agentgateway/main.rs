//! Behind agentgateway: a client that behaves as that gateway was seen to behave, in front of the real router. A test fails
//! where the real gateway would hang, answer 500, lose a body or drop an edit; see [`gateway`].

mod buffered;
mod context;
mod duplex;
mod failures;
mod gateway;
mod headers;
mod messages;
mod overrides;
mod policy;
mod responses;
mod trust;
mod wire;

use bytes::Bytes;
use gateway::{Answer, Beside, Broken, Call, Done, Gateway, Upload};
use headers::fields;
use policy::Policy;
use serde_json::{Value, json};
use std::path::Path;
use tokio::sync::OnceCell;
use trackside_extproc::proto::external_processor_client::ExternalProcessorClient;
use trackside_tests::Trackside;

/// One router for all tests, as one serves all routes of a gateway. It ends with the test run.
static ROUTER: OnceCell<Trackside> = OnceCell::const_new();

async fn router() -> &'static Trackside {
    let start = || async {
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agentgateway/router.yaml");
        Trackside::start_with(
            &config,
            &["--decision-deadline".into(), "20s".into(), "--body-pause".into(), "2s".into()],
        )
        .await
    };
    ROUTER.get_or_init(start).await
}

/// A gateway with this policy in front of the router.
async fn gateway(policy: Policy) -> Gateway {
    let client = ExternalProcessorClient::connect(format!("http://{}", router().await.extproc)).await;
    let client =
        client.expect("it listens").max_decoding_message_size(usize::MAX).max_encoding_message_size(usize::MAX);
    Gateway { client, policy, beside: Beside::default() }
}

async fn carry(policy: Policy, call: Call) -> Result<Done, Broken> {
    gateway(policy).await.carry(call, completion()).await
}

fn chat(model: &str, text: &str) -> Bytes {
    json!({"model": model, "messages": [{"role": "user", "content": text}]}).to_string().into()
}

/// A prompt that the decision takes, and one that it does not.
const CAREFUL: &str = "Think carefully: what is 17 times 23?";
const PLAIN: &str = "What is the weather like?";

fn post(body: impl Into<Bytes>) -> Call {
    let headers = fields(&[("content-type", "application/json"), ("authorization", "Bearer client-key")]);
    Call { method: "POST", path: "/v1/chat/completions?trace=1", headers, upload: Upload::Sized(body.into()) }
}

fn careful() -> Call {
    post(chat("auto", CAREFUL))
}

/// A completion from an upstream that tells its length.
fn completion() -> Answer {
    let body = Bytes::from_static(br#"{"object":"chat.completion","choices":[]}"#);
    let headers = fields(&[("content-type", "application/json"), ("content-length", &body.len().to_string())]);
    Answer { status: "200", headers, pieces: vec![body] }
}

impl Done {
    /// The body that the upstream got, which must be JSON.
    fn json(&self) -> Value {
        serde_json::from_slice(&self.upstream.as_ref().expect("the upstream was called").1).expect("it is JSON")
    }

    fn log(&self) -> String {
        self.log.join(" ")
    }

    fn immediate(&self) -> (i32, Value) {
        let immediate = self.immediate.as_ref().unwrap_or_else(|| panic!("no immediate response: {}", self.log()));
        let body = serde_json::from_slice(&immediate.body).expect("it is JSON");
        (immediate.status.expect("it has a status").code, body)
    }

    /// The call was decided, routed by its header, and rewritten.
    fn went_to(&self, model: &str) {
        assert_eq!(self.json()["model"], model, "{}", self.log());
        assert_eq!(self.route.as_deref(), Some(model), "{}", self.log());
    }
}
