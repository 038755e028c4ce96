//! What speaks for each label of each row, told by the other rows.

use super::embedding::threads;
use super::model::known::{self, TEXTS};
use super::model::stems::{Stem, stems};
use super::model::{self, Evidence, NEIGHBOURS};
use super::rows::Row;
use super::words;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::thread;
use trackside_inference::{EmbedError, Embedder as _, Embedding, Encoder};

/// A row, ready to be compared with others.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) file: usize,
    pub(super) label: usize,
    /// The part that it is left out with.
    pub(super) fold: usize,
    pub(super) stems: Vec<(Stem, u32)>,
    pub(super) vector: Embedding,
}

impl Sample {
    pub(super) fn new(row: &Row, topic: &str, vector: Embedding) -> Self {
        Self { file: row.file, label: row.label, fold: 0, stems: stems(topic), vector }
    }

    /// How many words the text has.
    fn length(&self) -> usize {
        self.stems.iter().map(|(_, count)| *count as usize).sum()
    }
}

/// Deals the samples of each label and file evenly to the folds. Texts of the same words go to the same one.
pub(super) fn deal(samples: &mut [Sample], folds: usize) {
    let mut first: BTreeMap<&[(Stem, u32)], (usize, usize)> = BTreeMap::new();
    for sample in samples.iter() {
        first.entry(&sample.stems).or_insert((sample.label, sample.file));
    }
    let mut dealt: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let fold_of: BTreeMap<Vec<(Stem, u32)>, usize> = first
        .into_iter()
        .map(|(stems, group)| {
            // The labels begin with different folds: small ones must not all end in the same.
            let next = dealt.entry(group).or_insert(group.0);
            *next += 1;
            (stems.to_vec(), *next % folds)
        })
        .collect();
    for sample in samples {
        sample.fold = fold_of.get(&sample.stems).copied().unwrap_or_default();
    }
}

/// The texts that describe the labels, as vectors.
#[derive(Debug)]
pub(super) struct Descriptions(Vec<Embedding>);

impl Descriptions {
    pub(super) fn new(labels: &[String], encoder: &Encoder) -> Result<Self, EmbedError> {
        let texts = labels.iter().flat_map(|label| known::texts(label, ""));
        Ok(Self(texts.map(|text| encoder.embed(&text)).collect::<Result<_, _>>()?))
    }
}

/// The evidence for each label of each sample, from neighbours and words of the other folds.
pub(super) fn unseen(
    samples: &[Sample],
    labels: usize,
    folds: usize,
    descriptions: &Descriptions,
) -> Vec<Vec<Evidence>> {
    let lexica: Vec<_> = thread::scope(|scope| {
        let fits: Vec<_> = (0..folds)
            .map(|fold| {
                scope.spawn(move || {
                    let others: Vec<&Sample> = samples.iter().filter(|sample| sample.fold != fold).collect();
                    words::fit(&others, labels)
                })
            })
            .collect();
        fits.into_iter().map(|fit| fit.join().unwrap_or_default()).collect()
    });
    let of = |sample: &Sample| {
        let votes = model::votes(&neighbours(sample, samples), labels);
        let words = lexica.get(sample.fold).map(|lexicon| lexicon.scores(&sample.stems)).unwrap_or_default();
        let similarities: Vec<f32> = descriptions.0.iter().map(|text| text.dot(&sample.vector)).collect();
        let about = similarities.chunks(TEXTS).map(|similarities| model::description(similarities, sample.length()));
        votes.into_iter().zip(about).zip(words).map(|((votes, about), words)| [votes, about, words]).collect()
    };
    thread::scope(|scope| {
        let parts = samples.chunks(samples.len().div_ceil(threads()).max(1));
        let work: Vec<_> = parts.map(|part| scope.spawn(move || part.iter().map(of).collect::<Vec<_>>())).collect();
        work.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
    })
}

/// The nearest samples of other folds.
fn neighbours(sample: &Sample, samples: &[Sample]) -> Vec<(usize, f32)> {
    let others = samples.iter().enumerate().filter(|(_, other)| other.fold != sample.fold);
    let mut found: Vec<(usize, usize, f32)> =
        others.map(|(place, other)| (place, other.label, sample.vector.dot(&other.vector))).collect();
    let nearer =
        |a: &(usize, usize, f32), b: &(usize, usize, f32)| -> Ordering { b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)) };
    let most = NEIGHBOURS as usize;
    if found.len() > most {
        found.select_nth_unstable_by(most, nearer);
        found.truncate(most);
    }
    found.sort_unstable_by(nearer);
    found.into_iter().map(|(_, label, similarity)| (label, similarity)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(label: usize, text: &str, vector: [f32; 2]) -> Sample {
        let vector = Embedding::normalise(vector.to_vec()).unwrap();
        Sample { file: 0, label, fold: 0, stems: stems(text), vector }
    }

    #[test]
    fn folds_share_labels_evenly_and_keep_equal_texts_together() {
        let texts = ["a", "b", "c", "d", "e", "f"];
        let mut samples: Vec<Sample> = (0..2)
            .flat_map(|label| texts.map(|text| sample(label, &format!("{text} {label}"), [1.0, 0.0])))
            .chain([sample(1, "A 0!", [1.0, 0.0])])
            .collect();
        deal(&mut samples, 3);
        for label in 0..2 {
            for fold in 0..3 {
                let found = samples[..12].iter().filter(|sample| (sample.label, sample.fold) == (label, fold)).count();
                // All numbers are one word: both labels have the same six texts.
                assert!(found == 2, "label {label}, fold {fold}: {found}");
            }
        }
        assert_eq!(samples[12].fold, samples[0].fold);
    }

    #[test]
    fn neighbours_are_the_nearest_of_other_folds() {
        let mut samples: Vec<Sample> =
            (0..30).map(|place| sample(place % 2, "x", [1.0, place as f32 / 10.0])).collect();
        for (place, sample) in samples.iter_mut().enumerate() {
            sample.fold = usize::from(place == 0 || place == 1);
        }
        let found = neighbours(&samples[0], &samples);
        assert_eq!(found.len(), NEIGHBOURS as usize);
        assert_eq!(found[0], (0, samples[0].vector.dot(&samples[2].vector)), "the nearest two are of its own fold");
        assert!(found.is_sorted_by(|a, b| a.1 >= b.1));
    }
}
