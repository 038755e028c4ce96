//! Every kind of exchange in every body mode: the messages that Envoy and agentgateway send, and what they get.

use crate::{
    script::{refused, run},
    stand_in::Running,
};
use trackside_extproc::{
    Limits, Telling,
    proto::BodySendMode::{Buffered, BufferedPartial, FullDuplexStreamed as Duplex, None as No, Streamed},
};

#[tokio::test]
async fn buffered() {
    let server = Running::start(Limits::default()).await;
    let ask = "mode [1, 1][2, 0][2, 2]";
    for script in [
        // A call, with what its response gets.
        &format!(
            "> rh\n< rh remove x-selected-model {ask}
             > rb* auto hello\n< rb set x-selected-model=chosen set content-length=12 reroute body <chosen hello>
             > sh 200\n< sh set x-decided=chosen\n= ok"
        ),
        // Response bodies and trailers that come although they were not wanted.
        &format!(
            "> rh\n< rh remove x-selected-model {ask}
             > rb* auto hello\n< rb set x-selected-model=chosen set content-length=12 reroute body <chosen hello>
             > sh 200\n< sh set x-decided=chosen\n> sb* {{}}\n< sb\n> st\n< st\n= ok"
        ),
        // An error answer carries nothing of the decision.
        &format!(
            "> rh\n< rh remove x-selected-model {ask}
             > rb* auto hello\n< rb set x-selected-model=chosen set content-length=12 reroute body <chosen hello>
             > sh 503\n< sh\n= ok"
        ),
        // The whole without end flag, since trailers follow.
        &format!(
            "> rh\n< rh remove x-selected-model {ask}
             > rb auto hello\n< rb set x-selected-model=chosen set content-length=12 reroute body <chosen hello>
             > rt\n< rt\n> sh 200\n< sh set x-decided=chosen\n= ok"
        ),
        // The end flag in a message of its own, and one more of them.
        &format!(
            "> rh\n< rh remove x-selected-model {ask}
             > rb auto hello\n< rb set x-selected-model=chosen set content-length=12 reroute body <chosen hello>
             > rb*\n< rb\n> rb*\n> sh 200\n< sh set x-decided=chosen\n= ok"
        ),
        // An unchanged body is not sent back; without a header edit there is nothing to reroute by.
        &format!(
            "> rh\n< rh remove x-selected-model {ask}\n> rb* keep it\n< rb set x-selected-model=kept reroute\n= ok"
        ),
        &format!("> rh\n< rh remove x-selected-model {ask}\n> rb* pass it\n< rb\n> sh 200\n< sh\n= ok"),
        // A model named by the client chose a route already.
        &format!("> rh spoof\n< rh remove x-selected-model reroute {ask}\n> rb* pass it\n< rb\n= ok"),
        // Refused; what comes later is ignored.
        &format!(
            "> rh\n< rh remove x-selected-model {ask}
             > rb* bad\n< status 400 stand_in_refused {{}} set content-type=application/json\n> sh 400\n> sb* x\n= ok"
        ),
        // No body where there has to be one.
        "> rh*\n< status 400 stand_in_refused {} set content-type=application/json\n= ok",
        // A body that never comes, since the gateway answers by itself.
        &format!("> rh\n< rh remove x-selected-model {ask}\n> sh 413\n< sh\n> sb* too large\n< sb\n= ok"),
        // Not a call: nothing more is asked for, and what comes anyway passes.
        "> rh other\n< rh remove x-selected-model mode [1, 2][0, 0][2, 2]\n> rb* auto\n< rb\n> sh 200\n< sh\n= ok",
        "> rh* other\n< rh remove x-selected-model mode [1, 2][0, 0][2, 2]\n> sh* 404\n< sh\n= ok",
        // Request headers are not shown.
        "> rb* auto hello\n< rb remove x-selected-model set x-selected-model=chosen reroute body <chosen hello>
         > sh 200\n< sh set x-decided=chosen mode [1, 1][2, 0][2, 2]\n= ok",
        // Neither headers nor body of the request are shown, or the gateway answered before it got to us.
        "> rt\n< rt\n> sh 200\n< sh mode [1, 1][2, 0][2, 2]\n= ok",
        "> sh 403\n< sh mode [1, 1][2, 0][2, 2]\n> sb* no\n< sb\n> st\n< st\n= ok",
        // Kinds of a newer gateway.
        &format!("> ?\n> rh\n< rh remove x-selected-model {ask}\n> ?\n> rb* pass\n< rb\n> ?\n> sh 200\n< sh\n= ok"),
        // Left before the body came.
        &format!("> rh\n< rh remove x-selected-model {ask}\n= Cancelled"),
        // Against the protocol.
        &format!("> rh\n< rh remove x-selected-model {ask}\n> rh\n= InvalidArgument"),
        &format!("> rh\n< rh remove x-selected-model {ask}\n> rb* pass\n< rb\n> rh\n= InvalidArgument"),
        "= ok",
    ] {
        run(&server, Some((Buffered, Buffered)), script).await;
    }
    // Without a response body there is nothing to switch off for a call.
    let script = "> rh\n< rh remove x-selected-model\n> rb* keep it\n< rb set x-selected-model=kept reroute\n= ok";
    run(&server, Some((Buffered, No)), script).await;
    let script = "> rh other\n< rh remove x-selected-model mode [1, 2][0, 0][2, 2]\n= ok";
    run(&server, Some((Buffered, No)), script).await;
}

