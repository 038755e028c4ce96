use crate::support::{cases, change, copy, numbers, reference, set, ways, write_json};
use safetensors::Dtype;
use serde_json::{Value, json};
use std::{collections::HashSet, path::Path};
use trackside_inference::{Architecture, Embedder, Encoder, Options, Precision, dot};

fn load(dir: &Path) -> Encoder {
    Encoder::load(dir, &Options { precision: Precision::Fp32, ..Options::default() }).unwrap()
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

/// Compares with the reference's vectors of this kind, and the ids with its ids.
fn assert_matches(encoder: &Encoder, model: &str, vectors: &str) {
    // Networks of random weights magnify what is lost in 8 or 16 bits far beyond what trained ones do.
    let (cosine, difference) = match encoder.about().precision {
        Precision::Fp32 => (0.999_999, 1e-4),
        Precision::Bf16 => (0.999, 0.05),
        _ => (0.99, 0.15),
    };
    for case in cases(model) {
        let text = case["text"].as_str().unwrap();
        let expected = numbers(&case[vectors]);
        let found = encoder.embed(text).unwrap();
        let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
        assert_eq!(found, encoder.embed_ids(&ids).unwrap(), "{model} {text:?}");
        let found = found.as_slice();
        let about = encoder.about();
        assert!(dot(found, &expected) > cosine, "{about:?} {text:?}: cosine {}", dot(found, &expected));
        let apart = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < difference, "{about:?} {text:?}: {apart}");
    }
}

#[test]
fn every_engine_matches_the_reference() {
    for (model, architecture) in [("bert", Architecture::Bert), ("xlm-roberta", Architecture::XlmRoberta)] {
        for options in ways() {
            let encoder = Encoder::load(&reference(model), &options).unwrap();
            let about = encoder.about();
            assert_eq!((about.architecture, about.dimensions, about.max_tokens), (architecture, 32, 40));
            assert_eq!((about.precision, about.instructions), (options.precision, options.instructions.unwrap()));
            assert_matches(&encoder, model, "mean");
        }
    }
}

#[test]
fn modern_bert_matches_the_reference() {
    let encoder = load(&reference("modernbert"));
    assert_eq!(encoder.about().architecture, Architecture::ModernBert);
    assert_matches(&encoder, "modernbert", "mean");
    let dir = copy("modernbert", "golden-modernbert");
    set_pooling(&dir, &json!({"pooling_mode": "cls"}));
    assert_matches(&load(&dir), "modernbert", "cls");
}

#[test]
fn fewer_layers_end_with_the_final_norm() {
    let options = Options { layers: Some(2), ..Options::default() };
    let encoder = Encoder::load(&reference("modernbert"), &options).unwrap();
    assert_matches(&encoder, "modernbert", "mean_of_2_layers");
    let options = Options { layers: Some(22), ..Options::default() };
    assert_matches(&Encoder::load(&reference("modernbert"), &options).unwrap(), "modernbert", "mean");
}

#[test]
fn fewer_dimensions_are_scaled_again() {
    let whole = load(&reference("modernbert"));
    let options = Options { dimensions: Some(8), ..Options::default() };
    let cut = Encoder::load(&reference("modernbert"), &options).unwrap();
    assert_eq!((cut.dimensions(), cut.about().dimensions), (8, 8));
    let (whole_vector, cut_vector) = (whole.embed("a cat").unwrap(), cut.embed("a cat").unwrap());
    let head = &whole_vector.as_slice()[..8];
    let length = dot(head, head).sqrt();
    for (cut, whole) in cut_vector.as_slice().iter().zip(head) {
        assert!((cut - whole / length).abs() < 1e-6);
    }
    let options = Options { dimensions: Some(768), ..Options::default() };
    assert_eq!(Encoder::load(&reference("modernbert"), &options).unwrap().fingerprint(), whole.fingerprint());
}

