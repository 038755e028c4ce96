//! Black-box tests of the public interface, by what it promises.

mod bodies;
mod editing;
mod facts;
mod hostile;
mod model;
mod random;
mod reading;
mod refusing;

use crate::{ChatRequest, Edits};
use bytes::Bytes;

/// Reads a body that must be good.
fn parsed(body: &str) -> ChatRequest {
    ChatRequest::parse(Bytes::from(body.to_owned())).unwrap_or_else(|error| panic!("{body}: {error}"))
}

/// A body after some edits.
fn edited(body: &str, edit: impl FnOnce(&mut Edits)) -> String {
    let request = parsed(body);
    let mut edits = request.edit();
    edit(&mut edits);
    String::from_utf8(edits.render(&request).unwrap().to_vec()).unwrap()
}

fn path(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}
