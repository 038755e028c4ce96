use crate::support::{Tensor, change, copy, mini_lm, reference, save, set, tensors};
use safetensors::Dtype;
use serde_json::json;
use std::{fs, path::Path};
use trackside_inference::{Classifier, Embedder, Encoder, LoadError, Options, QuantiseError, quantise};

fn target(name: &str) -> std::path::PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    dir
}

#[test]
fn quantised_models_mean_the_same() {
    for model in ["bert", "xlm-roberta", "modernbert"] {
        let target = target(&format!("quantised-{model}"));
        let done = quantise(&reference(model), &target).unwrap();
        assert_eq!(done.name, model);
        assert!(done.bytes_after < done.bytes_before / 2, "{done:?}");
        let load = |dir: &Path| Encoder::load(dir, &Options::default()).unwrap();
        let (original, quantised) = (load(&reference(model)), load(&target));
        assert_eq!(original.fingerprint().model(), quantised.fingerprint().model());
        assert_ne!(original.fingerprint(), quantised.fingerprint());
        assert_eq!(quantised.about().name, model);
        assert_eq!(quantised.about().weights_bytes, done.bytes_after);
        for text in ["the cat sits on the mat", "what is the tax law ?", "a"] {
            let cosine = original.embed(text).unwrap().dot(&quantised.embed(text).unwrap());
            assert!(cosine > 0.99, "{model} {text:?}: {cosine}");
        }
    }
}

#[test]
fn quantised_classifiers_keep_their_heads() {
    for model in ["bert-texts", "xlm-roberta-texts", "modernbert-texts-mean"] {
        let target = target(&format!("quantised-{model}"));
        quantise(&reference(model), &target).unwrap();
        let classify = |dir: &Path| {
            let classifier = Classifier::load(dir, &Options::default()).unwrap();
            let scores = classifier.classify("what is the tax law ?").unwrap();
            scores.into_iter().map(|score| score.score).collect::<Vec<_>>()
        };
        for (original, quantised) in classify(&reference(model)).into_iter().zip(classify(&target)) {
            assert!((original - quantised).abs() < 0.15, "{model}: {original} against {quantised}");
        }
    }
}

