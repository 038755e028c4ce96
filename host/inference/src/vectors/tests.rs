use super::*;
use crate::dot;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn unit(&mut self, dimensions: usize) -> Vec<f32> {
        let values: Vec<f32> = (0..dimensions).map(|_| self.below(2001) as f32 - 1000.5).collect();
        let length = dot(&values, &values).sqrt();
        values.iter().map(|value| value / length).collect()
    }
}

fn codes(row: &[f32]) -> (Vec<i8>, f32) {
    let scale = row.iter().fold(0.0_f32, |most, value| most.max(value.abs())) / 127.0;
    (row.iter().map(|value| (value / scale).round() as i8).collect(), scale)
}

#[test]
fn the_nearest_rows_are_those_that_a_full_sort_finds() {
    let mut numbers = Numbers(1);
    for (rows, dimensions) in [(1, 1), (7, 3), (100, 17), (500, 384)] {
        let vectors: Vec<Vec<f32>> = (0..rows).map(|_| numbers.unit(dimensions)).collect();
        let index = Index::of(&vectors).unwrap();
        let query = numbers.unit(dimensions);
        let mut expected: Vec<(u32, f32)> =
            (0..).zip(vectors.iter().map(|row| dot(row, &query).clamp(-1.0, 1.0))).collect();
        expected.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        for k in [0, 1, 2, rows / 2, rows, rows + 5] {
            let found: Vec<u32> = index.nearest(&query, k).unwrap().iter().map(|near| near.row).collect();
            let expected: Vec<u32> = expected.iter().take(k).map(|(row, _)| *row).collect();
            assert_eq!(found, expected, "{k} of {rows} rows of {dimensions}");
        }
    }
}

#[test]
fn equally_near_rows_come_in_their_order() {
    let index = Index::of(&[[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]).unwrap();
    let rows: Vec<u32> = index.nearest(&[1.0, 0.0], 4).unwrap().iter().map(|near| near.row).collect();
    assert_eq!(rows, [1, 3, 0, 2]);
}

#[test]
fn codes_are_nearly_as_good_as_numbers() {
    let mut numbers = Numbers(2);
    let vectors: Vec<Vec<f32>> = (0..300).map(|_| numbers.unit(384)).collect();
    let exact = Index::of(&vectors).unwrap();
    let (codes, scales): (Vec<_>, Vec<_>) = vectors.iter().map(|row| codes(row)).unzip();
    let coded = Index::quantised(384, codes.concat(), scales).unwrap();
    for _ in 0..20 {
        let query = numbers.unit(384);
        let pairs = exact.similarities(&query).unwrap().into_iter().zip(coded.similarities(&query).unwrap());
        let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 0.005, "off by {worst}");
    }
}

#[test]
fn an_index_refuses_what_does_not_fit() {
    assert!(matches!(Index::new(2, vec![1.0; 3]), Err(VectorsError::Dimensions { .. })));
    assert!(matches!(Index::new(0, vec![1.0]), Err(VectorsError::Dimensions { .. })));
    assert!(matches!(Index::quantised(70_000, vec![1; 70_000], vec![1.0]), Err(VectorsError::TooWide { .. })));
    assert!(matches!(Index::new(1, vec![0.0, f32::NAN]), Err(VectorsError::NotFinite { row: 1 })));
    assert!(matches!(Index::quantised(2, vec![1; 4], vec![1.0]), Err(VectorsError::Scales { expected: 2, found: 1 })));
    assert!(matches!(Index::quantised(1, vec![1], vec![f32::INFINITY]), Err(VectorsError::NotFinite { row: 0 })));
    let lowest = Index::quantised(1, vec![i8::MIN, -127], vec![0.001, 0.001]).unwrap().similarities(&[1.0]).unwrap();
    assert_eq!(lowest[0], lowest[1]);
    let index = Index::new(2, vec![1.0, 0.0]).unwrap();
    assert!(matches!(index.similarities(&[1.0]), Err(VectorsError::Dimensions { expected: 2, found: 1 })));
    let empty = Index::of::<Vec<f32>>(&[]).unwrap();
    assert!(empty.is_empty() && empty.nearest(&[1.0], 3).unwrap().is_empty());
}

#[test]
fn similarities_stay_within_their_range() {
    let index = Index::new(1, vec![3.0e38, -3.0e38, 0.5]).unwrap();
    assert_eq!(index.similarities(&[2.0]).unwrap(), [1.0, -1.0, 1.0]);
}

/// Unit vectors in a plane, by their angles in degrees: the similarity of two is the cosine of the difference.
fn fan(angles: &[f32]) -> Vec<[f32; 2]> {
    angles.iter().map(|angle| [angle.to_radians().cos(), angle.to_radians().sin()]).collect()
}