#[tokio::test]
async fn untold() {
    let server = Running::start(Limits::default()).await;
    let script = "> rh\n< rh remove x-selected-model mode [1, 1][2, 0][2, 2]
        > rb* auto hello\n< rb set x-selected-model=chosen set content-length=12 reroute body <chosen hello>
        > sh 200\n< sh set x-decided=chosen\n= ok";
    run(&server, None, script).await;
}

#[tokio::test]
async fn none() {
    let server = Running::start(Limits::default()).await;
    let ask = "mode [1, 1][2, 0][2, 2]";
    for script in [
        // The body is asked for; if it comes, it is as in buffered mode.
        &format!(
            "> rh\n< rh remove x-selected-model {ask}
             > rb* auto hello\n< rb set x-selected-model=chosen set content-length=12 reroute body <chosen hello>
             > sh 200\n< sh set x-decided=chosen\n= ok"
        ),
        &format!("> rh\n< rh remove x-selected-model {ask}\n> rb pass\n< rb\n> rt\n< rt\n> sh 200\n< sh\n= ok"),
        // If it does not come, the call passes.
        &format!("> rh\n< rh remove x-selected-model {ask}\n> sh 200\n< sh\n= ok"),
        &format!("> rh\n< rh remove x-selected-model {ask}\n= ok"),
        &format!("> rh spoof\n< rh remove x-selected-model reroute {ask}\n> rt\n< rt\n> sh 200\n< sh\n= ok"),
        "> rh* other\n< rh remove x-selected-model mode [1, 2][0, 0][2, 2]\n> sh* 204\n< sh\n= ok",
        "> sh 200\n< sh\n= ok",
    ] {
        run(&server, Some((No, No)), script).await;
    }
    // Nothing can be asked for beside a duplex response.
    let script = "> rh\n< rh remove x-selected-model\n> sh 200\n< sh\n> sb* x\n< sb piece* <x>\n= ok";
    run(&server, Some((No, Duplex)), script).await;
}

#[tokio::test]
async fn duplex_request() {
    let server = Running::start(Limits::default()).await;
    let ask = "mode [1, 1][4, 0][1, 2]";
    let chosen = format!("< rh remove x-selected-model set x-selected-model=chosen reroute {ask}");
    for script in [
        // Headers wait for the decision, then everything comes at once.
        &format!("> rh\n> rb* auto hello\n{chosen}\n< rb piece* <chosen hello>\n> sh 200\n< sh set x-decided=chosen\n= ok"),
        // HTTP/1 ends with an empty message.
        &format!(
            "> rh\n> rb auto\n> rb  hello\n> rb*\n{chosen}\n< rb piece* <chosen hello>
             > sh 200\n< sh set x-decided=chosen\n= ok"
        ),
        // Trailers end the body, no flag does.
        &format!(
            "> rh\n> rb auto hello\n> rt\n{chosen}\n< rb piece <chosen hello>\n< rt
             > sh 200\n< sh set x-decided=chosen\n= ok"
        ),
        // A second end is a repetition.
        &format!(
            "> rh\n> rb* auto hello\n{chosen}\n< rb piece* <chosen hello>\n> rb* auto hello\n> rb*
             > sh 200\n< sh set x-decided=chosen\n= ok"
        ),
        // What does not change goes back as it came; a response that gets nothing is not wanted.
        "> rh\n> rb keep\n> rb*  it
         < rh remove x-selected-model set x-selected-model=kept reroute mode [1, 2][4, 0][1, 2]\n< rb piece* <keep it>\n= ok",
        "> rh spoof\n> rb* pass it\n< rh remove x-selected-model reroute mode [1, 2][4, 0][1, 2]\n< rb piece* <pass it>\n= ok",
        // Refused.
        "> rh\n> rb* bad\n< status 400 stand_in_refused {} set content-type=application/json\n> sh 400\n= ok",
        "> rh\n> rb*\n< status 400 stand_in_refused {} set content-type=application/json\n= ok",
        "> rh*\n< status 400 stand_in_refused {} set content-type=application/json\n= ok",
        // The gateway answers while we hold the headers; nothing of the request is waited for any more.
        "> rh\n> rb auto\n> sh 408\n< sh mode [1, 1][4, 0][1, 2]\n> rb* hello\n> rt\n> sb* late\n< sb\n= ok",
        // Not a call: every byte goes back at once.
        "> rh other\n< rh remove x-selected-model mode [1, 2][4, 0][1, 2]\n> rb one\n< rb piece <one>
         > rb\n> rb* two\n< rb piece* <two>\n> rb*\n> sh 200\n< sh\n= ok",
        "> rh other\n< rh remove x-selected-model mode [1, 2][4, 0][1, 2]\n> rb one\n< rb piece <one>\n> rb*\n< rb piece* <>\n= ok",
        "> rh other\n< rh remove x-selected-model mode [1, 2][4, 0][1, 2]\n> rb one\n< rb piece <one>\n> rt\n< rt\n> rt\n= ok",
        // Request headers are not shown.
        "> rb auto\n> rb*  hello\n< rb piece* <chosen hello>\n> sh 200\n< sh set x-decided=chosen mode [1, 1][4, 0][1, 2]\n= ok",
        // Left before the body was complete.
        "> rh\n> rb auto\n= Cancelled",
    ] {
        run(&server, Some((Duplex, Buffered)), script).await;
    }
}