#[test]
fn quantising_again_makes_the_same_file() {
    let digests: Vec<_> = ["quantised-one", "quantised-two"]
        .map(|name| quantise(&reference("bert"), &target(name)).unwrap().sha256_after)
        .into();
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn what_is_not_used_is_left_out() {
    let dir = copy("bert", "quantised-extra-source");
    let extra = Tensor { name: "pooler.dense.bias".into(), kind: Dtype::F32, shape: vec![2], bytes: vec![0; 8] };
    change(&dir, |tensors| tensors.push(extra));
    let target = target("quantised-extra");
    quantise(&dir, &target).unwrap();
    let (found, metadata) = tensors(&target.join("model.safetensors"));
    assert!(found.iter().all(|tensor| !tensor.name.starts_with("pooler")));
    let codes: Vec<_> = found.iter().filter(|tensor| tensor.kind == Dtype::I8).collect();
    // The word table, and six matrices in each of three layers.
    assert_eq!(codes.len(), 19);
    assert!(codes.iter().all(|tensor| tensor.bytes.iter().all(|code| *code != 0x80)));
    // Two rows of factors for each layer.
    let levels: Vec<_> = found.iter().filter(|tensor| tensor.name.ends_with(".level")).collect();
    assert_eq!(levels.len(), 6);
    let factors = levels.iter().flat_map(|tensor| tensor.bytes.chunks_exact(4));
    let factors = factors.map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
    assert!(factors.clone().all(|factor| factor.log2().fract() == 0.0));
    assert!(factors.collect::<Vec<_>>().windows(2).any(|two| two[0] != two[1]));
    assert_eq!(metadata["quantisation"], "int8-rows-1");
    assert_eq!(metadata["name"], "quantised-extra-source");
}

#[test]
fn rows_of_zeros_and_of_the_smallest_numbers_survive() {
    let dir = copy("bert", "quantised-zeros-source");
    change(&dir, |tensors| {
        for tensor in tensors.iter_mut().filter(|tensor| tensor.name.ends_with("query.weight")) {
            tensor.bytes[..128].fill(0);
            tensor.bytes[128..256].copy_from_slice(&f32::from_bits(3).to_le_bytes().repeat(32));
        }
    });
    let target = target("quantised-zeros");
    quantise(&dir, &target).unwrap();
    let load = |dir: &Path| Encoder::load(dir, &Options::default()).unwrap();
    let vectors = [load(&dir), load(&target)].map(|encoder| encoder.embed("the tax law").unwrap());
    assert!(vectors[0].dot(&vectors[1]) > 0.99);
}

#[test]
fn refusals() {
    let again = target("quantised-again");
    quantise(&reference("bert"), &again).unwrap();
    let error = quantise(&again, &target("quantised-twice")).unwrap_err();
    assert!(matches!(error, QuantiseError::Already { .. }), "{error}");
    let dir = copy("bert", "quantised-in-place");
    let error = quantise(&dir, &dir).unwrap_err();
    assert!(matches!(error, QuantiseError::SamePlace { .. }), "{error}");
    set(&dir.join("config.json"), "model_type", json!("t5"));
    let error = quantise(&dir, &target("quantised-t5")).unwrap_err();
    assert!(matches!(error, QuantiseError::Load(LoadError::Unsupported { .. })), "{error}");
    let error = quantise(&reference("bert"), &dir.join("config.json")).unwrap_err();
    assert!(matches!(error, QuantiseError::Write { .. }), "{error}");
}

#[test]
fn spoiled_files_are_refused() {
    let source = target("quantised-spoiled-source");
    quantise(&reference("bert"), &source).unwrap();
    let dir = target("quantised-spoiled");
    let spoiled = |spoil: &dyn Fn(&mut Vec<Tensor>)| {
        fs::create_dir_all(&dir).unwrap();
        for file in ["config.json", "tokenizer.json", "model.safetensors"] {
            fs::copy(source.join(file), dir.join(file)).unwrap();
        }
        change(&dir, spoil);
        Encoder::load(&dir, &Options::default()).unwrap_err()
    };
    let is = |tensor: &Tensor, end: &str| tensor.name.ends_with(end);
    let error = spoiled(&|tensors| tensors.retain(|tensor| !is(tensor, "0.output.dense.weight_scale")));
    assert!(matches!(error, LoadError::MissingTensor { ref name, .. } if name.ends_with("_scale")), "{error}");
    let in_scale = |bytes: [u8; 4]| {
        move |tensors: &mut Vec<Tensor>| {
            let scale = tensors.iter_mut().find(|tensor| is(tensor, "0.output.dense.weight_scale")).unwrap();
            scale.bytes[..4].copy_from_slice(&bytes);
        }
    };
    let error = spoiled(&in_scale(f32::NAN.to_le_bytes()));
    assert!(matches!(error, LoadError::NotFinite { .. }), "{error}");
    let error = spoiled(&in_scale((-1.0f32).to_le_bytes()));
    assert!(error.to_string().ends_with("expected codes from -127 on and positive scales"), "{error}");
    let error = spoiled(&|tensors| {
        let codes = tensors.iter_mut().find(|tensor| is(tensor, "0.output.dense.weight")).unwrap();
        codes.bytes[77] = 0x80;
    });
    assert!(error.to_string().ends_with("expected codes from -127 on and positive scales"), "{error}");

    let error = spoiled(&|tensors| tensors.retain(|tensor| !is(tensor, "1.intermediate.level")));
    assert!(matches!(error, LoadError::MissingTensor { ref name, .. } if name.ends_with("level")), "{error}");
    for factor in [0.0f32, -1.0, 1e6] {
        let error = spoiled(&|tensors| {
            let level = tensors.iter_mut().find(|tensor| is(tensor, "1.attention.self.level")).unwrap();
            level.bytes[..4].copy_from_slice(&factor.to_le_bytes());
        });
        assert!(error.to_string().ends_with("expected factors from 0.001 to 1000"), "{error}");
    }

    let path = dir.join("model.safetensors");
    let (all, mut metadata) = tensors(&source.join("model.safetensors"));
    metadata.insert("quantisation".into(), "int4-blocks-1".into());
    save(&path, &all, metadata);
    let error = Encoder::load(&dir, &Options::default()).unwrap_err().to_string();
    assert!(error.ends_with("quantisation is \"int4-blocks-1\", expected int8-rows-1"), "{error}");
}

#[test]
fn the_model_inside_the_binary_is_the_published_one() {
    let Some(dir) = mini_lm() else { return };
    let target = target("quantised-mini-lm");
    let done = quantise(&dir, &target).unwrap();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/all-MiniLM-L6-v2");
    for file in [
        "config.json",
        "tokenizer.json",
        "model.safetensors",
        "modules.json",
        "1_Pooling/config.json",
        "sentence_bert_config.json",
    ] {
        assert!(fs::read(target.join(file)).unwrap() == fs::read(models.join(file)).unwrap(), "{file}");
    }
    let sums = fs::read_to_string(models.join("SHA256SUMS")).unwrap();
    assert!(sums.contains(&format!("{}  model.safetensors", done.sha256_after)), "{done:?}");

    let original = Encoder::load(&dir, &Options::default()).unwrap();
    let embedded = Encoder::embedded(&Options::default()).unwrap();
    assert_eq!(original.fingerprint().model(), embedded.fingerprint().model());
    assert_eq!(embedded.about().name, "all-MiniLM-L6-v2");
}
