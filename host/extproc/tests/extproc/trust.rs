//! Headers that only the router may write, from clients and from upstreams.

use crate::{
    script::{refused, run},
    stand_in::Running,
};
use trackside_extproc::{
    Limits,
    proto::BodySendMode::{Buffered, FullDuplexStreamed as Duplex, None as No},
};

const ASK: &str = "mode [1, 1][2, 0][2, 2]";

#[tokio::test]
async fn what_a_client_writes_in_our_name_does_not_pass() {
    let server = Running::start(Limits::default()).await;
    let forged = "x-vsr-selected-model=mine x-vsr-debug=true x-vsr-selected-model=other";
    let removed = "remove x-selected-model remove x-vsr-debug remove x-vsr-selected-model";
    let call = format!(
        "> rh {forged}\n< rh {removed} reroute {ASK}
         > rb* auto\n< rb set x-selected-model=chosen set content-length=6 reroute body <chosen>\n= ok"
    );
    run(&server, Some((Buffered, Buffered)), &call).await;
    let held = format!(
        "> rh {forged}\n> rb* auto\n< rh {removed} set x-selected-model=chosen reroute\n< rb piece* <chosen>\n= ok"
    );
    run(&server, Some((Duplex, No)), &held).await;
    let other = format!("> rh* other {forged}\n< rh {removed} reroute mode [1, 2][0, 0][2, 2]\n= ok");
    run(&server, Some((Buffered, Buffered)), &other).await;
}

#[tokio::test]
async fn more_forged_headers_than_can_be_removed_refuse_the_request() {
    let server = Running::start(Limits::default()).await;
    let forged: String = (0..33).map(|i| format!(" x-vsr-{i}=1")).collect();
    let refused = refused(431, "the request has too many x-vsr- headers", "too_many_headers");
    for kind in ["rh", "rh*", "rh other", "rh* other"] {
        run(&server, Some((Buffered, Buffered)), &format!("> {kind}{forged}\n< {refused}\n= ok")).await;
    }
}

#[tokio::test]
async fn what_an_upstream_writes_in_our_name_does_not_pass() {
    let server = Running::start(Limits::default()).await;
    let begin = format!("> rh\n< rh remove x-selected-model {ASK}\n> rb* pass\n< rb");
    let script = format!("{begin}\n> sh 200 X-VSR-Forged=1 x-other=2\n< sh remove x-vsr-forged\n= ok");
    run(&server, Some((Buffered, Buffered)), &script).await;
    let script = format!("{begin}\n> sh 500 x-vsr-forged=1\n< sh remove x-vsr-forged\n= ok");
    run(&server, Some((Buffered, Buffered)), &script).await;
    // What is ours is overwritten.
    let chosen = "< rb set x-selected-model=chosen set content-length=6 reroute body <chosen>";
    let script = format!(
        "> rh\n< rh remove x-selected-model {ASK}\n> rb* auto\n{chosen}
         > sh 200 x-decided=forged x-vsr-forged=1\n< sh remove x-vsr-forged set x-decided=chosen\n= ok"
    );
    run(&server, Some((Buffered, Buffered)), &script).await;
}
