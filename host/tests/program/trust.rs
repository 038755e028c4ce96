//! Who is answered, and what never leaves the process.

use crate::gateway::Stream;
use crate::process::{Server, command, file, get, get_with, post, run};
use tonic::transport::Endpoint;

const TOKEN: &str = "a-token-of-the-tests";

#[test]
fn an_api_on_the_network_needs_a_token() {
    let output = run(&["serve", "--api", "0.0.0.0:0", "--extproc", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64), "{log}");
    assert!(log.contains("--api-token-file") && log.contains("0.0.0.0:0"), "{log}");

    let weak = file("trust/weak-token", "secret");
    let output = run(&["serve", "--api-token-file", weak.to_str().unwrap()]);
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64), "{log}");
    assert!(log.contains("weak-token") && !log.contains("secret"), "{log}");

    let server = Server::launch(command().args(["serve", "--api", "0.0.0.0:0"]).env("TRACKSIDE_API_TOKEN", TOKEN));
    for path in ["/health", "/ready"] {
        assert_eq!(get(server.api, path).status, 200, "{path}");
    }
    for path in ["/v1/models", "/nothing", "/classify", "/health/"] {
        let answer = get(server.api, path);
        assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (401, Some("UNAUTHORIZED")), "{path}");
        let head = answer.head.to_ascii_lowercase();
        assert!(head.contains("www-authenticate: bearer") && head.contains("x-request-id: "), "{head}");
    }
    assert_eq!(post(server.api, "/classify", "{}").status, 401);
    let models = |token: &str| get_with(server.api, "/v1/models", &format!("authorization: Bearer {token}\r\n")).status;
    assert_eq!((models(TOKEN), models("a-token-of-the-test"), models("")), (200, 401, 401));
    assert_eq!(get(server.metrics, "/metrics").status, 200, "metrics have a port of their own");
}

#[test]
fn a_page_from_elsewhere_cannot_ask_through_a_browser() {
    let server = Server::start(&[]);
    let models = |host: &str| get_with(server.api, "/v1/models", &format!("host: {host}\r\n"));
    assert_eq!(models("localhost:8080").status, 200);
    let refused = models("rebound.example:8080");
    assert_eq!((refused.status, refused.json()["error"]["code"].as_str()), (421, Some("WRONG_HOST")));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_prompt_and_no_credential_is_ever_logged() {
    let token = file("trust/token", format!("{TOKEN}\n"));
    let server = Server::launch(
        command()
            .args(["serve", "--api", "127.0.0.1:0", "--log", "trace", "--api-token-file", token.to_str().unwrap()])
            .envs([("OTEL_TRACES_EXPORTER", "console")]),
    );
    let channel = Endpoint::from_shared(format!("http://{}", server.extproc)).unwrap().connect().await.unwrap();
    let headers = [("authorization", "Bearer sk-of-a-client"), ("x-api-key", "key-of-a-client"), ("cookie", "crumb=1")];
    let mut stream = Stream::open(channel, &headers).await.unwrap();
    stream.ask("What is the derivative of zyzzyva?").await.unwrap();
    stream.respond("200").await.unwrap();
    drop(stream);
    let classify = |token: &str| {
        let headers = format!("host: x\r\nauthorization: Bearer {token}\r\ncontent-length: 31\r\n");
        let body = r#"{"text": "Where is Ouagadougou?"}"#;
        get_with(server.api, "/classify?text=zyzzyva", &headers.replace("31", &body.len().to_string()))
    };
    assert_eq!(classify(TOKEN).status, 405);
    assert_eq!(classify("token-of-somebody-else").status, 401);
    let decided = server.event("routing_decision").to_string();
    let log = decided + &server.end();
    assert!(log.contains("semantic_router.request.received") && log.contains("\"level\":\"trace\""), "{log}");
    for secret in
        ["zyzzyva", "Ouagadougou", "sk-of-a-client", "key-of-a-client", "crumb", TOKEN, "token-of-somebody", "key=k"]
    {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}