fn picked<'a>(texts: &[&'a str], angles: &[f32], how: Clustering) -> Vec<&'a str> {
    prototypes(texts, &fan(angles), how).unwrap().into_iter().map(|at| texts[at]).collect()
}

/// Within 26 degrees.
const CLOSE: f32 = 0.9;

#[test]
fn prototypes_follow_the_table_worked_out_by_hand() {
    // Neighbours within 26 degrees:  a b c d e -> a: a b c (3)   b: a b c d (4)   c: a b c d (4)   d: b c d (3)   e: e
    // b and c tie, b sorts first and takes a, c and d along; e is left. Among a, b, c, d the sums of cosines with the
    // others are largest for b (a 10, c 10, d 20 degrees off) and c (b 10, d 10, a 20): equal, so b again.
    let texts = ["a", "b", "c", "d", "e"];
    let angles = [0.0, 10.0, 20.0, 30.0, 90.0];
    assert_eq!(picked(&texts, &angles, Clustering { similarity: CLOSE, most: 0 }), ["b", "e"]);
    assert_eq!(picked(&texts, &angles, Clustering { similarity: CLOSE, most: 1 }), ["b"]);
    // Nothing but itself is within 5 degrees: five clusters of one, in the order of their texts.
    assert_eq!(picked(&texts, &angles, Clustering { similarity: 0.9999, most: 0 }), texts);
    // Everything is near to everything: the middle one is nearest to all others.
    assert_eq!(picked(&texts, &[0.0, 10.0, 20.0, 30.0, 40.0], Clustering { similarity: -1.0, most: 0 }), ["c"]);
}

#[test]
fn the_representative_need_not_be_the_centre_of_the_neighbourhood() {
    // "a" alone has all others within reach; yet among them "m" is nearer to most: its sum of cosines with the others is
    // 4.61, that of "a" 4.57.
    let texts = ["a", "m", "n", "o", "p", "z"];
    let found = picked(&texts, &[0.0, 22.0, 23.0, 24.0, 25.0, -25.0], Clustering { similarity: CLOSE, most: 0 });
    assert_eq!(found, ["m"]);
}

#[test]
fn clusters_come_by_size_then_tightness_then_text() {
    let texts = ["loose 1", "loose 2", "tight 1", "tight 2", "trio 1", "trio 2", "trio 3", "alone", "also alone"];
    let angles = [0.0, 20.0, 60.0, 62.0, 120.0, 130.0, 140.0, 200.0, 260.0];
    let found = picked(&texts, &angles, Clustering { similarity: CLOSE, most: 0 });
    assert_eq!(found, ["trio 2", "tight 1", "loose 1", "alone", "also alone"]);
}

#[test]
fn equal_texts_count_once_and_their_order_does_not_matter() {
    let how = Clustering { similarity: CLOSE, most: 0 };
    assert_eq!(picked(&["b", "a", "a", "a"], &[90.0, 0.0, 0.0, 0.0], how), ["a", "b"]);
    let mut numbers = Numbers(3);
    let texts: Vec<String> = (0..130).map(|text| format!("text {text}")).collect();
    let vectors: Vec<Vec<f32>> = texts.iter().map(|_| numbers.unit(3)).collect();
    let forth = prototypes(&texts, &vectors, how).unwrap();
    let (texts_back, vectors_back): (Vec<_>, Vec<_>) = texts.iter().zip(&vectors).rev().unzip();
    let back: Vec<usize> =
        prototypes(&texts_back, &vectors_back, how).unwrap().into_iter().map(|at| texts.len() - 1 - at).collect();
    assert_eq!(forth, back);
    assert!(forth.len() > 10 && forth.len() < 100, "{} clusters", forth.len());
}

#[test]
fn prototypes_of_nothing_and_of_bad_vectors() {
    let how = Clustering { similarity: CLOSE, most: 0 };
    assert!(prototypes::<&str, [f32; 2]>(&[], &[], how).unwrap().is_empty());
    assert!(matches!(prototypes(&["a"], &[] as &[[f32; 2]], how), Err(VectorsError::Texts { .. })));
    assert!(prototypes(&["a", "b"], &[vec![1.0], vec![1.0, 0.0]], how).is_err());
    assert!(prototypes(&["a"], &[[f32::NAN]], how).is_err());
    assert_eq!(picked(&["a", "b"], &[0.0, 0.0], Clustering { similarity: f32::NAN, most: 0 }), ["a", "b"]);
}

