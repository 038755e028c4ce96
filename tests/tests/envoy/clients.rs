//! Clients that speak HTTP in ways of their own.

use crate::{BRIEF, THINKING, ask};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use trackside_tests::{
    Answer, Stage, Way,
    client::PATIENCE,
    upstream::{CASE, COMPLETION},
};

/// A connection on which bytes are written and read as they are.
struct Wire(TcpStream);

impl Wire {
    async fn open(stage: &Stage, way: Way) -> Wire {
        Wire(TcpStream::connect(stage.envoy.listener(way.mode.name)).await.expect("the gateway listens"))
    }

    async fn write(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("the gateway reads");
    }

    /// Reads until a text has come.
    async fn read_until(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains(end) {
            let next = timeout(PATIENCE, self.0.read_buf(&mut read)).await;
            let size = next.expect("the gateway goes on").expect("the connection holds");
            assert!(size > 0, "the connection ended without {end:?}: {}", String::from_utf8_lossy(&read));
        }
        String::from_utf8_lossy(&read).into_owned()
    }
}

/// A call in HTTP/1, its headers spelled by hand.
fn call(case: &str, prompt: &str, headers: &str) -> String {
    let body = ask(prompt).bytes().clone();
    let body = String::from_utf8_lossy(&body);
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHOST: a\r\nCONTENT-length: {}\r\nX-Case: {case}\r\n{headers}\r\n{body}",
        body.len()
    )
}

macro_rules! over_http1 {
    ($($promise:ident)+) => {
        $(mod $promise {
            use trackside_tests::Way;
            over_http1! { @ $promise: aibrix buffered_both partial duplex duplex_both }
        })+
    };
    (@ $promise:ident: $($mode:ident)+) => {
        $(#[tokio::test]
        async fn $mode() {
            if let Some(stage) = crate::plain().await {
                super::$promise(&stage, Way::http1(stringify!($mode))).await;
            }
        })+
    };
}

over_http1! {
    names_of_headers_are_read_in_any_case
    a_client_may_wait_for_leave_to_send_its_body
    requests_share_a_connection
}

async fn names_of_headers_are_read_in_any_case(stage: &Stage, way: Way) {
    let case = stage.case(way, Answer::Json);
    let mut wire = Wire::open(stage, way).await;
    wire.write(&call(&case, BRIEF, "X-Selected-MODEL: large\r\nX-Tenant: GOLD\r\n")).await;
    let answer = wire.read_until("\"usage\"").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("x-vsr-selected-model: s\r\n"), "{answer}");
    let seen = stage.upstream.take(&case).expect("it went upstream");
    assert_eq!(seen.header("x-selected-model"), Some("s"), "{way}");
    assert_eq!(seen.header("x-tenant"), Some("GOLD"), "{way}");
}

async fn a_client_may_wait_for_leave_to_send_its_body(stage: &Stage, way: Way) {
    let case = stage.case(way, Answer::Json);
    let mut wire = Wire::open(stage, way).await;
    let call = call(&case, THINKING, "Expect: 100-continue\r\n");
    let (head, body) = call.split_once("\r\n\r\n").expect("a head ends");
    wire.write(&format!("{head}\r\n\r\n")).await;
    wire.read_until("HTTP/1.1 100 Continue\r\n\r\n").await;
    wire.write(body).await;
    let answer = wire.read_until("\"usage\"").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(stage.upstream.take(&case).expect("it went upstream").json()["model"], "large", "{way}");
}

async fn requests_share_a_connection(stage: &Stage, way: Way) {
    let mut wire = Wire::open(stage, way).await;
    let cases = [(); 3].map(|()| stage.case(way, Answer::Json));
    // All at once: the second and third lie in the gateway's buffer while the first is decided.
    let plain = format!("GET /v1/models HTTP/1.1\r\nhost: a\r\nx-case: {}\r\n\r\n", cases[1]);
    wire.write(&[call(&cases[0], THINKING, ""), plain, call(&cases[2], BRIEF, "Connection: close\r\n")].concat()).await;
    let answers = wire.read_until("x-vsr-selected-model: s\r\n").await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{way}: {answers}");
    let seen = cases.map(|case| stage.upstream.take(&case).expect("it went upstream"));
    assert_eq!(seen[0].json()["model"], "large", "{way}");
    assert_eq!((seen[1].body.len(), seen[1].header("x-selected-model")), (0, None), "{way}");
    assert_eq!(seen[2].json()["model"], "s", "{way}");
}

rows! { plain, a_connection_changes_its_protocol:
    buffered_with_override("upgrades");
    bodiless("upgrades_none");
    duplex("upgrades_duplex");
}
async fn a_connection_changes_its_protocol(stage: &Stage, mode: &str) {
    let way = Way::http1(mode);
    let case = stage.case(way, Answer::Upgrade);
    let mut wire = Wire::open(stage, way).await;
    let head = "GET /v1/realtime HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n";
    wire.write(&format!("{head}{CASE}: {case}\r\n\r\n")).await;
    let answer = wire.read_until("\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{way}: {answer}");
    for word in ["first", "second"] {
        wire.write(word).await;
        wire.read_until(word).await;
    }
}

rows! { plain, a_tunnel_is_let_through:
    buffered_with_override("upgrades");
    bodiless("upgrades_none");
    duplex("upgrades_duplex");
}
async fn a_tunnel_is_let_through(stage: &Stage, mode: &str) {
    let way = Way::http1(mode);
    let case = stage.case(way, Answer::Json);
    let mut wire = Wire::open(stage, way).await;
    wire.write("CONNECT inside.test:80 HTTP/1.1\r\nhost: inside.test:80\r\n\r\n").await;
    let answer = wire.read_until("\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{way}: {answer}");
    wire.write(&format!("GET /inside HTTP/1.1\r\nhost: a\r\n{CASE}: {case}\r\n\r\n")).await;
    let inside = wire.read_until("\"usage\"").await;
    assert!(inside.contains(&COMPLETION[..40]), "{way}: {inside}");
    assert_eq!(stage.upstream.take(&case).expect("it went through").path, "/inside", "{way}");
}

over_http1! { a_client_that_leaves_before_its_body_is_whole_is_forgotten }
async fn a_client_that_leaves_before_its_body_is_whole_is_forgotten(stage: &Stage, way: Way) {
    let case = stage.case(way, Answer::Json);
    let mut wire = Wire::open(stage, way).await;
    let call = call(&case, THINKING, "");
    wire.write(&call[..call.len() - 20]).await;
    let started = stage.envoy.counter(way.mode.name, "downstream_cx_destroy");
    drop(wire);
    stage.envoy.until(way.mode.name, "downstream_cx_destroy", started + 1).await;
    assert!(stage.upstream.take(&case).is_none(), "{way}: half a request went upstream");
    let answered = timeout(Duration::from_secs(30), stage.send(way, ask(BRIEF))).await;
    assert_eq!(answered.expect("the next request is answered").status, 200, "{way}");
}
