//! An assistant's message in the shapes of the chat completions API. Needs no host.

use serde_json::{Value, json};

/// One complete answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    /// The request's id.
    pub(crate) id: &'a str,
    /// Seconds since 1970.
    pub(crate) created: u64,
    /// The model that the client asked for.
    pub(crate) model: &'a str,
    pub(crate) message: &'a str,
}

impl Answer<'_> {
    /// One JSON object.
    pub(crate) fn json(self) -> String {
        let message = json!({ "role": "assistant", "content": self.message, "refusal": null });
        let choice = json!({ "index": 0, "message": message, "logprobs": null, "finish_reason": "stop" });
        let mut answer = self.object("chat.completion", json!([choice]));
        set(&mut answer, "usage", usage());
        answer.to_string()
    }

    /// Server-sent events: the role, the message, the end, the usage if the client asked for it, and `[DONE]`.
    pub(crate) fn events(self, with_usage: bool) -> String {
        let choice = |delta: Value, finish: Value| json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }]);
        let choices = [
            choice(json!({ "role": "assistant", "content": "" }), Value::Null),
            choice(json!({ "content": self.message }), Value::Null),
            choice(json!({}), json!("stop")),
        ];
        let mut chunks: Vec<Value> =
            choices.into_iter().map(|choices| self.object("chat.completion.chunk", choices)).collect();
        if with_usage {
            chunks.iter_mut().for_each(|chunk| set(chunk, "usage", Value::Null));
            let mut last = self.object("chat.completion.chunk", json!([]));
            set(&mut last, "usage", usage());
            chunks.push(last);
        }
        let chunks = chunks.iter().map(|chunk| format!("data: {chunk}\n\n"));
        chunks.chain(["data: [DONE]\n\n".to_owned()]).collect()
    }

    fn object(self, kind: &str, choices: Value) -> Value {
        let id = format!("chatcmpl-{}", self.id);
        json!({ "id": id, "object": kind, "created": self.created, "model": self.model, "choices": choices })
    }
}

/// No model was asked, so nothing is to be paid for.
fn usage() -> Value {
    json!({ "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0 })
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: Answer<'_> = Answer { id: "r-1", created: 7, model: "auto", message: "No \"way\",\nsorry." };

    #[test]
    fn a_client_that_waits_gets_one_object() {
        let answer: Value = serde_json::from_str(&ANSWER.json()).unwrap();
        assert_eq!(
            (&answer["id"], &answer["object"], &answer["created"], &answer["model"]),
            (&json!("chatcmpl-r-1"), &json!("chat.completion"), &json!(7), &json!("auto"))
        );
        let choice = &answer["choices"][0];
        assert_eq!(choice["message"], json!({"role": "assistant", "content": ANSWER.message, "refusal": null}));
        assert_eq!((&choice["index"], &choice["finish_reason"]), (&json!(0), &json!("stop")));
        assert_eq!(answer["usage"]["total_tokens"], 0);
    }

    /// The chunks, without the mark at the end.
    fn chunks(events: &str) -> Vec<Value> {
        let events = events.strip_suffix("data: [DONE]\n\n").unwrap();
        let events = events.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap());
        events.map(|chunk| serde_json::from_str(chunk).unwrap()).collect()
    }

    #[test]
    fn a_client_that_streams_gets_chunks_that_add_up() {
        let chunks = chunks(&ANSWER.events(false));
        let text: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!(text, ANSWER.message);
        assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
        assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "stop");
        for chunk in &chunks {
            assert_eq!((&chunk["id"], &chunk["object"]), (&json!("chatcmpl-r-1"), &json!("chat.completion.chunk")));
            assert_eq!(chunk.get("usage"), None);
        }
    }

    #[test]
    fn usage_comes_last_when_the_client_asks_for_it() {
        let chunks = chunks(&ANSWER.events(true));
        let (last, before) = chunks.split_last().unwrap();
        assert_eq!((&last["choices"], &last["usage"]["total_tokens"]), (&json!([]), &json!(0)));
        assert!(before.iter().all(|chunk| chunk["usage"].is_null() && chunk.get("usage").is_some()));
    }
}
