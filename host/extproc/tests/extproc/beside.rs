//! What gateways send beside HTTP: attributes, metadata, a profile, a time limit.

use crate::{
    script::{message, run, run_with, show},
    stand_in::Running,
};
use prost_types::{Struct, Value, value::Kind};
use std::{collections::BTreeMap, time::Duration};
use tokio_stream::iter;
use tonic::Request;
use trackside_extproc::{
    Limits,
    proto::{
        BodySendMode::{Buffered, FullDuplexStreamed as Duplex, None as No},
        Metadata, ProcessingRequest,
    },
};

const TOLD: &str = "set content-type=application/json set x-vsr-schema-version=2 set x-vsr-response-path=error";

fn object(fields: &[(&str, Kind)]) -> Struct {
    let field = |(name, kind): &(&str, Kind)| ((*name).to_owned(), Value { kind: Some(kind.clone()) });
    Struct { fields: fields.iter().map(field).collect() }
}

#[tokio::test]
async fn attributes_and_metadata_reach_the_decision() {
    let server = Running::start(Limits::default()).await;
    let attributes = object(&[
        ("source.port", Kind::NumberValue(80.0)),
        ("request.headers['x-tenant']", Kind::StringValue("blue".to_owned())),
    ]);
    let metadata = object(&[("profile", Kind::StringValue("fast".to_owned())), ("spend", Kind::NumberValue(0.5))]);
    let attach = |mut message: ProcessingRequest| {
        if message.protocol_config.is_some() {
            message.attributes = BTreeMap::from([("envoy.filters.http.ext_proc".to_owned(), attributes.clone())]);
        }
        let filter_metadata = BTreeMap::from([("trackside".to_owned(), metadata.clone())]);
        message.metadata_context = Some(Metadata { filter_metadata });
        message
    };
    let told = r#"Some("fast") {"request.headers['x-tenant']": "blue", "source.port": "80", "trackside.profile": "fast", "trackside.spend": "0.5"} 1"#;
    let answer = format!("< status 200 trackside_told {told} {TOLD}\n= ok");
    let buffered = format!("> rh\n< rh remove x-selected-model\n> rb* tell\n{answer}");
    run_with(&server, Some((Buffered, No)), &buffered, attach).await;
    run_with(&server, Some((Duplex, No)), &format!("> rh\n> rb* tell\n{answer}"), attach).await;
    run_with(&server, Some((Buffered, No)), &format!("> rb* tell\n{answer}"), attach).await;
}

#[tokio::test]
async fn the_stream_itself_may_name_a_profile_and_a_time() {
    let server = Running::start(Limits { decision: Duration::from_secs(9), ..Limits::default() }).await;
    for (timeout, most) in [("4000m", 39), ("1H", 90), ("nonsense", 90)] {
        let mut request = Request::new(iter([message("rb* tell")]));
        request.metadata_mut().insert("x-trackside-profile", "team".parse().unwrap());
        request.metadata_mut().insert("grpc-timeout", timeout.parse().unwrap());
        let mut answers = server.client().await.process(request).await.unwrap().into_inner();
        let mut answer = answers.message().await.unwrap().unwrap();
        if answer.response.is_none() {
            answer = answers.message().await.unwrap().unwrap();
        }
        let told = show(&answer);
        let told = told.strip_prefix("status 200 trackside_told Some(\"team\") {} ").unwrap();
        let left: u32 = told.split(' ').next().unwrap().parse().unwrap();
        // Tenths of a second, on a machine that may be busy.
        assert!((most - 30..=most).contains(&left), "{timeout}: {left}");
    }
}

#[tokio::test]
async fn a_gateway_is_asked_for_time_where_it_would_lose_patience() {
    let decision = Duration::from_secs(5);
    let server = Running::start(Limits { decision, ..Limits::default() }).await;
    let buffered = "> rh\n< rh remove x-selected-model\n> rb* pass\n< wait 5.050s\n< rb\n= ok";
    run(&server, Some((Buffered, No)), buffered).await;
    let duplex = "> rh\n> rb* pass\n< rh remove x-selected-model mode [1, 2][4, 0][1, 2]\n< rb piece* <pass>\n= ok";
    run(&server, Some((Duplex, No)), duplex).await;
    let server = Running::start(Limits::default()).await;
    let buffered = "> rh\n< rh remove x-selected-model\n> rb* pass\n< rb\n= ok";
    run(&server, Some((Buffered, No)), buffered).await;
}
