use super::{by_the_book, cosine, pooled};
use crate::{
    fused::{BertWeights, FusedBert, LayerWeights, LinearWeights, Matrix, NormWeights, Scratch},
    kernels::{Engine, Instructions, Precision},
};
use candle_core::{Device, Tensor, safetensors};
use std::{collections::HashMap, path::Path};
use tokenizers::Tokenizer;

/// As a router sees them: questions, commands, code, lists and other languages, from one word to a paragraph.
const TEXTS: [&str; 16] = [
    "Thanks!",
    "What is the capital of Australia?",
    "Prove that the square root of 2 is irrational.",
    "Summarise the following email in two sentences and list what I have to do until Friday.",
    "fn main() { let v: Vec<u32> = (0..10).filter(|n| n % 3 == 0).collect(); println!(\"{v:?}\"); }",
    "Wie beantrage ich einen neuen Reisepass, und wie lange dauert das?",
    "Which of these is a noble gas? A) nitrogen B) argon C) chlorine D) hydrogen",
    "My order 4711-22 has not arrived, the tracking page shows nothing since Monday. I want my money back!",
    "Write a limerick about a compiler that was too strict.",
    "A 58-year-old man presents with crushing chest pain that radiates to the left arm, sweating and nausea for the last \
     forty minutes. What is the first test to order, and which drugs should he receive at once?",
    "select name, count(*) from orders join customers using (id) group by 1 having count(*) > 5",
    "Explain the difference between fiscal and monetary policy to a twelve-year-old.",
    "If a train leaves at 9:40 and travels 210 km at 84 km/h, when does it arrive?",
    "Is it legal to record a phone call in California without telling the other party?",
    "¿Cuáles son las mejores playas del norte de España para ir con niños pequeños?",
    "Compare Kant's categorical imperative with utilitarianism, name one objection to each, and say which of the two \
     gives better guidance to somebody who has to decide about the use of personal data in medical research.",
];

/// Mean and least cosine, as they are promised.
fn bars(engine: Engine) -> (f64, f64) {
    match (engine.precision(), engine.instructions()) {
        (Precision::Int8, Instructions::Avx2) => (0.997, 0.99),
        (Precision::Int8, _) => (0.999, 0.995),
        _ => (0.9999, 0.9999),
    }
}

#[test]
fn every_engine_keeps_the_meaning_of_real_texts() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/models/all-MiniLM-L6-v2");
    if !dir.exists() {
        println!("skipped: no model in {}; tests/setup.sh fetches it", dir.display());
        return;
    }
    let weights = load(&dir);
    let mut tokenizer = Tokenizer::from_file(dir.join("tokenizer.json")).unwrap();
    tokenizer.with_padding(None);
    let texts: Vec<_> = TEXTS.iter().map(|text| tokenizer.encode(*text, true).unwrap().get_ids().to_vec()).collect();
    let width = weights.words.columns();
    let expected: Vec<_> = texts.iter().map(|ids| pooled(&by_the_book::forward(&weights, ids), width)).collect();
    for engine in Engine::all_here() {
        let bert = FusedBert::pack(weights.clone(), engine);
        let mut scratch = Scratch::default();
        let cosines: Vec<_> = texts
            .iter()
            .zip(&expected)
            .map(|(ids, expected)| cosine(&pooled(bert.forward(ids, &mut scratch).unwrap(), width), expected))
            .collect();
        let mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
        let least = cosines.iter().copied().fold(1.0, f64::min);
        println!("{engine}: mean {mean:.6}, least {least:.6}");
        let (mean_bar, least_bar) = bars(engine);
        assert!(mean >= mean_bar && least >= least_bar, "{engine}: mean {mean}, least {least}");
    }
}

fn load(dir: &Path) -> BertWeights {
    let tensors = safetensors::load(dir.join("model.safetensors"), &Device::Cpu).unwrap();
    let (words, places) =
        (&tensors["embeddings.word_embeddings.weight"], &tensors["embeddings.position_embeddings.weight"]);
    let kind = tensors["embeddings.token_type_embeddings.weight"].get(0).unwrap();
    BertWeights {
        words: matrix(words),
        places: places.broadcast_add(&kind).unwrap().flatten_all().unwrap().to_vec1().unwrap(),
        norm: norm(&tensors, "embeddings.LayerNorm"),
        layers: (0..6).map(|layer| load_layer(&tensors, layer)).collect(),
        heads: 12,
    }
}

fn load_layer(tensors: &HashMap<String, Tensor>, layer: usize) -> LayerWeights {
    let linear = |part: &str| {
        let name = format!("encoder.layer.{layer}.{part}");
        let bias = tensors[&format!("{name}.bias")].to_vec1().unwrap();
        LinearWeights { weight: matrix(&tensors[&format!("{name}.weight")]), bias }
    };
    LayerWeights {
        query: linear("attention.self.query"),
        key: linear("attention.self.key"),
        value: linear("attention.self.value"),
        attention_out: linear("attention.output.dense"),
        attention_norm: norm(tensors, &format!("encoder.layer.{layer}.attention.output.LayerNorm")),
        inner: linear("intermediate.dense"),
        outer: linear("output.dense"),
        norm: norm(tensors, &format!("encoder.layer.{layer}.output.LayerNorm")),
    }
}

fn matrix(tensor: &Tensor) -> Matrix {
    let (rows, columns) = tensor.dims2().unwrap();
    Matrix::F32 { rows, columns, values: tensor.flatten_all().unwrap().to_vec1().unwrap() }
}

fn norm(tensors: &HashMap<String, Tensor>, name: &str) -> NormWeights {
    let vector = |part: &str| tensors[&format!("{name}.{part}")].to_vec1().unwrap();
    NormWeights { weight: vector("weight"), bias: vector("bias"), epsilon: 1e-12 }
}
