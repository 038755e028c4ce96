use crate::support::{change, copy, reference, set, tensors, write_json};
use safetensors::Dtype;
use serde_json::json;
use std::{fs, path::Path};
use trackside_inference::{Encoder, Instructions, LoadError, Options, Precision};

/// Loads a copy that `spoil` changed, and returns the error and its text.
fn refused_of(model: &str, name: &str, spoil: impl FnOnce(&Path)) -> (LoadError, String) {
    let dir = copy(model, name);
    spoil(&dir);
    let error = Encoder::load(&dir, &Options::default()).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with(dir.to_str().unwrap()) || text.starts_with("cannot read"), "{text}");
    (error, text)
}

fn refused(name: &str, spoil: impl FnOnce(&Path)) -> (LoadError, String) {
    refused_of("bert", name, spoil)
}

#[test]
fn missing_files() {
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        let (error, text) = refused("missing", |dir| fs::remove_file(dir.join(file)).unwrap());
        assert!(matches!(error, LoadError::Read { .. }), "{error:?}");
        assert!(text.ends_with(file), "{text}");
    }
    let (error, text) = refused("missing-pooling", |dir| {
        write_json(&dir.join("modules.json"), &json!([{"path": "1_Pooling", "type": "x.Pooling"}]));
    });
    assert!(matches!(error, LoadError::Read { .. }) && text.ends_with("1_Pooling/config.json"), "{text}");
}

#[test]
fn files_that_are_none_or_too_long() {
    let (error, _) = refused("directory", |dir| {
        fs::remove_file(dir.join("config.json")).unwrap();
        fs::create_dir(dir.join("config.json")).unwrap();
    });
    assert!(matches!(error, LoadError::NotReadable { .. }), "{error:?}");
    let (error, _) = refused("too-long", |dir| fs::write(dir.join("modules.json"), vec![b' '; 1 << 21]).unwrap());
    assert!(matches!(error, LoadError::NotReadable { limit: 1_048_576, .. }), "{error:?}");
}

#[test]
fn paths_that_lead_out_of_the_model() {
    for path in ["../golden", "/etc", "a/../../b"] {
        let (error, text) = refused("outside", |dir| {
            write_json(&dir.join("modules.json"), &json!([{"path": path, "type": "x.Pooling"}]));
        });
        assert!(matches!(error, LoadError::Unsupported { .. }) && text.ends_with("expected a folder of the model"));
    }
}

#[test]
fn json_that_does_not_parse() {
    for file in ["config.json", "modules.json", "sentence_bert_config.json"] {
        let (error, text) = refused("json", |dir| fs::write(dir.join(file), "{").unwrap());
        assert!(matches!(error, LoadError::Json { .. }) && text.contains(file), "{text}");
    }
    let (error, _) = refused("json-field", |dir| set(&dir.join("config.json"), "hidden_size", json!("wide")));
    assert!(matches!(error, LoadError::Json { .. }), "{error:?}");
}

#[test]
fn architectures_that_are_not_known() {
    for (model, field, value, message) in [
        ("bert", "model_type", json!("t5"), "model_type is \"t5\", expected bert, xlm-roberta or modernbert"),
        ("bert", "model_type", json!(null), "model_type is \"\", expected bert, xlm-roberta or modernbert"),
        ("bert", "hidden_act", json!("relu"), "hidden_act is \"relu\", expected gelu"),
        ("bert", "position_embedding_type", json!("relative_key"), "is \"relative_key\", expected absolute"),
        ("bert", "num_attention_heads", json!(5), "num_attention_heads is \"5\", expected a divisor of hidden_size"),
        ("bert", "num_attention_heads", json!(0), "num_attention_heads is \"0\", expected at least 1"),
        ("bert", "num_hidden_layers", json!(0), "num_hidden_layers is \"0\", expected at least 1"),
        ("bert", "layer_norm_eps", json!(-1.0), "layer_norm_eps is \"-1\", expected a positive number"),
        ("xlm-roberta", "pad_token_id", json!(41), "is \"42\", expected more than pad_token_id and one"),
        ("xlm-roberta", "pad_token_id", json!(usize::MAX), "is \"42\", expected more than pad_token_id and one"),
        ("xlm-roberta", "hidden_act", json!("silu"), "hidden_act is \"silu\", expected gelu"),
        ("modernbert", "hidden_activation", json!("relu"), "hidden_activation is \"relu\", expected gelu"),
        ("modernbert", "num_attention_heads", json!(32), "is \"32\", expected a divisor of half of hidden_size"),
        ("modernbert", "global_attn_every_n_layers", json!(0), "is \"0\", expected at least 1"),
        ("modernbert", "global_rope_theta", json!(-4.0), "rope_theta is \"-4\", expected a positive number"),
        ("modernbert", "rope_scaling", json!({"factor": 2}), "rope_scaling is \"{\"factor\":2}\", expected none"),
        ("modernbert", "layer_types", json!(["full_attention"]), "is \"1 entries\", expected one for each layer"),
        (
            "modernbert",
            "rope_parameters",
            json!({"full_attention": {"rope_type": "yarn"}}),
            "rope_type is \"yarn\", expected default",
        ),
    ] {
        let (error, text) = refused_of(model, "architecture", |dir| set(&dir.join("config.json"), field, value));
        assert!(matches!(error, LoadError::Unsupported { .. }) && text.ends_with(message), "{text}");
    }
}

