//! The form of recorded conversations: messages in the order in which they passed, each as `>` (from the gateway) or `<`
//! (from us), four bytes of length, most significant first, and the message as it was on the wire.

use crate::script::{show, show_request};
use prost::Message;
use std::fmt::Write;
use trackside_extproc::proto::{ProcessingRequest, ProcessingResponse};

/// A recorded message, with its mark.
pub(crate) type Recorded = (u8, Vec<u8>);

pub(crate) fn unpack(mut file: &[u8]) -> Vec<Recorded> {
    let mut messages = Vec::new();
    while let Some((mark, rest)) = file.split_first() {
        let (length, rest) = rest.split_first_chunk().unwrap();
        let (message, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        messages.push((*mark, message.to_vec()));
        file = rest;
    }
    messages
}

/// A conversation in words.
pub(crate) fn describe(name: &str, messages: &[Recorded]) -> String {
    let mut text = format!("# {name}\n");
    for (mark, bytes) in messages {
        let line = match mark {
            b'>' => show_request(&ProcessingRequest::decode(&bytes[..]).unwrap()),
            b'<' => show(&ProcessingResponse::decode(&bytes[..]).unwrap()),
            mark => panic!("{mark} is no mark"),
        };
        writeln!(text, "{} {line}", char::from(*mark)).unwrap();
    }
    text
}
