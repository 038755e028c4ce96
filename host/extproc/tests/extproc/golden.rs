//! Conversations recorded from a real Envoy: our types read and write the same bytes, and the service still gives the
//! answers that Envoy took.

use crate::{
    recording::{Recorded, describe, unpack},
    stand_in::Running,
};
use prost::Message;
use std::{fs, path::Path};
use tokio_stream::iter;
use trackside_extproc::{
    Limits,
    proto::{ProcessingRequest, ProcessingResponse},
};

fn recordings() -> Vec<(String, Vec<Recorded>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut recordings: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "bin"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), unpack(&fs::read(path).unwrap())))
        .collect();
    recordings.sort();
    recordings
}

fn messages<M: Message + Default>(recorded: &[Recorded], mark: u8) -> impl Iterator<Item = (&[u8], M)> {
    let chosen = recorded.iter().filter(move |(direction, _)| *direction == mark);
    chosen.map(|(_, bytes)| (&bytes[..], M::decode(&bytes[..]).unwrap()))
}

#[test]
fn recorded_messages_say_what_they_are_known_to_say() {
    let described: String = recordings().iter().map(|(name, recorded)| describe(name, recorded)).collect();
    assert_eq!(described, include_str!("../golden/conversations.txt"));
}

#[test]
fn recorded_messages_are_written_again_as_they_were() {
    for (name, recorded) in recordings() {
        for (bytes, message) in messages::<ProcessingRequest>(&recorded, b'>') {
            assert_eq!(message.encode_to_vec(), bytes, "{name}: {message:?}");
        }
        for (bytes, message) in messages::<ProcessingResponse>(&recorded, b'<') {
            assert_eq!(message.encode_to_vec(), bytes, "{name}: {message:?}");
        }
    }
}

#[tokio::test]
async fn recorded_requests_get_the_answers_that_envoy_took() {
    let server = Running::start(Limits::default()).await;
    for (name, recorded) in recordings() {
        let requests: Vec<_> = messages::<ProcessingRequest>(&recorded, b'>').map(|(_, request)| request).collect();
        let mut answers = server.client().await.process(iter(requests)).await.unwrap().into_inner();
        let mut given = Vec::new();
        while let Some(answer) = answers.message().await.unwrap() {
            given.push(answer.encode_to_vec());
        }
        let taken: Vec<_> = messages::<ProcessingResponse>(&recorded, b'<').map(|(bytes, _)| bytes.to_vec()).collect();
        assert_eq!(given, taken, "{name}");
    }
}

#[test]
fn what_a_newer_gateway_says_is_skipped() {
    // Field 14 and field 21, length-delimited, as a new kind of message or a new setting would be.
    let newer = [&[0x72, 3, 1, 2, 3, 0xaa, 1, 1, 9][..], &crate::script::message("rb* auto").encode_to_vec()].concat();
    assert_eq!(ProcessingRequest::decode(&newer[..]).unwrap(), crate::script::message("rb* auto"));
    let alone = ProcessingRequest::decode(&newer[..5]).unwrap();
    assert_eq!(alone, ProcessingRequest::default());
}