fn separable() -> Vec<Vec<Vec<f32>>> {
    let mut numbers = Numbers(4);
    let near = |axis: usize, numbers: &mut Numbers| {
        let mut row = numbers.unit(8);
        row[axis] += 3.0;
        let length = dot(&row, &row).sqrt();
        row.iter().map(|value| value / length).collect()
    };
    (0..4).map(|axis| (0..6).map(|_| near(axis, &mut numbers)).collect()).collect()
}

#[test]
fn a_head_tells_separable_classes_apart() {
    let classes = separable();
    for method in [Method::Mean, Method::Linear] {
        let head = Head::fit(method, &classes).unwrap();
        for (class, example) in
            classes.iter().enumerate().flat_map(|(class, all)| all.iter().map(move |one| (class, one)))
        {
            let scores = head.scores(example).unwrap();
            let best = (0..4).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap();
            assert_eq!(best, class, "{method:?}: {scores:?}");
        }
    }
}

#[test]
fn log_odds_belong_to_probabilities_that_sum_to_one() {
    let classes = separable();
    let head = Head::fit(Method::Linear, &classes).unwrap();
    let scores = head.scores(&Numbers(9).unit(8)).unwrap();
    let sum: f32 = scores.iter().map(|score| 1.0 / (1.0 + (-score).exp())).sum();
    assert!((sum - 1.0).abs() < 1e-5, "{scores:?}");
    let far = head.scores(&[1e6, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]).unwrap();
    assert!(far.iter().all(|score| score.is_finite()) && far[0] > 1e5, "{far:?}");
}

#[test]
fn two_fits_are_equal_to_the_bit() {
    let scores = |_| Head::fit(Method::Linear, &separable()).unwrap().scores(&[0.3; 8]).unwrap();
    assert_eq!(
        scores(1).iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
        scores(2).iter().map(|x| x.to_bits()).collect::<Vec<_>>()
    );
}

#[test]
fn the_order_of_classes_is_the_order_of_scores() {
    let classes = separable();
    let swapped: Vec<_> = classes.iter().rev().cloned().collect();
    for method in [Method::Mean, Method::Linear] {
        let scores = Head::fit(method, &classes).unwrap().scores(&classes[0][0]).unwrap();
        let back = Head::fit(method, &swapped).unwrap().scores(&classes[0][0]).unwrap();
        for (a, b) in scores.iter().zip(back.iter().rev()) {
            assert!((a - b).abs() < 1e-2, "{method:?}: {scores:?} {back:?}");
        }
    }
}

#[test]
fn a_head_refuses_what_cannot_be_fitted() {
    let one = [vec![[1.0, 0.0]]];
    assert!(matches!(Head::fit(Method::Linear, &one), Err(VectorsError::TooFewClasses { found: 1, least: 2 })));
    assert_eq!(Head::fit(Method::Mean, &one).unwrap().scores(&[1.0, 0.0]).unwrap(), [1.0]);
    let none: [Vec<[f32; 2]>; 0] = [];
    assert!(matches!(Head::fit(Method::Mean, &none), Err(VectorsError::TooFewClasses { found: 0, least: 1 })));
    let empty = [vec![[1.0, 0.0]], vec![]];
    assert!(matches!(Head::fit(Method::Mean, &empty), Err(VectorsError::EmptyClass { class: 1 })));
    let ragged = [vec![vec![1.0]], vec![vec![1.0, 0.0]]];
    assert!(matches!(Head::fit(Method::Linear, &ragged), Err(VectorsError::Dimensions { .. })));
    let many = [vec![[1.0]; 4_000_000], vec![[1.0]; 4_000_001]];
    assert!(matches!(Head::fit(Method::Linear, &many), Err(VectorsError::TooLarge { .. })));
}

#[test]
fn examples_that_say_nothing_give_a_head_that_says_nothing() {
    let same = [vec![[1.0, 0.0]; 3], vec![[1.0, 0.0]; 3]];
    let scores = Head::fit(Method::Linear, &same).unwrap().scores(&[0.0, 1.0]).unwrap();
    assert!(scores.iter().all(|score| score.abs() < 1e-3), "{scores:?}");
    let opposite = [vec![[1.0, 0.0], [-1.0, 0.0]]];
    assert_eq!(Head::fit(Method::Mean, &opposite).unwrap().scores(&[1.0, 0.0]).unwrap(), [0.0]);
}

/// A file with these tensors.
fn file(tensors: &[(&str, Dtype, &[usize], &[u8])], model: Option<&str>) -> Vec<u8> {
    let tensors = tensors
        .iter()
        .map(|&(name, dtype, shape, bytes)| (name.to_owned(), TensorView::new(dtype, shape.to_vec(), bytes).unwrap()));
    let metadata = model.map(|model| HashMap::from([("model".to_owned(), model.to_owned())]));
    safetensors::serialize(tensors, metadata).unwrap()
}

