use crate::support::{TinyBert, save, write_json};
use serde_json::json;
use std::{fs, path::Path};
use trackside_inference::{Encoder, LoadError};

/// Loads a directory that `spoil` changed, and returns the error and its text.
fn refused(name: &str, spoil: impl FnOnce(&Path)) -> (LoadError, String) {
    let dir = TinyBert::default().write(name);
    spoil(&dir);
    let error = Encoder::load(&dir).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with(dir.to_str().unwrap()) || text.starts_with("cannot read"), "{text}");
    (error, text)
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
fn json_that_does_not_parse() {
    for file in ["config.json", "modules.json", "sentence_bert_config.json"] {
        let (error, text) = refused("json", |dir| fs::write(dir.join(file), "{").unwrap());
        assert!(matches!(error, LoadError::Json { .. }) && text.contains(file), "{text}");
    }
    let (error, _) = refused("json-field", |dir| {
        let mut config = TinyBert::default().config();
        config["hidden_size"] = json!("wide");
        write_json(&dir.join("config.json"), &config);
    });
    assert!(matches!(error, LoadError::Json { .. }), "{error:?}");
}

#[test]
fn architectures_that_are_not_this_one() {
    for (field, value, message) in [
        ("model_type", json!("modernbert"), "model_type is \"modernbert\", expected bert"),
        ("model_type", json!(null), "model_type is \"\", expected bert"),
        ("hidden_act", json!("relu"), "hidden_act is \"relu\", expected gelu"),
        ("position_embedding_type", json!("relative_key"), "is \"relative_key\", expected absolute"),
        ("num_attention_heads", json!(5), "num_attention_heads is \"5\", expected a divisor of hidden_size"),
        ("num_attention_heads", json!(0), "num_attention_heads is \"0\", expected at least 1"),
        ("num_hidden_layers", json!(0), "num_hidden_layers is \"0\", expected at least 1"),
        ("layer_norm_eps", json!(-1.0), "layer_norm_eps is \"-1\", expected a positive number"),
    ] {
        let (error, text) = refused("architecture", |dir| {
            let mut config = TinyBert::default().config();
            config[field] = value;
            write_json(&dir.join("config.json"), &config);
        });
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
    let (error, _) = refused("vocabulary", |dir| {
        let mut config = TinyBert::default().config();
        config["vocab_size"] = json!(21);
        write_json(&dir.join("config.json"), &config);
    });
    assert!(matches!(error, LoadError::Vocabulary { highest: 21, rows: 21, .. }), "{error:?}");
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

    let (error, text) = refused("layers", |dir| {
        let mut config = TinyBert::default().config();
        config["num_hidden_layers"] = json!(usize::MAX);
        write_json(&dir.join("config.json"), &config);
    });
    assert!(matches!(error, LoadError::MissingTensor { .. }) && text.contains("encoder.layer.2."), "{text}");
}

#[test]
fn every_tensor_is_needed_and_checked() {
    let names: Vec<String> = TinyBert::default().tensors().into_iter().map(|tensor| tensor.name).collect();
    for (index, expected) in names.iter().enumerate() {
        let (error, _) = refused("tensor-missing", |dir| {
            let mut tensors = TinyBert::default().tensors();
            tensors.remove(index);
            save(&dir.join("model.safetensors"), &tensors, "F32");
        });
        assert!(matches!(error, LoadError::MissingTensor { ref name, .. } if name == expected), "{error:?}");

        let (error, _) = refused("tensor-shape", |dir| {
            let mut tensors = TinyBert::default().tensors();
            tensors[index].shape.insert(0, 1);
            save(&dir.join("model.safetensors"), &tensors, "F32");
        });
        assert!(matches!(error, LoadError::Shape { ref name, .. } if name == expected), "{error:?}");

        let (error, _) = refused("tensor-nan", |dir| {
            let mut tensors = TinyBert::default().tensors();
            *tensors[index].values.last_mut().unwrap() = if index % 2 == 0 { f32::NAN } else { f32::INFINITY };
            save(&dir.join("model.safetensors"), &tensors, "F32");
        });
        assert!(matches!(error, LoadError::NotFinite { ref name, .. } if name == expected), "{error:?}");
    }
    let (error, text) = refused("tensor-kind", |dir| {
        save(&dir.join("model.safetensors"), &TinyBert::default().tensors(), "I32");
    });
    assert!(matches!(error, LoadError::Unsupported { .. }) && text.contains("expected floating point"), "{text}");
}
