//! The fitted classifier as a safetensors file.

use super::evidence::Sample;
use super::model::lexicon::Lexicon;
use super::model::{KINDS, Sight, Weights, tensors};
use anyhow::Context as _;
use serde_json::{Map, Value, json};
use trackside_inference::{Embedder as _, Encoder};

/// The header's length is a multiple of this, so that numbers can be read where they lie.
const ALIGNMENT: usize = 8;

/// Names, types and shapes before the numbers, as the format wants it.
struct File {
    header: Map<String, Value>,
    data: Vec<u8>,
}

/// Writes everything that the component needs. The vectors have 8 bits a number.
pub(super) fn write(
    labels: &[String],
    samples: &[Sample],
    lexicon: &Lexicon,
    Weights(sights): Weights,
    encoder: &Encoder,
) -> anyhow::Result<Vec<u8>> {
    let labels_json = serde_json::to_string(labels).context("labels are text")?;
    let metadata = json!({ tensors::LABELS: labels_json, "model": encoder.fingerprint().model() });
    let mut file = File { header: Map::from_iter([("__metadata__".to_owned(), metadata)]), data: Vec::new() };
    let (rows, stems, columns) = (samples.len(), lexicon.stems.len(), labels.len());
    let (scales, vectors): (Vec<f32>, Vec<Vec<i8>>) =
        samples.iter().map(|sample| quantised(sample.vector.as_slice())).unzip();
    // Those of four bytes first and those of one last: each then lies at a multiple of its size.
    file.add("scales", "F32", &[rows], scales.iter().flat_map(|scale| scale.to_le_bytes()));
    file.add(tensors::STEMS, "U32", &[stems], lexicon.stems.iter().flat_map(|stem| stem.to_le_bytes()));
    file.add(tensors::RARITY, "F32", &[stems], lexicon.rarity.iter().flat_map(|rarity| rarity.to_le_bytes()));
    file.add(tensors::SCALES, "F32", &[columns], lexicon.scales.iter().flat_map(|scale| scale.to_le_bytes()));
    file.add(
        tensors::SIGHTS,
        "F32",
        &[Sight::ALL.len(), KINDS],
        sights.iter().flatten().flat_map(|weight| weight.to_le_bytes()),
    );
    let numbers: Vec<u16> = samples
        .iter()
        .map(|sample| u16::try_from(sample.label))
        .collect::<Result<_, _>>()
        .context("too many labels")?;
    file.add("labels", "U16", &[rows], numbers.iter().flat_map(|label| label.to_le_bytes()));
    let bytes = vectors.iter().flatten().flat_map(|number| number.to_le_bytes());
    file.add("vectors", "I8", &[rows, encoder.dimensions()], bytes);
    file.add(tensors::WEIGHTS, "I8", &[stems, columns], lexicon.weights.iter().flat_map(|weight| weight.to_le_bytes()));
    file.bytes()
}

impl File {
    fn add(&mut self, name: &str, dtype: &str, shape: &[usize], bytes: impl Iterator<Item = u8>) {
        let start = self.data.len();
        self.data.extend(bytes);
        let entry = json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, self.data.len()] });
        self.header.insert(name.to_owned(), entry);
    }

    fn bytes(self) -> anyhow::Result<Vec<u8>> {
        let mut header = serde_json::to_vec(&self.header).context("the header is JSON")?;
        header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');
        let length = (header.len() as u64).to_le_bytes();
        Ok([&length[..], &header, &self.data].concat())
    }
}

/// A vector with what 1 is in it.
fn quantised(vector: &[f32]) -> (f32, Vec<i8>) {
    let most = vector.iter().fold(0.0, |most: f32, number| most.max(number.abs()));
    let scale = if most > 0.0 { most / 127.0 } else { 1.0 };
    // Between -127 and 127 by the choice of the scale.
    (scale, vector.iter().map(|number| (number / scale).round() as i8).collect())
}
