//! The fitted classifier as `trackside train domain` writes it: a safetensors file. Its vectors are for the host, the rest
//! is read here.

use crate::model::lexicon::Lexicon;
use crate::model::{KINDS, Sight, Weights, tensors};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The classifier that comes with the component.
pub(crate) const EMBEDDED: &[u8] = include_bytes!("../fitted/domain.safetensors");

/// A longer header is no header.
const MOST_HEADER_BYTES: usize = 1 << 20;

/// Everything of a fitted classifier but its vectors.
#[derive(Debug)]
pub(crate) struct Fitted {
    pub(crate) labels: Vec<String>,
    pub(crate) lexicon: Lexicon,
    pub(crate) weights: Weights,
}

/// Where a tensor is. Its shape follows from its length.
#[derive(Debug, Deserialize)]
struct Place {
    dtype: String,
    data_offsets: (usize, usize),
}

/// An entry of the header: a tensor, or the metadata.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Entry {
    Tensor(Place),
    Metadata(BTreeMap<String, String>),
}

struct File<'a> {
    header: BTreeMap<String, Entry>,
    data: &'a [u8],
}

impl Fitted {
    /// Reads a file.
    ///
    /// # Errors
    /// Says what is missing or does not fit.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let file = File::open(bytes)?;
        let labels: Vec<String> = serde_json::from_str(file.metadata(tensors::LABELS)?)
            .map_err(|error| format!("its labels are no list of names: {error}"))?;
        let lexicon = Lexicon {
            stems: file.numbers(tensors::STEMS, "U32", u32::from_le_bytes)?,
            rarity: file.numbers(tensors::RARITY, "F32", f32::from_le_bytes)?,
            weights: file.numbers(tensors::WEIGHTS, "I8", i8::from_le_bytes)?,
            scales: file.numbers(tensors::SCALES, "F32", f32::from_le_bytes)?,
        };
        let stems = lexicon.stems.len();
        if lexicon.scales.len() != labels.len()
            || lexicon.rarity.len() != stems
            || Some(lexicon.weights.len()) != stems.checked_mul(labels.len())
            || !lexicon.stems.is_sorted()
        {
            return Err(format!("its words do not fit {} labels", labels.len()));
        }
        let sights = file.numbers(tensors::SIGHTS, "F32", f32::from_le_bytes)?;
        let (rows, rest) = sights.as_chunks::<KINDS>();
        let rows: &[_; Sight::ALL.len()] =
            rows.try_into().map_err(|_| format!("it weighs {} kinds of evidence", sights.len()))?;
        if !rest.is_empty() {
            return Err(format!("it weighs {} kinds of evidence", sights.len()));
        }
        Ok(Self { labels, lexicon, weights: Weights(*rows) })
    }
}

impl<'a> File<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let short = || "it is no safetensors file".to_owned();
        let (length, rest) = bytes.split_first_chunk().ok_or_else(short)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| short())?;
        let header = rest.get(..length).filter(|_| length <= MOST_HEADER_BYTES).ok_or_else(short)?;
        let header = serde_json::from_slice(header).map_err(|error| format!("its header cannot be read: {error}"))?;
        Ok(Self { header, data: rest.get(length..).unwrap_or_default() })
    }

    fn metadata(&self, name: &str) -> Result<&str, String> {
        match self.header.get("__metadata__") {
            Some(Entry::Metadata(metadata)) => metadata.get(name).map(String::as_str),
            _ => None,
        }
        .ok_or_else(|| format!("its metadata has no \"{name}\""))
    }

    fn numbers<T, const BYTES: usize>(
        &self,
        name: &str,
        dtype: &str,
        read: fn([u8; BYTES]) -> T,
    ) -> Result<Vec<T>, String> {
        let place = match self.header.get(name) {
            Some(Entry::Tensor(place)) if place.dtype == dtype => place,
            _ => return Err(format!("it has no \"{name}\" of type {dtype}")),
        };
        let (start, end) = place.data_offsets;
        let bytes = self.data.get(start..end).ok_or_else(|| format!("\"{name}\" ends behind the file"))?;
        let (numbers, rest) = bytes.as_chunks::<BYTES>();
        if !rest.is_empty() {
            return Err(format!("\"{name}\" has {} bytes", bytes.len()));
        }
        Ok(numbers.iter().map(|number| read(*number)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file(header: &serde_json::Value, data: &[u8]) -> Vec<u8> {
        let header = header.to_string();
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
    }

    /// One stem, two labels.
    fn header() -> serde_json::Value {
        json!({
            "__metadata__": {"labels": "[\"a\", \"b\"]", "model": "m"},
            "words.stems": {"dtype": "U32", "shape": [1], "data_offsets": [0, 4]},
            "words.rarity": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]},
            "words.weights": {"dtype": "I8", "shape": [1, 2], "data_offsets": [8, 10]},
            "words.scales": {"dtype": "F32", "shape": [2], "data_offsets": [10, 18]},
            "sights": {"dtype": "F32", "shape": [3, 3], "data_offsets": [18, 54]},
        })
    }

    #[test]
    fn the_embedded_classifier_knows_fourteen_domains() {
        let fitted = Fitted::parse(EMBEDDED).unwrap();
        assert_eq!(fitted.labels.len(), 14);
        assert!(fitted.labels.is_sorted() && fitted.labels.iter().any(|label| label == "computer science"));
        assert!(fitted.lexicon.stems.len() > 5000);
    }

    #[test]
    fn a_small_file_is_read() {
        let fitted = Fitted::parse(&file(&header(), &[0; 54])).unwrap();
        assert_eq!((fitted.labels.len(), fitted.lexicon.stems.len()), (2, 1));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let with = |name: &str, entry: serde_json::Value| {
            let mut header = header();
            header[name] = entry;
            file(&header, &[0; 54])
        };
        let place =
            |dtype: &str, start: usize, end: usize| json!({"dtype": dtype, "shape": [], "data_offsets": [start, end]});
        for (bytes, expected) in [
            (Vec::new(), "it is no safetensors file"),
            (vec![255; 64], "it is no safetensors file"),
            (file(&json!([]), &[]), "its header cannot be read"),
            (file(&json!({}), &[]), "its metadata has no \"labels\""),
            (with("__metadata__", json!({"labels": "a"})), "its labels are no list of names"),
            (with("__metadata__", json!({"labels": "[\"a\"]"})), "its words do not fit 1 labels"),
            (with("words.stems", place("I64", 0, 4)), "it has no \"words.stems\" of type U32"),
            (with("words.stems", place("U32", 0, 3)), "\"words.stems\" has 3 bytes"),
            (with("words.stems", place("U32", 0, 99)), "\"words.stems\" ends behind the file"),
            (with("words.stems", place("U32", 8, 4)), "\"words.stems\" ends behind the file"),
            (with("words.stems", place("U32", 0, 8)), "its words do not fit 2 labels"),
            (with("sights", place("F32", 18, 50)), "it weighs 8 kinds of evidence"),
            (with("sights", place("F32", 18, 42)), "it weighs 6 kinds of evidence"),
        ] {
            let error = Fitted::parse(&bytes).unwrap_err();
            assert!(error.starts_with(expected), "{error}, expected {expected}");
        }
    }
}
