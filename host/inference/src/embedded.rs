//! The model inside the binary. `models/quantise.sh` makes its files.

use crate::model_dir::Embedded;

macro_rules! files {
    ($folder:literal: $($file:literal),+) => {
        &[$(($file, include_bytes!(concat!("../models/", $folder, "/", $file)))),+]
    };
}

pub(crate) static MINI_LM: Embedded = Embedded {
    name: "all-MiniLM-L6-v2",
    files: files!(
        "all-MiniLM-L6-v2":
        "config.json",
        "tokenizer.json",
        "model.safetensors",
        "modules.json",
        "1_Pooling/config.json",
        "sentence_bert_config.json"
    ),
};