#[test]
fn poolings_and_modules_that_are_not_known() {
    for (config, found) in [
        (json!({"pooling_mode_max_tokens": true}), "max_tokens"),
        (json!({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true}), "mean_tokens + cls_token"),
        (json!({"pooling_mode": "lasttoken"}), "lasttoken"),
        (json!({}), ""),
    ] {
        let (error, text) = refused("pooling", |dir| {
            write_json(&dir.join("modules.json"), &json!([{"path": "p", "type": "x.Pooling"}]));
            write_json(&dir.join("p/config.json"), &config);
        });
        assert!(matches!(error, LoadError::Unsupported { found: ref f, .. } if f == found), "{text}");
    }
    let (error, text) = refused("module", |dir| {
        write_json(&dir.join("modules.json"), &json!([{"path": "", "type": "sentence_transformers.models.Dense"}]));
    });
    assert!(matches!(error, LoadError::Unsupported { .. }) && text.contains("models.Dense"), "{text}");
}

#[test]
fn tokenizers_that_do_not_fit() {
    let (error, _) = refused("tokenizer", |dir| write_json(&dir.join("tokenizer.json"), &json!({"model": 1})));
    assert!(matches!(error, LoadError::Tokenizer { .. }), "{error:?}");
    let (error, _) = refused("vocabulary", |dir| set(&dir.join("config.json"), "vocab_size", json!(21)));
    assert!(matches!(error, LoadError::Vocabulary { rows: 21, .. }), "{error:?}");
    let (error, text) = refused("max-length", |dir| {
        write_json(&dir.join("sentence_bert_config.json"), &json!({"max_seq_length": 2}));
    });
    assert!(matches!(error, LoadError::Unsupported { .. }) && text.contains("longest input is \"2\""), "{text}");
}

#[test]
fn weights_that_do_not_fit() {
    let (error, _) = refused("garbage", |dir| fs::write(dir.join("model.safetensors"), "not tensors").unwrap());
    assert!(matches!(error, LoadError::Weights { .. }), "{error:?}");
    let (error, _) = refused("cut", |dir| {
        let bytes = fs::read(dir.join("model.safetensors")).unwrap();
        fs::write(dir.join("model.safetensors"), &bytes[..bytes.len() - 1]).unwrap();
    });
    assert!(matches!(error, LoadError::Weights { .. }), "{error:?}");
}

#[test]
fn sizes_that_no_file_can_have() {
    for model in ["bert", "xlm-roberta", "modernbert"] {
        let (error, text) = refused_of(model, "layers", |dir| {
            set(&dir.join("config.json"), "num_hidden_layers", json!(usize::MAX));
        });
        assert!(matches!(error, LoadError::MissingTensor { .. }) && text.contains("layer"), "{text}");
        for field in ["hidden_size", "intermediate_size", "vocab_size"] {
            let (error, text) = refused_of(model, "sizes", |dir| {
                set(&dir.join("config.json"), field, json!(usize::MAX - 7));
            });
            assert!(matches!(error, LoadError::Shape { .. }), "{model} {field}: {text}");
        }
    }
    for (model, field) in [("bert", "max_position_embeddings"), ("bert", "type_vocab_size")] {
        let (error, text) = refused_of(model, "sizes", |dir| set(&dir.join("config.json"), field, json!(usize::MAX)));
        assert!(matches!(error, LoadError::Shape { .. }), "{field}: {text}");
    }
}

#[test]
fn every_tensor_is_needed_and_checked() {
    for model in ["bert", "xlm-roberta", "modernbert"] {
        let (all, _) = tensors(&reference(model).join("model.safetensors"));
        for (index, tensor) in all.iter().enumerate() {
            let (error, _) = refused_of(model, "tensor-missing", |dir| {
                change(dir, |tensors| {
                    tensors.remove(index);
                });
            });
            assert!(matches!(error, LoadError::MissingTensor { ref name, .. } if *name == tensor.name), "{error:?}");

            let (error, _) = refused_of(model, "tensor-shape", |dir| {
                change(dir, |tensors| tensors[index].shape.insert(0, 1));
            });
            assert!(matches!(error, LoadError::Shape { ref name, .. } if *name == tensor.name), "{error:?}");

            let (error, _) = refused_of(model, "tensor-nan", |dir| {
                let bad = if index % 2 == 0 { f32::NAN } else { f32::INFINITY };
                change(dir, |tensors| {
                    *tensors[index].bytes.last_chunk_mut().unwrap() = bad.to_le_bytes();
                });
            });
            assert!(matches!(error, LoadError::NotFinite { ref name, .. } if *name == tensor.name), "{error:?}");
        }
    }
    let (error, text) = refused("tensor-kind", |dir| {
        change(dir, |tensors| tensors.iter_mut().for_each(|tensor| tensor.kind = Dtype::I32));
    });
    assert!(matches!(error, LoadError::Unsupported { .. }) && text.ends_with("numbers in F32, F16 or BF16"), "{text}");
}

#[test]
fn options_that_cannot_be_met() {
    let load = |options| Encoder::load(&reference("modernbert"), &options).unwrap_err().to_string();
    let options = Options::default();
    assert_eq!(load(Options { dimensions: Some(0), ..options }), "dimensions is 0, expected at least 1");
    assert_eq!(load(Options { layers: Some(0), ..options }), "layers is 0, expected at least 1");
    let only = "modernbert runs in fp32 with portable instructions only, asked for was ";
    assert_eq!(load(Options { precision: Precision::Int8, ..options }), format!("{only}int8"));
    let instructions = Some(Instructions::Avx2);
    assert_eq!(load(Options { instructions, ..options }), format!("{only}auto with avx2 instructions"));
    let options = Options { precision: Precision::Bf16, instructions: Some(Instructions::Portable), ..options };
    let error = Encoder::load(&reference("bert"), &options).unwrap_err();
    assert!(matches!(error, LoadError::Engine(_)), "{error:?}");
}
