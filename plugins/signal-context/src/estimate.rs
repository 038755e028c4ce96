//! How many tokens a request takes, without a tokeniser: never far too few, so that no model is asked for more than it can
//! read. Needs no host.

use trackside_sdk::current::ConversationFacts;

const BYTES_PER_TOKEN: u64 = 4;
/// An image is read in as many tokens as a large one costs.
const PER_IMAGE: u64 = 8192;
/// Roles and separators around each message.
const PER_MESSAGE: u64 = 4;
/// What surrounds a call, or a definition, of a tool.
const PER_TOOL: u64 = 8;

/// What the answer may take, as the client says.
const OUTPUT: [&str; 2] = ["max_completion_tokens", "max_tokens"];

/// Tokens of the whole request and its answer.
pub(crate) fn tokens(facts: &ConversationFacts, reserve: u64) -> u64 {
    let roles = [
        facts.user_messages,
        facts.assistant_messages,
        facts.system_messages,
        facts.developer_messages,
        facts.tool_messages,
        facts.other_messages,
    ];
    let messages: u64 = roles.into_iter().map(u64::from).sum();
    let tools = u64::from(facts.tool_calls) + u64::from(facts.tool_definitions);
    [
        facts.text_bytes.div_ceil(BYTES_PER_TOKEN),
        // Names and punctuation are many tokens for few bytes.
        facts.structured_bytes,
        PER_IMAGE * u64::from(facts.images),
        PER_MESSAGE * messages,
        PER_TOOL * tools,
        reserve,
    ]
    .into_iter()
    .fold(0, u64::saturating_add)
}

/// Tokens that the client reserves for the answer; `field` reads a field of its body.
pub(crate) fn reserve(field: impl Fn(&[String]) -> Option<String>) -> u64 {
    let mut wanted = OUTPUT.iter().filter_map(|name| field(&[(*name).to_owned()])?.parse::<f64>().ok());
    // A cast of a float saturates: a negative or absurd wish is 0 or the most there is.
    wanted.next().map_or(0, |tokens| tokens as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> ConversationFacts {
        ConversationFacts {
            text_bytes: 0,
            structured_bytes: 0,
            user_messages: 0,
            assistant_messages: 0,
            system_messages: 0,
            developer_messages: 0,
            tool_messages: 0,
            other_messages: 0,
            tool_definitions: 0,
            tool_calls: 0,
            images: 0,
            in_tool_loop: false,
            extra: Vec::new(),
        }
    }

    #[test]
    fn everything_that_is_read_counts() {
        for (facts, reserve, expected) in [
            (facts(), 0, 0),
            (ConversationFacts { text_bytes: 1, user_messages: 1, ..facts() }, 0, 5),
            (ConversationFacts { text_bytes: 8, user_messages: 1, ..facts() }, 0, 6),
            (ConversationFacts { text_bytes: 9, user_messages: 1, ..facts() }, 0, 7),
            (ConversationFacts { structured_bytes: 100, tool_definitions: 2, ..facts() }, 0, 116),
            (ConversationFacts { images: 2, ..facts() }, 0, 16384),
            (ConversationFacts { tool_calls: 3, tool_messages: 3, assistant_messages: 1, ..facts() }, 0, 40),
            (ConversationFacts { system_messages: 1, developer_messages: 1, other_messages: 1, ..facts() }, 0, 12),
            (facts(), 4096, 4096),
            (ConversationFacts { structured_bytes: u64::MAX, ..facts() }, 4096, u64::MAX),
        ] {
            assert_eq!(tokens(&facts, reserve), expected, "{facts:?}");
        }
    }

    #[test]
    fn the_reserve_is_what_the_client_asks_for() {
        for (completion, older, expected) in [
            (None, None, 0),
            (None, Some("256"), 256),
            (Some("512"), Some("256"), 512),
            (Some("null"), Some("256"), 256),
            (Some("1e3"), None, 1000),
            (Some("-5"), None, 0),
            (Some("\"9\""), None, 0),
            (Some("1e30"), None, u64::MAX),
        ] {
            let field = |path: &[String]| {
                let value = if path == ["max_tokens"] { older } else { completion };
                value.map(str::to_owned)
            };
            assert_eq!(reserve(field), expected, "{completion:?} {older:?}");
        }
    }
}