#[tokio::test]
async fn duplex_both_ways() {
    let server = Running::start(Limits::default()).await;
    let chosen = "< rh remove x-selected-model set x-selected-model=chosen reroute\n< rb piece* <chosen hello>";
    for script in [
        &format!(
            "> rh\n> rb* auto hello\n{chosen}
             > sh 200\n< sh set x-decided=chosen\n> sb data: 1\n< sb piece <data: 1>\n> sb* [DONE]\n< sb piece* <[DONE]>\n= ok"
        ),
        // The response arrives without waiting for its headers' answer, and ends with an empty message, twice.
        &format!(
            "> rh\n> rb* auto hello\n{chosen}\n> sh 200\n> sb one\n> sb*\n> sb*
             < sh set x-decided=chosen\n< sb piece <one>\n< sb piece* <>\n= ok"
        ),
        // Trailers instead of an end.
        &format!(
            "> rh\n> rb* auto hello\n{chosen}\n> sh 200\n> sb one\n> st
             < sh set x-decided=chosen\n< sb piece <one>\n< st\n= ok"
        ),
        &format!("> rh\n> rb* auto hello\n{chosen}\n> sh* 204\n< sh set x-decided=chosen\n= ok"),
        // The two halves interleave.
        "> rh other\n< rh remove x-selected-model\n> rb a\n< rb piece <a>\n> sh 200\n< sh\n> sb 1\n< sb piece <1>
         > rb b\n< rb piece <b>\n> sb* 2\n< sb piece* <2>\n> rb*\n< rb piece* <>\n= ok",
        "> sh 403\n< sh\n> sb* no\n< sb piece* <no>\n= ok",
    ] {
        run(&server, Some((Duplex, Duplex)), script).await;
    }
}

#[tokio::test]
async fn duplex_response() {
    let server = Running::start(Limits::default()).await;
    let script = "> rh\n< rh remove x-selected-model
        > rb* auto hello\n< rb set x-selected-model=chosen set content-length=12 reroute body <chosen hello>
        > sh 200\n< sh set x-decided=chosen\n> sb one\n< sb piece <one>\n> sb*\n< sb piece* <>\n= ok";
    run(&server, Some((Buffered, Duplex)), script).await;
}

