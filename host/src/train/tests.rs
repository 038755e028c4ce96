use super::*;
use std::io::Write as _;
use trackside_inference::vectors::Labelled;
use trackside_inference::{Embedder as _, Options};

fn rows() -> Rows {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for (label, subjects) in [
        ("Fruit", ["apple", "pear", "plum", "cherry", "grape", "lemon"]),
        ("tools", ["hammer", "saw", "drill", "wrench", "chisel", "pliers"]),
    ] {
        for subject in subjects {
            for text in [format!("Where can I buy a good {subject}?"), format!("my {subject} is broken, thanks")] {
                writeln!(file, "{}", serde_json::json!({ "text": text, "label": label })).unwrap();
            }
        }
    }
    read(&[file.path().to_owned()]).unwrap()
}

#[test]
fn a_classifier_is_fitted_judged_and_written_reproducibly() {
    let encoder = Encoder::embedded(&Options::default()).unwrap();
    let rows = rows();
    let trained = domain(&rows, &encoder, 3).unwrap();
    let figures = &trained.report.files[0];
    assert_eq!((trained.report.labels, figures.rows), (2, 24));
    assert!(figures.accuracy > 0.9, "{figures:?}");
    assert!(figures.words_alone < figures.accuracy, "the words of one fruit say nothing about another: {figures:?}");

    let again = domain(&rows, &encoder, 3).unwrap();
    assert!(trained.artefact == again.artefact, "equal rows gave other bytes");

    let vectors = Labelled::parse(&trained.artefact).unwrap();
    assert_eq!(vectors.model, encoder.fingerprint().model());
    let query = encoder.embed("a ripe banana").unwrap();
    let nearest = vectors.index.nearest(query.as_slice(), 3).unwrap();
    for neighbour in nearest {
        assert_eq!(vectors.labels[neighbour.row as usize], 0, "{neighbour:?}");
    }
}