fn labelled() -> Vec<u8> {
    let scales: Vec<u8> = [0.01_f32, 0.005].iter().flat_map(|scale| scale.to_le_bytes()).collect();
    let vectors: Vec<u8> = [100_i8, 0, 0, -100].iter().map(|code| code.cast_unsigned()).collect();
    let tensors: [(&str, Dtype, &[usize], &[u8]); 4] = [
        ("vectors", Dtype::I8, &[2, 2], &vectors),
        ("scales", Dtype::F32, &[2], &scales),
        ("labels", Dtype::U16, &[2], &[7, 0, 0, 1]),
        ("something else", Dtype::U8, &[3], &[1, 2, 3]),
    ];
    file(&tensors, Some("m"))
}

#[test]
fn an_artefact_is_read() {
    let Labelled { model, index, labels } = Labelled::parse(&labelled()).unwrap();
    assert_eq!((model.as_str(), index.len(), index.dimensions(), labels), ("m", 2, 2, vec![7, 256]));
    let nearest = index.nearest(&[0.6, -0.8], 1).unwrap()[0];
    assert_eq!(nearest.row, 0);
    assert!((nearest.similarity - 0.6).abs() < 0.01, "{nearest:?}");
}

#[test]
fn an_artefact_says_what_is_wrong_with_it() {
    let vectors: (&str, Dtype, &[usize], &[u8]) = ("vectors", Dtype::F32, &[1, 1], &[0, 0, 128, 63]);
    let labels: (&str, Dtype, &[usize], &[u8]) = ("labels", Dtype::U16, &[1], &[0, 0]);
    assert!(Labelled::parse(&file(&[vectors, labels], Some("m"))).is_ok());
    let refusal = |tensors: &[_], model| Labelled::parse(&file(tensors, model)).unwrap_err().to_string();
    assert_eq!(
        refusal(&[vectors, labels], None),
        "the file does not name its model: expected \"model\" in the metadata"
    );
    assert_eq!(refusal(&[vectors], Some("m")), "tensor \"labels\" is missing");
    assert_eq!(refusal(&[labels], Some("m")), "tensor \"vectors\" is missing");
    let codes: (&str, Dtype, &[usize], &[u8]) = ("vectors", Dtype::I8, &[1, 4], &[1, 2, 3, 4]);
    assert_eq!(refusal(&[codes, labels], Some("m")), "tensor \"scales\" is missing");
    let flat: (&str, Dtype, &[usize], &[u8]) = ("vectors", Dtype::F32, &[1], &[0, 0, 128, 63]);
    assert_eq!(refusal(&[flat, labels], Some("m")), "tensor \"vectors\" has shape [1], expected rows by dimensions");
    let words: (&str, Dtype, &[usize], &[u8]) = ("labels", Dtype::U8, &[1], &[0]);
    assert_eq!(refusal(&[vectors, words], Some("m")), "tensor \"labels\" is U8, expected U16");
    let more: (&str, Dtype, &[usize], &[u8]) = ("labels", Dtype::U16, &[2], &[0, 0, 1, 0]);
    let text = refusal(&[vectors, more], Some("m"));
    assert_eq!(text, "tensor \"labels\" has shape [2], expected one number for each row of \"vectors\"");
    let strange: (&str, Dtype, &[usize], &[u8]) = ("vectors", Dtype::F32, &[1, 1], &[0, 0, 192, 127]);
    assert_eq!(refusal(&[strange, labels], Some("m")), "row 0 holds a number that is not finite");
}

#[test]
fn damaged_artefacts_are_refused_without_a_panic() {
    let whole = labelled();
    for length in 0..whole.len() {
        assert!(Labelled::parse(&whole[..length]).is_err(), "cut to {length} bytes");
    }
    let mut numbers = Numbers(5);
    for _ in 0..20_000 {
        let mut damaged = whole.clone();
        for _ in 0..=numbers.below(3) {
            let at = numbers.below(damaged.len() as u64) as usize;
            damaged[at] = numbers.below(256) as u8;
        }
        // Damage in a number goes unnoticed; what is accepted has to work.
        if let Ok(labelled) = Labelled::parse(&damaged) {
            assert_eq!(labelled.labels.len(), labelled.index.len());
            let query = vec![0.5; labelled.index.dimensions()];
            assert!(labelled.index.nearest(&query, 3).unwrap().len() <= 3);
        }
    }
}
