use crate::support::{Random, mini_lm, ways};
use serde_json::Value;
use std::{fs, path::Path};
use trackside_inference::{Embedder, Embedding, Encoder, Instructions, Options, Precision};

fn original(options: &Options) -> Option<Encoder> {
    mini_lm().map(|dir| Encoder::load(&dir, options).unwrap())
}

#[test]
fn is_the_published_model() {
    let Some(encoder) = original(&Options { precision: Precision::Fp32, ..Options::default() }) else { return };
    assert_eq!((encoder.dimensions(), encoder.about().max_tokens), (384, 256));
    // The head of the vector that sentence-transformers' own documentation of this model prints for this sentence.
    let vector = encoder.embed("This is an example sentence").unwrap();
    for (found, expected) in vector.as_slice().iter().zip([0.067_657, 0.063_496, 0.048_713]) {
        assert!((found - expected).abs() < 1e-4, "{found}, expected {expected}");
    }
}

#[test]
fn knows_what_texts_are_about() {
    let encoder = Encoder::embedded(&Options::default()).unwrap();
    let embed = |text: &str| -> Embedding { encoder.embed(text).unwrap() };
    for (text, near, far) in [
        ("What is the derivative of x^3?", "Differentiate x cubed", "Which court hears an appeal?"),
        ("How do I enter a new market?", "A strategy for expanding our business abroad", "Prove that 7 is prime"),
        ("The soup needs salt", "This broth is bland", "The train was late again"),
        ("Wie hoch ist der Eiffelturm?", "How tall is the Eiffel Tower?", "How do I boil an egg?"),
    ] {
        let (text, near, far) = (embed(text), embed(near), embed(far));
        assert!(text.dot(&near) > text.dot(&far) + 0.15, "{} against {}", text.dot(&near), text.dot(&far));
        assert!((text.dot(&text) - 1.0).abs() < 1e-5);
    }
    // The tokenizer's file pads to 128 and the letters' case does not count.
    assert_eq!(embed("THE SOUP"), embed("the soup"));
}

/// English texts of many kinds and lengths, the same in every run; none, said aloud, where the data is absent.
fn texts(most: usize) -> Vec<String> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let files = [
        "mmlu-pro/dev.jsonl",
        "chat-domains/dev.jsonl",
        "banking77/train.jsonl",
        "clinc150/train.jsonl",
        "routellm/train.jsonl",
    ];
    let mut found = Vec::new();
    for file in files {
        let Ok(text) = fs::read_to_string(data.join(file)) else { continue };
        let lines: Vec<&str> = text.lines().collect();
        let mut random = Random(1);
        for _ in 0..most / files.len() {
            let line: Value = serde_json::from_str(lines[random.below(lines.len())]).unwrap();
            let fields = ["text", "prompt", "question", "query"];
            found.extend(fields.iter().find_map(|field| line[field].as_str()).map(str::to_owned));
        }
    }
    if found.is_empty() {
        println!("skipped: no texts in {}", data.display());
    }
    found
}

#[test]
fn stays_close_to_the_published_weights() {
    let Some(reference) = original(&Options { precision: Precision::Fp32, ..Options::default() }) else { return };
    let texts = texts(500);
    if texts.is_empty() {
        return;
    }
    assert_eq!(texts.len(), 500);
    let expected: Vec<_> = texts.iter().map(|text| reference.embed(text).unwrap()).collect();
    let best = Encoder::embedded(&Options::default()).unwrap().about().clone();
    for options in ways().filter(|options| options.instructions != Some(Instructions::Portable)) {
        let embedded = Encoder::embedded(&options).unwrap();
        // All texts for what runs by default, and a part for what is there beside it.
        let step = if *embedded.about() == best { 1 } else { 10 };
        let pairs = texts.iter().zip(&expected).step_by(step);
        let cosines: Vec<f32> = pairs.map(|(text, near)| embedded.embed(text).unwrap().dot(near)).collect();
        let mean = cosines.iter().sum::<f32>() / cosines.len() as f32;
        let least = cosines.into_iter().fold(1.0, f32::min);
        let (about, bar) = (embedded.about(), bar(&options));
        println!("{} {}: mean {mean:.5}, least {least:.5}", about.precision, about.instructions);
        assert!(mean >= bar.0 && least >= bar.1, "{about:?}: mean {mean}, least {least}");
    }
}

/// Mean and least cosine to the published weights in fp32. What 8-bit weights lose is in all of them.
fn bar(options: &Options) -> (f32, f32) {
    match (options.precision, options.instructions) {
        (Precision::Int8, Some(Instructions::Avx2)) => (0.998, 0.99),
        (Precision::Int8, _) => (0.999, 0.995),
        _ => (0.9993, 0.998),
    }
}

#[test]
fn every_engine_runs_the_model_inside_the_binary() {
    let reference = Encoder::embedded(&Options { precision: Precision::Fp32, ..Options::default() }).unwrap();
    let expected = reference.embed("How tall is the Eiffel Tower?").unwrap();
    for options in ways() {
        let encoder = Encoder::embedded(&options).unwrap();
        let cosine = encoder.embed("How tall is the Eiffel Tower?").unwrap().dot(&expected);
        let exact = options.precision == Precision::Fp32;
        assert!(cosine > if exact { 0.99999 } else { 0.99 }, "{:?}: {cosine}", encoder.about());
        assert_eq!(encoder.fingerprint().model(), reference.fingerprint().model());
    }
}
