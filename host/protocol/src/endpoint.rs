//! Which requests carry a body that can be routed.

/// What kind of request a method and a path name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A chat completion: `POST` to a path that ends in `/chat/completions`, whatever stands before it.
    ChatCompletions,
    /// Anything else: not ours to read or to change.
    Other,
}

impl Endpoint {
    /// Classifies a request by its method and its path. The query string does not count.
    #[must_use]
    pub fn of(method: &str, path: &str) -> Endpoint {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        if method == "POST" && path.ends_with("/chat/completions") {
            Endpoint::ChatCompletions
        } else {
            Endpoint::Other
        }
    }
}