#[test]
fn pooling_follows_flags_and_names() {
    let dir = copy("bert", "golden-pooling");
    for (config, pooling) in [
        (json!({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": false}), "mean"),
        (json!({"pooling_mode_mean_tokens": false, "pooling_mode_cls_token": true}), "cls"),
        (json!({"pooling_mode": "mean"}), "mean"),
        (json!({"pooling_mode": "cls"}), "cls"),
    ] {
        set_pooling(&dir, &config);
        assert_matches(&load(&dir), "bert", pooling);
    }
}

#[test]
fn weights_of_a_larger_network_load_too() {
    for (model, prefix) in [("bert", "bert."), ("xlm-roberta", "roberta."), ("modernbert", "model.")] {
        let dir = copy(model, &format!("golden-prefix-{model}"));
        change(&dir, |tensors| tensors.iter_mut().for_each(|tensor| tensor.name.insert_str(0, prefix)));
        assert_matches(&load(&dir), model, "mean");
    }
}

#[test]
fn weights_of_half_the_length_load_too() {
    let whole = load(&reference("bert")).embed("the tax law").unwrap();
    let upper = |bytes: &[u8]| [bytes[2], bytes[3]];
    let half = |bytes: &[u8]| half::f16::from_f32(f32::from_le_bytes(bytes.try_into().unwrap())).to_le_bytes();
    for (name, kind, shorten) in
        [("golden-bf16", Dtype::BF16, &upper as &dyn Fn(&[u8]) -> [u8; 2]), ("golden-f16", Dtype::F16, &half)]
    {
        let dir = copy("bert", name);
        change(&dir, |tensors| {
            for tensor in tensors {
                tensor.bytes = tensor.bytes.chunks_exact(4).flat_map(shorten).collect();
                tensor.kind = kind;
            }
        });
        let halved = load(&dir).embed("the tax law").unwrap();
        assert!(whole != halved && whole.dot(&halved) > 0.999, "{name}: {}", whole.dot(&halved));
    }
}

#[test]
fn the_longest_input_is_never_more_than_the_positions() {
    let dir = copy("bert", "golden-positions");
    for (asked, expected) in [(12, 12), (512, 40)] {
        write_json(&dir.join("sentence_bert_config.json"), &json!({"max_seq_length": asked}));
        let encoder = load(&dir);
        assert_eq!(encoder.about().max_tokens, expected);
        encoder.embed(&"the cat ".repeat(1000)).unwrap();
    }
    // Attention over more would take memory and time without bound.
    let dir = copy("modernbert", "golden-longest");
    set(&dir.join("config.json"), "max_position_embeddings", json!(1_000_000));
    let encoder = load(&dir);
    assert_eq!(encoder.about().max_tokens, 2048);
    encoder.embed(&"the cat ".repeat(2000)).unwrap();
}

#[test]
fn a_text_of_megabytes_costs_no_more_than_a_long_one() {
    let encoder = load(&reference("bert"));
    // A cut inside a character must not show.
    let long = format!("the cat sits {}", "é".repeat(32 << 20));
    let start = std::time::Instant::now();
    encoder.embed(&long).unwrap();
    assert!(start.elapsed().as_secs() < 2, "took {:?}", start.elapsed());
}

#[test]
fn ids_are_cut_and_checked() {
    for options in ways() {
        let encoder = Encoder::load(&reference("bert"), &options).unwrap();
        let ids: Vec<u32> = (0..10_000).map(|index| index % 20).collect();
        assert_eq!(encoder.embed_ids(&ids).unwrap(), encoder.embed_ids(&ids[..40]).unwrap());
        let error = encoder.embed_ids(&[]).unwrap_err();
        assert!(matches!(error, trackside_inference::EmbedError::NoDirection { .. }), "{error}");
        let error = encoder.embed_ids(&[2, 99, 3]).unwrap_err();
        assert!(matches!(error, trackside_inference::EmbedError::UnknownToken { id: 99, .. }), "{error}");
    }
}

#[test]
fn fingerprint_names_everything_that_moves_vectors() {
    let dir = copy("bert", "golden-fingerprint");
    let print = || load(&dir).fingerprint().clone();
    let mut seen = vec![print()];
    assert_eq!(seen, [print()]);
    let cut = |options| Encoder::load(&dir, &options).unwrap().fingerprint().clone();
    seen.push(cut(Options { precision: Precision::Fp32, layers: Some(2), ..Options::default() }));
    seen.push(cut(Options { precision: Precision::Fp32, dimensions: Some(16), ..Options::default() }));
    set_pooling(&dir, &json!({"pooling_mode": "cls"}));
    seen.push(print());
    let models: HashSet<_> = seen.iter().map(|print| print.model().to_owned()).collect();
    assert_eq!(models.len(), seen.len());

    write_json(&dir.join("sentence_bert_config.json"), &json!({"max_seq_length": 11}));
    seen.push(print());
    set(&dir.join("config.json"), "layer_norm_eps", json!(1e-5));
    seen.push(print());
    assert!(seen.iter().rev().take(3).all(|print| print.model() == seen[3].model()));

    change(&dir, |tensors| tensors[5].bytes[7] ^= 1);
    seen.push(print());
    let distinct: HashSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len());
    let engines: HashSet<_> = ways().map(&cut).collect();
    assert_eq!(engines.len(), ways().count());
}