#[tokio::test]
async fn streamed() {
    let server = Running::start(Limits::default()).await;
    let ask = "mode [1, 1][1, 0][1, 2]";
    for script in [
        // Complete before the headers were answered.
        &format!(
            "> rh\n< rh remove x-selected-model {ask}
             > rb* auto hello\n< rb set x-selected-model=chosen reroute body <chosen hello>\n> sh 200\n< sh set x-decided=chosen\n= ok"
        ),
        // Piece by piece: nothing goes on until all of it does; the headers are gone by then.
        &format!(
            "> rh\n< rh remove x-selected-model {ask}
             > rb {{\"auto\n< rb body <>\n> rb \":1\n< rb body <>\n> rb* }}\n< rb body <{{\\\"chosen\\\":1}}>
             > sh 200\n< sh set x-decided=chosen\n= ok"
        ),
        &format!("> rh\n< rh remove x-selected-model {ask}\n> rb {{\"keep\"\n< rb body <>\n> rb* :1}}\n< rb body <{{\\\"keep\\\":1}}>\n= ok"),
        // What is no object is not waited for.
        &format!(
            "> rh\n< rh remove x-selected-model {ask}
             > rb bad\n< status 400 stand_in_refused {{}} set content-type=application/json\n> rb* more\n= ok"
        ),
        // What was taken out could not be put back.
        &format!(
            "> rh\n< rh remove x-selected-model {ask}\n> rb {{\"auto\n< rb body <>\n> rt
             < {}\n= ok",
            refused(400, "the request body ended with trailers before its JSON object was complete", "incomplete_body")
        ),
        // An object is the whole when it is complete, so that trailers may follow, or the end.
        &format!(
            "> rh\n< rh remove x-selected-model {ask}
             > rb {{\"auto\"\n< rb body <>\n> rb :[{{}}]}}\n< rb body <{{\\\"chosen\\\":[{{}}]}}>\n> rt\n< rt
             > sh 200\n< sh set x-decided=chosen\n= ok"
        ),
        &format!(
            "> rh\n< rh remove x-selected-model {ask}
             > rb {{\"auto\":1}}\n< rb set x-selected-model=chosen reroute body <{{\\\"chosen\\\":1}}>\n> rb\n< rb\n> rb*\n< rb
             > sh 200\n< sh set x-decided=chosen\n= ok"
        ),
        &format!(
            "> rh\n< rh remove x-selected-model {ask}
             > rb {{\"keep\":1}}\n< rb set x-selected-model=kept reroute\n> rb* {{}}
             < {}\n= ok",
            refused(400, "the request body goes on behind its JSON object", "invalid_json")
        ),
        // The response comes first: what is left of the request still wants its answers.
        &format!("> rh\n< rh remove x-selected-model {ask}\n> rb {{\"auto\n< rb body <>\n> sh 401\n< sh\n> rb* x\n< rb\n= ok"),
        "> rh other\n< rh remove x-selected-model mode [1, 2][0, 0][2, 2]\n> rb a\n< rb\n> rb* b\n< rb
         > sh 200\n< sh\n> sb 1\n< sb\n> sb 2\n< sb\n> sb*\n< sb\n= ok",
    ] {
        run(&server, Some((Streamed, Streamed)), script).await;
    }
}

#[tokio::test]
async fn buffered_partial() {
    let server = Running::start(Limits::default()).await;
    let ask = "reroute mode [1, 1][3, 0][2, 2]";
    for script in [
        &format!(
            "> rh\n< rh remove x-selected-model {ask}
             > rb* auto hello\n< rb set x-selected-model=chosen reroute body <chosen hello>\n> sh 200\n< sh set x-decided=chosen\n= ok"
        ),
        // A prefix is no request: it passes.
        &format!("> rh\n< rh remove x-selected-model {ask}\n> rb auto hel\n< rb\n> sh 200\n< sh\n> sb some\n< sb\n= ok"),
        "> rb auto hel\n< rb remove x-selected-model\n> sh 200\n< sh mode [1, 1][3, 0][2, 2]\n= ok",
    ] {
        run(&server, Some((BufferedPartial, BufferedPartial)), script).await;
    }
}

#[tokio::test]
async fn nothing_is_told_on_answers_if_so_wished() {
    let server = Running::start(Limits { telling: Telling::Nothing, ..Limits::default() }).await;
    let buffered = |rest| {
        format!(
            "> rh\n< rh remove x-selected-model mode [1, 2][2, 0][2, 2]
             > rb* auto hello\n< rb set x-selected-model=chosen set content-length=12 reroute body <chosen hello>{rest}\n= ok"
        )
    };
    for response in [No, Buffered, Streamed] {
        run(&server, Some((Buffered, response)), &buffered("")).await;
        // Where the wish is not granted, answers pass as they are.
        run(&server, Some((Buffered, response)), &buffered("\n> sh 200\n< sh\n> sb* x\n< sb")).await;
    }
    let duplex = "> rh\n> rb* auto hello
        < rh remove x-selected-model set x-selected-model=chosen reroute mode [1, 2][4, 0][1, 2]\n< rb piece* <chosen hello>\n= ok";
    run(&server, Some((Duplex, No)), duplex).await;
    let asked = "> rh\n< rh remove x-selected-model mode [1, 2][2, 0][2, 2]\n> rb* pass\n< rb\n= ok";
    run(&server, Some((No, No)), asked).await;
}
