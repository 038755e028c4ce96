use crate::support::{TinyBert, expected, save, write_json};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use trackside_inference::{Embedder, Encoder};

/// A directory with the longest input that the reference uses.
fn tiny(name: &str, shape: &TinyBert) -> PathBuf {
    let dir = shape.write(name);
    write_json(&dir.join("sentence_bert_config.json"), &json!({"max_seq_length": 12, "do_lower_case": false}));
    dir
}

fn set_pooling(dir: &Path, config: &Value) {
    let modules = json!([
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "pool", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]);
    write_json(&dir.join("modules.json"), &modules);
    write_json(&dir.join("pool/config.json"), config);
}

fn assert_matches(dir: &Path, pooling: &str) {
    let encoder = Encoder::load(dir).unwrap();
    assert_eq!((encoder.dimensions(), encoder.max_tokens()), (32, 12));
    for case in expected()["cases"].as_array().unwrap() {
        let text = case["text"].as_str().unwrap();
        let vector = encoder.embed(text).unwrap();
        let reference: Vec<f32> = serde_json::from_value(case[pooling].clone()).unwrap();
        assert_eq!(vector.as_slice().len(), reference.len());
        for (index, (found, expected)) in vector.as_slice().iter().zip(reference).enumerate() {
            assert!((found - expected).abs() < 1e-4, "{text:?} {pooling}[{index}]: {found}, expected {expected}");
        }
    }
}

#[test]
fn mean_pooling_is_the_default() {
    assert_matches(&tiny("golden-default", &TinyBert::default()), "mean");
}

#[test]
fn pooling_follows_flags_and_names() {
    let dir = tiny("golden-pooling", &TinyBert::default());
    for (config, pooling) in [
        (json!({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": false}), "mean"),
        (json!({"pooling_mode_mean_tokens": false, "pooling_mode_cls_token": true}), "cls"),
        (json!({"pooling_mode": "mean"}), "mean"),
        (json!({"pooling_mode": "cls"}), "cls"),
    ] {
        set_pooling(&dir, &config);
        assert_matches(&dir, pooling);
    }
}

#[test]
fn weights_of_a_larger_network_load_too() {
    assert_matches(&tiny("golden-prefix", &TinyBert { prefix: "bert.", ..TinyBert::default() }), "mean");
}

#[test]
fn weights_of_half_the_length_load_too() {
    let dir = tiny("golden-bf16", &TinyBert::default());
    let whole = Encoder::load(&dir).unwrap().embed("the tax law").unwrap();
    save(&dir.join("model.safetensors"), &TinyBert::default().tensors(), "BF16");
    let halved = Encoder::load(&dir).unwrap().embed("the tax law").unwrap();
    assert!(whole != halved && whole.dot(&halved) > 0.999, "{}", whole.dot(&halved));
}

#[test]
fn the_longest_input_is_never_more_than_the_positions() {
    let dir = TinyBert::default().write("golden-positions");
    assert_eq!(Encoder::load(&dir).unwrap().max_tokens(), 24);
    write_json(&dir.join("sentence_bert_config.json"), &json!({"max_seq_length": 512}));
    let encoder = Encoder::load(&dir).unwrap();
    assert_eq!(encoder.max_tokens(), 24);
    encoder.embed(&"the cat ".repeat(1000)).unwrap();
}

#[test]
fn a_text_of_megabytes_costs_no_more_than_its_head() {
    let encoder = Encoder::load(&tiny("golden-long", &TinyBert::default())).unwrap();
    let head = "the cat sits on the mat ".repeat(3);
    // A cut inside a character must not show.
    let long = format!("{head}{}", "é".repeat(32 << 20));
    let start = std::time::Instant::now();
    assert_eq!(encoder.embed(&head).unwrap(), encoder.embed(&long).unwrap());
    assert!(start.elapsed().as_secs() < 2, "took {:?}", start.elapsed());
}

#[test]
fn fingerprint_names_everything_that_moves_vectors() {
    let dir = tiny("golden-fingerprint", &TinyBert::default());
    let print = || Encoder::load(&dir).unwrap().fingerprint().clone();
    let mut seen = vec![print()];
    assert_eq!(seen, [print()]);
    set_pooling(&dir, &json!({"pooling_mode": "cls"}));
    seen.push(print());
    write_json(&dir.join("sentence_bert_config.json"), &json!({"max_seq_length": 11}));
    seen.push(print());
    let mut config = TinyBert::default().config();
    config["layer_norm_eps"] = json!(1e-5);
    write_json(&dir.join("config.json"), &config);
    seen.push(print());
    let mut tensors = TinyBert::default().tensors();
    tensors[5].values[7] += 0.01;
    save(&dir.join("model.safetensors"), &tensors, "F32");
    seen.push(print());
    let distinct: std::collections::HashSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len());
}
