//! What components do with vectors, joined to the arithmetic behind it.

use std::sync::Arc;
use trackside_components::{Clustering, Compare, HeadMethod, Nearest, Neighbour, Vectors, VectorsFailure};
use trackside_inference::vectors::{self, Head, Index, Labelled, Method};

/// The arithmetic of the inference crate.
#[derive(Debug)]
pub(super) struct Native;

struct Bank(Index);

struct Fitted(Head);

fn invalid(error: impl ToString) -> VectorsFailure {
    VectorsFailure::Invalid(error.to_string())
}

impl Vectors for Native {
    fn bank(&self, vectors: &[Arc<[f32]>]) -> Result<Arc<dyn Compare>, VectorsFailure> {
        Ok(Arc::new(Bank(Index::of(vectors).map_err(invalid)?)))
    }

    fn prototypes(
        &self,
        texts: &[String],
        vectors: &[Arc<[f32]>],
        how: Clustering,
    ) -> Result<Vec<usize>, VectorsFailure> {
        let how = vectors::Clustering { similarity: how.similarity, most: how.most };
        vectors::prototypes(texts, vectors, how).map_err(invalid)
    }

    fn head(&self, method: HeadMethod, classes: &[Vec<Arc<[f32]>>]) -> Result<Arc<dyn Compare>, VectorsFailure> {
        let method = match method {
            HeadMethod::Mean => Method::Mean,
            HeadMethod::Linear => Method::Linear,
        };
        Ok(Arc::new(Fitted(Head::fit(method, classes).map_err(invalid)?)))
    }

    fn index(&self, bytes: &[u8], model: &str) -> Result<Arc<dyn Nearest>, VectorsFailure> {
        let labelled = Labelled::parse(bytes).map_err(invalid)?;
        if labelled.model != model {
            return Err(VectorsFailure::OtherModel { made_by: labelled.model, loaded: model.to_owned() });
        }
        Ok(Arc::new(LabelledIndex(labelled)))
    }
}

struct LabelledIndex(Labelled);

impl Compare for Bank {
    fn size(&self) -> usize {
        self.0.len()
    }

    fn compare(&self, vector: &[f32]) -> Result<Vec<f32>, VectorsFailure> {
        self.0.similarities(vector).map_err(invalid)
    }
}

impl Compare for Fitted {
    fn size(&self) -> usize {
        self.0.classes()
    }

    fn compare(&self, vector: &[f32]) -> Result<Vec<f32>, VectorsFailure> {
        self.0.scores(vector).map_err(invalid)
    }
}

impl Nearest for LabelledIndex {
    fn nearest(&self, vector: &[f32], k: usize) -> Result<Vec<Neighbour>, VectorsFailure> {
        let Labelled { index, labels, .. } = &self.0;
        let label = |row: u32| usize::try_from(row).ok().and_then(|row| labels.get(row)).copied().unwrap_or_default();
        let nearest = index.nearest(vector, k).map_err(invalid)?.into_iter();
        Ok(nearest
            .map(|near| Neighbour { row: near.row, similarity: near.similarity, label: label(near.row).into() })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[[f32; 2]]) -> Vec<Arc<[f32]>> {
        rows.iter().map(|row| row.as_slice().into()).collect()
    }

    #[test]
    fn banks_prototypes_and_heads_are_the_real_ones() {
        let vectors = rows(&[[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]);
        let bank = Native.bank(&vectors).unwrap();
        assert_eq!((bank.size(), bank.compare(&[0.0, 1.0]).unwrap()), (3, vec![0.0, 1.0, 0.0]));
        assert!(bank.compare(&[1.0]).is_err(), "a vector of another length was compared");
        let texts = ["b", "c", "a"].map(str::to_owned);
        let picked = Native.prototypes(&texts, &vectors, Clustering { similarity: 0.9, most: 0 });
        assert_eq!(picked.unwrap(), [2, 1]);
        let classes = [rows(&[[1.0, 0.0]]), rows(&[[0.0, 1.0]])];
        for method in [HeadMethod::Mean, HeadMethod::Linear] {
            let scores = Native.head(method, &classes).unwrap().compare(&[0.0, 1.0]).unwrap();
            assert!(scores[1] > scores[0], "{method:?}: {scores:?}");
        }
        assert!(Native.head(HeadMethod::Linear, &classes[..1]).is_err(), "one class was told from nothing");
    }

    #[test]
    fn an_index_serves_the_model_that_made_it() {
        let header = br#"{"__metadata__":{"model":"m"},"labels":{"dtype":"U16","shape":[2],"data_offsets":[0,4]},"scales":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},"vectors":{"dtype":"I8","shape":[2,2],"data_offsets":[12,16]}} "#;
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header);
        file.extend([7, 0, 9, 0]);
        file.extend([0.01_f32, 0.01].iter().flat_map(|scale| scale.to_le_bytes()));
        file.extend([100, 0, 0, 100]);
        let index = Native.index(&file, "m").unwrap();
        let nearest = index.nearest(&[0.0, 1.0], 5).unwrap();
        assert_eq!(nearest.iter().map(|near| (near.row, near.label)).collect::<Vec<_>>(), [(1, 9), (0, 7)]);
        let refused = Native.index(&file, "another").err().unwrap();
        assert!(matches!(&refused, VectorsFailure::OtherModel { made_by, .. } if made_by == "m"), "{refused}");
        assert!(matches!(Native.index(b"no file", "m"), Err(VectorsFailure::Invalid(_))));
    }
}
