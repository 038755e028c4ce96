//! Random chat bodies, as trees that keep every blank and every spelling.

use serde_json::Value;

/// A JSON value as it is spelled.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Leaf(String),
    /// Its opening bracket, its entries, and the blanks inside when there are none.
    Group(char, Vec<Entry>, String),
}

/// A member of an object, or an element of an array (without key).
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) lead: String,
    pub(super) key: Option<String>,
    pub(super) before_colon: String,
    pub(super) after_colon: String,
    pub(super) value: Node,
    pub(super) tail: String,
}

impl Node {
    pub(super) fn write(&self, out: &mut String) {
        match self {
            Node::Leaf(text) => out.push_str(text),
            Node::Group(open, entries, blank) => {
                out.push(*open);
                for (index, entry) in entries.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    entry.write(out);
                }
                out.push_str(if entries.is_empty() { blank } else { "" });
                out.push(if *open == '{' { '}' } else { ']' });
            }
        }
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match self {
            Node::Group(_, entries, _) => entries,
            Node::Leaf(_) => &[],
        }
    }

    pub(super) fn is_object(&self) -> bool {
        matches!(self, Node::Group('{', ..))
    }

    /// The last value under a key.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.entries().iter().rev().find(|entry| entry.is(name)).map(|entry| &entry.value)
    }
}

impl Entry {
    pub(super) fn is(&self, name: &str) -> bool {
        self.key.as_ref().is_some_and(|key| serde_json::from_str::<String>(key).unwrap() == name)
    }

    fn write(&self, out: &mut String) {
        out.push_str(&self.lead);
        if let Some(key) = &self.key {
            out.push_str(key);
            out.push_str(&self.before_colon);
            out.push(':');
            out.push_str(&self.after_colon);
        }
        self.value.write(out);
        out.push_str(&self.tail);
    }
}

/// Choices taken from random bytes; when they run out, always the first choice.
#[derive(Debug)]
pub(super) struct Source<'b>(std::slice::Iter<'b, u8>);

