//! What is embedded: exam questions where they are there, else the paragraphs of this project's documents.

use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};
use tokenizers::Tokenizer;

const SEQUENCES: usize = 64;
const MIXED: usize = 500;

pub struct Texts {
    tokenizer: Tokenizer,
    texts: Vec<String>,
}

impl Texts {
    pub fn load(model: &Path) -> Self {
        let mut tokenizer = Tokenizer::from_file(model.join("tokenizer.json")).expect("a tokenizer");
        tokenizer.with_padding(None).with_truncation(None).expect("no truncation");
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        let data = root.join("../shared/data");
        let sets = ["mmlu-pro/train.jsonl", "chat-domains/dev.jsonl", "routellm/train.jsonl"];
        let mut texts: Vec<String> = sets.iter().flat_map(|set| json_lines(&data.join(set))).collect();
        if texts.is_empty() {
            println!("{} is absent: texts are this project's documents", data.display());
            let documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "tests/README.md", "config/README.md"];
            let contents = documents.iter().filter_map(|file| fs::read_to_string(root.join(file)).ok());
            texts = contents.flat_map(|text| text.split("\n\n").map(str::to_owned).collect::<Vec<_>>()).collect();
        }
        Self { tokenizer, texts }
    }

    /// Different sequences of exactly so many tokens, special tokens included.
    pub fn sequences(&self, tokens: usize) -> Vec<Vec<u32>> {
        let special = self.ids("", true);
        let (&first, &last) = (special.first().expect("a first token"), special.last().expect("a last token"));
        let stream: Vec<u32> = self.spread(SEQUENCES * 16).flat_map(|text| self.ids(text, false)).collect();
        let inner = tokens - 2;
        let step = (stream.len() - inner) / SEQUENCES;
        let cut = |index: usize| stream[index * step..][..inner].iter().copied();
        (0..SEQUENCES).map(|index| [first].into_iter().chain(cut(index)).chain([last]).collect()).collect()
    }

    /// Different texts of exactly so many tokens, special tokens included.
    pub fn of_length(&self, tokens: usize) -> Vec<String> {
        let cut = |text: &str| {
            let ends = text.match_indices(' ').map(|(at, _)| at);
            let lengths = ends.map(|end| (end, self.ids(&text[..end], true).len())).take_while(|(_, n)| *n <= tokens);
            lengths.filter(|(_, n)| *n == tokens).last().map(|(end, _)| text[..end].to_owned())
        };
        self.spread(self.texts.len()).filter_map(cut).take(SEQUENCES).collect()
    }

    /// Ids of texts of all kinds and lengths, up to 256 tokens.
    pub fn mixed(&self) -> Vec<Vec<u32>> {
        let ids = |text: &str| {
            let mut ids = self.ids(text, true);
            let last = ids.last().copied();
            ids.truncate(255);
            ids.extend(last.filter(|last| ids.last() != Some(last)));
            ids
        };
        self.spread(MIXED).map(ids).collect()
    }

    fn spread(&self, count: usize) -> impl Iterator<Item = &str> {
        let step = (self.texts.len() / count).max(1);
        self.texts.iter().step_by(step).take(count).map(String::as_str)
    }

    fn ids(&self, text: &str, special: bool) -> Vec<u32> {
        self.tokenizer.encode_fast(text, special).expect("tokens").get_ids().to_vec()
    }
}

fn json_lines(file: &Path) -> Vec<String> {
    let lines = fs::read_to_string(file).unwrap_or_default();
    let text = |line: &str| serde_json::from_str::<Value>(line).ok()?["text"].as_str().map(str::to_owned);
    lines.lines().filter_map(text).collect()
}
