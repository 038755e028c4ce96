//! A BERT small enough to be written in a test, with weights from a generator that `reference/tiny_bert.py` repeats.

use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

pub(crate) struct TinyBert {
    pub(crate) width: usize,
    pub(crate) inner: usize,
    pub(crate) positions: usize,
    pub(crate) prefix: &'static str,
}

impl Default for TinyBert {
    fn default() -> Self {
        Self { width: 32, inner: 64, positions: 24, prefix: "" }
    }
}

const LAYERS: usize = 2;

/// What the reference script wrote: the vocabulary, and texts with their vectors.
pub(crate) fn expected() -> Value {
    serde_json::from_str(include_str!("../reference/expected.json")).unwrap()
}

impl TinyBert {
    /// Writes the model to a directory of this name, which is emptied first.
    pub(crate) fn write(&self, name: &str) -> PathBuf {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        write_json(&dir.join("config.json"), &self.config());
        write_json(&dir.join("tokenizer.json"), &tokenizer());
        save(&dir.join("model.safetensors"), &self.tensors(), "F32");
        dir
    }

    pub(crate) fn config(&self) -> Value {
        json!({
            "model_type": "bert", "hidden_size": self.width, "num_hidden_layers": LAYERS, "num_attention_heads": 4,
            "intermediate_size": self.inner, "vocab_size": vocabulary().len(),
            "max_position_embeddings": self.positions, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
            "hidden_act": "gelu", "position_embedding_type": "absolute"
        })
    }

    pub(crate) fn tensors(&self) -> Vec<Tensor> {
        let (width, inner) = (self.width, self.inner);
        let mut fill = Fill { state: 42, prefix: self.prefix, tensors: Vec::new() };
        fill.tensor("embeddings.word_embeddings.weight", &[vocabulary().len(), width], 0.0);
        fill.tensor("embeddings.position_embeddings.weight", &[self.positions, width], 0.0);
        fill.tensor("embeddings.token_type_embeddings.weight", &[2, width], 0.0);
        fill.norm("embeddings.LayerNorm", width);
        for layer in 0..LAYERS {
            let name = |part: &str| format!("encoder.layer.{layer}.{part}");
            for part in ["self.query", "self.key", "self.value", "output.dense"] {
                fill.linear(&name(&format!("attention.{part}")), width, width);
            }
            fill.norm(&name("attention.output.LayerNorm"), width);
            fill.linear(&name("intermediate.dense"), width, inner);
            fill.linear(&name("output.dense"), inner, width);
            fill.norm(&name("output.LayerNorm"), width);
        }
        fill.tensors
    }
}

struct Fill {
    state: u64,
    prefix: &'static str,
    tensors: Vec<Tensor>,
}

impl Fill {
    fn tensor(&mut self, name: &str, shape: &[usize], centre: f32) {
        let mut next = || {
            self.state = self.state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((self.state >> 40) as f32 / 16_777_216.0 - 0.5) * 0.5 + centre
        };
        let values = (0..shape.iter().product()).map(|_| next()).collect();
        self.tensors.push(Tensor { name: format!("{}{name}", self.prefix), shape: shape.to_vec(), values });
    }

    fn norm(&mut self, name: &str, width: usize) {
        self.tensor(&format!("{name}.weight"), &[width], 1.0);
        self.tensor(&format!("{name}.bias"), &[width], 0.0);
    }

    fn linear(&mut self, name: &str, inputs: usize, outputs: usize) {
        self.tensor(&format!("{name}.weight"), &[outputs, inputs], 0.0);
        self.tensor(&format!("{name}.bias"), &[outputs], 0.0);
    }
}

fn vocabulary() -> Vec<String> {
    serde_json::from_value(expected()["vocabulary"].clone()).unwrap()
}

/// A WordPiece tokenizer that pads and cuts at 5 tokens, as files do that were saved in the middle of other work.
fn tokenizer() -> Value {
    let ids: serde_json::Map<String, Value> = vocabulary().into_iter().zip(0..).map(|(w, id)| (w, json!(id))).collect();
    let special = |token: &str| json!({"id": token, "ids": [ids[token]], "tokens": [token]});
    let (cls, sep) = (special("[CLS]"), special("[SEP]"));
    json!({
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 5, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 5}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
                    "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": [],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                       {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"[CLS]": cls, "[SEP]": sep}
        },
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": ids}
    })
}

pub(crate) fn write_json(path: &Path, value: &Value) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, value.to_string()).unwrap();
}

/// Writes a safetensors file: the length of a JSON header, the header, the numbers; `BF16` halves them, and any other
/// `dtype` is only a label.
pub(crate) fn save(path: &Path, tensors: &[Tensor], dtype: &str) {
    let mut header = serde_json::Map::new();
    let mut bytes = Vec::new();
    for Tensor { name, shape, values } in tensors {
        let start = bytes.len();
        let kept = if dtype == "BF16" { 2..4 } else { 0..4 };
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()[kept.clone()].to_vec()));
        header.insert(name.clone(), json!({"dtype": dtype, "shape": shape, "data_offsets": [start, bytes.len()]}));
    }
    let header = Value::Object(header).to_string();
    let length = (header.len() as u64).to_le_bytes();
    fs::write(path, [&length, header.as_bytes(), &bytes].concat()).unwrap();
}