impl<'b> Source<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Source<'b> {
        Source(bytes.iter())
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::from(*self.0.next().unwrap_or(&0)) % limit
    }

    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn blanks(&mut self) -> String {
        self.pick(&["", "", "", " ", " ", "\n  ", "\t", "\r\n", "  "]).to_owned()
    }

    pub(super) fn words(&mut self) -> String {
        const CHARS: &[char] =
            &['a', 'b', 'Z', ' ', 'é', '漢', '😀', '"', '\\', '/', '\n', '\u{7f}', '\u{1}', '\u{2028}'];
        (0..self.below(14)).map(|_| self.pick(CHARS)).collect()
    }

    /// A string in one of its spellings.
    fn spell(&mut self, text: &str) -> String {
        let mut out = String::from("\"");
        for character in text.chars() {
            let must = matches!(character, '"' | '\\' | '\0'..='\u{1f}');
            match (must, self.below(8)) {
                (false, 0..6) => out.push(character),
                (true, 0..6) => out.push_str(&inner(&String::from(character))),
                (_, 6) if character == '/' => out.push_str("\\/"),
                (_, style) => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        out.push_str(&if style == 6 { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") });
                    }
                }
            }
        }
        out + "\""
    }

    fn scalar(&mut self) -> Node {
        const PLAIN: &[&str] = &[
            "0",
            "null",
            "true",
            "false",
            "-0.0",
            "1E+2",
            "1e-7",
            "0.10",
            "-12.5E0",
            "12345678901234567890",
            "3.141592653589793238",
        ];
        match self.below(3) {
            0 => Node::Leaf(self.pick(PLAIN).to_owned()),
            _ => {
                let words = self.words();
                Node::Leaf(self.spell(&words))
            }
        }
    }

    fn group(&mut self, open: char, entries: Vec<Entry>) -> Node {
        Node::Group(open, entries, self.blanks())
    }

    fn member(&mut self, name: &str, value: Node) -> Entry {
        let key = Some(self.spell(name));
        Entry { key, before_colon: self.blanks(), after_colon: self.blanks(), ..self.element(value) }
    }

    fn element(&mut self, value: Node) -> Entry {
        let (lead, tail) = (self.blanks(), self.blanks());
        Entry { lead, key: None, before_colon: String::new(), after_colon: String::new(), value, tail }
    }

    fn anything(&mut self, depth: usize) -> Node {
        match self.below(if depth == 0 { 2 } else { 4 }) {
            2 => {
                let entries = (0..self.below(4)).map(|_| self.anything(depth - 1)).collect::<Vec<_>>();
                let entries = entries.into_iter().map(|value| self.element(value)).collect();
                self.group('[', entries)
            }
            3 => {
                let mut entries = Vec::new();
                for _ in 0..self.below(4) {
                    let (name, value) =
                        (self.pick(&["a", "b", "enable_thinking", "", "é", "model"]), self.anything(depth - 1));
                    entries.push(self.member(name, value));
                }
                self.group('{', entries)
            }
            _ => self.scalar(),
        }
    }

    fn string(&mut self, choices: &[&str]) -> Node {
        let text = self.pick(choices);
        Node::Leaf(self.spell(text))
    }

    fn part(&mut self) -> Node {
        let mut entries = Vec::new();
        let kind = self.string(&["text", "image_url"]);
        entries.push(self.member("type", kind));
        for name in ["text", "cache_control"] {
            if self.below(3) > 0 {
                let value = if name == "text" { self.scalar() } else { self.anything(1) };
                entries.push(self.member(name, value));
            }
        }
        self.group('{', entries)
    }

    fn content(&mut self) -> Node {
        match self.below(6) {
            0 => Node::Leaf("null".to_owned()),
            1 | 2 => {
                let parts: Vec<Node> = (0..self.below(4)).map(|_| self.part()).collect();
                let parts = parts.into_iter().map(|part| self.element(part)).collect();
                self.group('[', parts)
            }
            _ => {
                let words = self.words();
                Node::Leaf(self.spell(&words))
            }
        }
    }

    fn message(&mut self) -> Node {
        let mut entries = Vec::new();
        for _ in 0..self.pick(&[1, 1, 1, 1, 1, 2]) {
            let role = self.string(&["user", "system", "developer", "assistant", "tool", "custom"]);
            entries.push(self.member("role", role));
        }
        for _ in 0..self.pick(&[1, 1, 1, 1, 1, 0, 2]) {
            let content = self.content();
            entries.push(self.member("content", content));
        }
        for _ in 0..self.below(3) {
            let (name, value) = (self.pick(&["name", "tool_calls", "x"]), self.anything(2));
            entries.push(self.member(name, value));
        }
        self.shuffle(&mut entries);
        self.group('{', entries)
    }

    fn messages(&mut self) -> Node {
        let turns: Vec<Node> = (0..self.below(5)).map(|_| self.message()).collect();
        let turns = turns.into_iter().map(|turn| self.element(turn)).collect();
        self.group('[', turns)
    }

    fn tool(&mut self) -> Node {
        let name = self.string(&["t1", "t2", "t3"]);
        let mut entries = vec![self.member("name", name)];
        if self.below(3) > 0 {
            let function = self.group('{', entries);
            entries = vec![self.member("function", function)];
        }
        let more = self.anything(1);
        entries.push(self.member("type", more));
        self.group('{', entries)
    }

    fn tools(&mut self) -> Node {
        let tools: Vec<Node> = (0..self.below(4)).map(|_| self.tool()).collect();
        let tools = tools.into_iter().map(|tool| self.element(tool)).collect();
        self.group('[', tools)
    }

    fn shuffle(&mut self, entries: &mut [Entry]) {
        for index in (1..entries.len()).rev() {
            entries.swap(index, self.below(index + 1));
        }
    }

    /// A good chat body: the object, and the blanks around it.
    pub(super) fn body(&mut self) -> (String, Node, String) {
        let mut entries = Vec::new();
        for name in ["model", "messages", "stream", "tools", "tool_choice"] {
            let count = match name {
                "model" | "messages" => self.pick(&[1, 1, 1, 1, 1, 1, 2, 3]),
                _ => self.pick(&[0, 0, 0, 1, 1, 2]),
            };
            for _ in 0..count {
                let value = match name {
                    "model" => self.string(&["auto", "MoM", "é/漢\"", "m"]),
                    "messages" => self.messages(),
                    "stream" => Node::Leaf(self.pick(&["true", "false", "null"]).to_owned()),
                    "tools" => self.tools(),
                    _ if self.below(2) == 0 => self.tool(),
                    _ => self.string(&["auto", "none"]),
                };
                entries.push(self.member(name, value));
            }
        }
        for _ in 0..self.below(6) {
            let name = self.pick(&["n", "chat_template_kwargs", "metadata", "", "Model", "reasoning_effort"]);
            let value = self.anything(3);
            entries.push(self.member(name, value));
        }
        self.shuffle(&mut entries);
        (self.blanks(), self.group('{', entries), self.blanks())
    }
}

/// What most parsers make of a text.
pub(super) fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A text as the inside of a JSON string, in its plainest spelling.
pub(super) fn inner(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
