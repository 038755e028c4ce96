//! Any bytes as a request body: what is accepted comes back byte for byte when nothing is edited, and as what was asked for
//! when something is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use trackside_protocol::{ChatRequest, EditError, Edits};

const MODEL: &str = "large \"\\\u{0}\u{e9}";

fuzz_target!(|data: &[u8]| {
    let Ok(request) = ChatRequest::parse(data.to_vec().into()) else { return };
    let _ = (request.ask(), request.facts(), request.tools().count(), request.streaming());
    let untouched = request.edit().render(&request).expect("no edit at all can always be made");
    assert_eq!(untouched, data);

    let mut named = request.edit();
    named.set_model(MODEL);
    if let Some(body) = rendered(&named, &request) {
        assert_eq!(ChatRequest::parse(body.into()).expect("what is rendered can be parsed").model(), MODEL);
    }

    let mut all = request.edit();
    all.set_model(MODEL);
    all.prepend_system_prompt("before");
    all.append_system_prompt("after");
    all.set_field(&["metadata".to_owned(), "deep".to_owned()], "{\"a\": [1e400]}").expect("a field of an object");
    all.retain_tools(&["f".to_owned()]);
    all.remove_field(&["user".to_owned()]).expect("a field that may go");
    if let Some(body) = rendered(&all, &request) {
        let again = ChatRequest::parse(body.into()).expect("what is rendered can be parsed");
        assert!(again.tools().all(|tool| tool.name.is_none_or(|name| name == "f")));
        assert_eq!(again.field(&["user"]), None);
    }
});

/// The body with the edits; nothing where it repeats a key too often, or grows too large.
fn rendered(edits: &Edits, request: &ChatRequest) -> Option<Vec<u8>> {
    match edits.render(request) {
        Ok(body) => {
            // Another parser has to agree that it is JSON, but for numbers that it cannot hold.
            let read = serde_json::from_slice::<Value>(&body);
            assert!(
                read.is_ok()
                    || read.is_err_and(|error| error.to_string().contains("number out of range")
                        || error.to_string().contains("recursion limit"))
            );
            Some(body.to_vec())
        }
        Err(
            EditError::Repeated { .. }
            | EditError::TooLarge { .. }
            | EditError::TooDeep { .. }
            | EditError::NoObject { .. },
        ) => None,
        Err(error) => panic!("{error}"),
    }
}
