//! Words that tell no topic.

/// What a word does in a sentence that may be wrapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Part of the topic, for all that is known.
    Topic,
    /// Polite and nothing else.
    Courtesy,
    /// About the answer, the request or the one who answers: no topic where it stands in a clause of its own.
    Format,
    /// Goes with any of the others.
    Filler,
}

/// No word below is longer.
const MOST_BYTES: usize = 20;

/// Sorted, as the lists below.
#[rustfmt::skip]
const COURTESY: [&str; 28] = [
    "appreciate", "appreciated", "bye", "cheers", "could", "dear", "goodbye", "grateful", "greetings", "hello",
    "hey", "hi", "hiya", "hope", "hoping", "kindly", "please", "pls", "plz", "regards", "sincerely", "sorry",
    "thank", "thanks", "thx", "welcome", "wondering", "would",
];

/// Of answer formats, preambles and role tags.
#[rustfmt::skip]
const FORMAT: [&str; 179] = [
    "above", "accurate", "accurately", "afternoon", "ai", "answer", "answered", "answering", "answers",
    "appropriate", "appropriately", "assist", "assistance", "assistant", "assistants", "begin_of_text", "below",
    "bos", "bot", "boxed", "brief", "briefly", "bullet", "bulleted", "bullets", "carefully", "chat", "chatbot",
    "chatgpt", "choice", "choices", "choose", "clear", "clearly", "complete", "completes", "concise", "concisely",
    "confidence", "conversation", "correct", "correctly", "described", "describes", "detail", "detailed", "details",
    "end", "end_header_id", "ending", "endoftext", "eos", "eot_id", "evening", "experienced", "expert", "explain",
    "explanation", "explanations", "final", "follow", "following", "format", "formats", "formatted", "friendly",
    "give", "given", "gpt", "harmless", "help", "helpful", "helping", "helps", "honest", "html", "human", "im_end",
    "im_start", "information", "input", "inst", "instruct", "instruction", "instructions", "json", "keep", "key",
    "keys", "know", "knowing", "knowledgeable", "language", "large", "letter", "letters", "line", "lines", "list",
    "markdown", "message", "messages", "model", "morning", "multiple", "numbered", "openai", "option", "options",
    "output", "outputs", "paragraph", "paragraphs", "pick", "plaintext", "points", "polite", "preamble", "problem",
    "professional", "prompt", "prompts", "provide", "provided", "provides", "providing", "put", "q", "queries",
    "query", "question", "questions", "quotes", "reasoning", "replies", "reply", "replying", "request", "requested",
    "requests", "respectful", "respond", "responding", "response", "responses", "return", "s", "select", "sentence",
    "sentences", "short", "shortly", "single", "specialist", "start_header_id", "step", "steps", "succinct",
    "succinctly", "sys", "system", "tag", "tags", "task", "tasks", "tell", "think", "thinking", "thought",
    "trained", "tutor", "user", "users", "valid", "word", "words", "write", "xml", "yaml",
];

/// Of any sentence.
#[rustfmt::skip]
const FILLERS: [&str; 190] = [
    "a", "able", "about", "additional", "advance", "after", "again", "all", "also", "always", "am", "an", "and",
    "another", "any", "anything", "are", "as", "ask", "asked", "asking", "at", "available", "b", "be", "been",
    "before", "begin", "being", "best", "between", "bit", "both", "but", "by", "c", "can", "d", "day", "did",
    "directly", "do", "does", "doesn't", "doing", "don't", "done", "e", "each", "either", "else", "ensure", "every",
    "everyone", "exact", "exactly", "extra", "few", "fine", "first", "five", "folks", "for", "four", "friend",
    "friends", "from", "get", "good", "got", "guys", "has", "have", "having", "here", "i", "i'd", "i'll", "i'm",
    "i've", "if", "in", "include", "including", "inside", "into", "is", "it", "it's", "its", "just", "kind", "last",
    "let", "let's", "like", "limit", "little", "lot", "lots", "madam", "make", "many", "mate", "maximum", "may",
    "me", "might", "million", "minimum", "more", "most", "much", "must", "my", "need", "needs", "never", "next",
    "no", "not", "of", "ok", "okay", "on", "one", "only", "or", "other", "our", "out", "own", "per", "possible",
    "quick", "really", "shall", "should", "simple", "sir", "so", "some", "something", "soon", "start", "sure",
    "team", "than", "that", "that's", "the", "then", "there", "these", "this", "those", "thousand", "three", "time",
    "to", "today", "two", "u", "under", "up", "us", "use", "used", "using", "very", "want", "wanted", "was", "we",
    "we're", "well", "were", "when", "will", "with", "within", "without", "x", "y", "yes", "you", "you're", "your",
    "yours", "z",
];

/// What a word is, in whatever case and with whichever apostrophe.
pub(super) fn kind(word: &str) -> Kind {
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return if word.is_empty() { Kind::Topic } else { Kind::Filler };
    }
    let mut plain = [0; MOST_BYTES];
    let mut length = 0;
    for letter in word.chars() {
        let letter = if letter == '’' { '\'' } else { letter.to_ascii_lowercase() };
        let (Some(place), Ok(byte)) = (plain.get_mut(length), u8::try_from(letter)) else { return Kind::Topic };
        *place = byte;
        length += 1;
    }
    let plain = plain.get(..length).and_then(|plain| str::from_utf8(plain).ok()).unwrap_or_default();
    let word = plain.strip_suffix("'s").unwrap_or(plain);
    let among = |words: &[&str]| words.binary_search(&word).is_ok();
    if among(&COURTESY) {
        Kind::Courtesy
    } else if among(&FORMAT) {
        Kind::Format
    } else if among(&FILLERS) {
        Kind::Filler
    } else {
        Kind::Topic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_short_and_apart() {
        let lists = [&COURTESY[..], &FORMAT, &FILLERS];
        for list in lists {
            assert!(list.is_sorted(), "{list:?}");
        }
        let mut all = lists.concat();
        assert!(all.iter().all(|word| word.len() <= MOST_BYTES));
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "a word stands twice");
    }

    #[test]
    fn case_possession_and_apostrophes_make_no_difference() {
        assert_eq!(kind("PLEASE"), Kind::Courtesy);
        assert_eq!(kind("user's"), Kind::Format);
        assert_eq!(kind("Don’t"), Kind::Filler);
        assert_eq!(kind("100"), Kind::Filler);
        assert_eq!(kind("enzyme"), Kind::Topic);
    }
}
