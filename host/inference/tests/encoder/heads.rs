use crate::support::{cases, copy, numbers, reference, set, ways};
use serde_json::json;
use trackside_inference::{Classifier, Options, Precision, TokenClassifier};

/// How far probabilities may be off. Networks of random weights magnify what is lost in 8 or 16 bits.
fn tolerance(precision: Precision) -> f32 {
    match precision {
        Precision::Fp32 => 1e-4,
        Precision::Bf16 => 0.05,
        _ => 0.15,
    }
}

/// All engines where there are kernels for the model, and else the one way there is.
fn ways_of(model: &str) -> Vec<Options> {
    if model.starts_with("modernbert") { vec![Options::default()] } else { ways().collect() }
}

#[test]
fn classes_of_texts_match_the_reference() {
    for model in ["bert-texts", "xlm-roberta-texts", "modernbert-texts-cls", "modernbert-texts-mean"] {
        for options in ways_of(model) {
            let classifier = Classifier::load(&reference(model), &options).unwrap();
            let about = classifier.about();
            for case in cases(model) {
                let scores = classifier.classify(case["text"].as_str().unwrap()).unwrap();
                assert_eq!(scores.iter().map(|score| score.label).collect::<Vec<_>>(), ["billing", "law", "other"]);
                for (found, expected) in scores.iter().zip(numbers(&case["probabilities"])) {
                    let near = (found.score - expected).abs() < tolerance(about.precision);
                    assert!(near, "{model} {about:?} {case}: {found:?}, expected {expected}");
                }
            }
        }
    }
}

#[test]
fn classes_of_tokens_match_the_reference() {
    for model in ["bert-tokens", "xlm-roberta-tokens", "modernbert-tokens"] {
        for options in ways_of(model) {
            let classifier = TokenClassifier::load(&reference(model), &options).unwrap();
            let tolerance = tolerance(classifier.about().precision);
            for case in cases(model) {
                let found = classifier.tokens(case["text"].as_str().unwrap()).unwrap();
                let expected = case["probabilities"].as_array().unwrap();
                assert_eq!(found.len(), expected.len());
                for ((found, expected), span) in found.iter().zip(expected).zip(case["spans"].as_array().unwrap()) {
                    assert_eq!(json!([found.span.start, found.span.end]), *span, "{model} {case}");
                    let label = ["O", "B-THING", "I-THING", "B-PLACE"].iter().position(|label| *label == found.label);
                    let expected = numbers(expected);
                    let near = (found.score - expected[label.unwrap()]).abs() < tolerance;
                    let best = expected.iter().all(|other| *other < found.score + tolerance);
                    assert!(near && best, "{model} {case}: {found:?}, expected {expected:?}");
                }
            }
        }
    }
}

#[test]
fn long_texts_are_labelled_in_parts() {
    let classifier = TokenClassifier::load(&reference("bert-tokens"), &Options::default()).unwrap();
    let sentence = "the cat sits on the mat . ";
    let text = sentence.repeat(5000);
    let found = classifier.tokens(&text).unwrap();
    let labelled = found.last().unwrap().span.end;
    assert!((65_000..=65_536).contains(&labelled), "{labelled}");
    assert!(found.iter().all(|token| !text[token.span.clone()].trim().is_empty()));
    // 38 tokens fit beside the two special ones.
    let first: Vec<_> = found.iter().take(38).collect();
    let alone = classifier.tokens(&text[..first.last().unwrap().span.end]).unwrap();
    assert!(first.into_iter().eq(&alone));
}

#[test]
fn heads_that_are_not_there_or_not_known() {
    let error = Classifier::load(&reference("bert"), &Options::default()).unwrap_err().to_string();
    assert!(error.ends_with("expected a ...ForSequenceClassification of its model_type"), "{error}");
    let error = TokenClassifier::load(&reference("bert-texts"), &Options::default()).unwrap_err().to_string();
    assert!(error.ends_with("expected a ...ForTokenClassification of its model_type"), "{error}");
    for (model, field, value, message) in [
        ("bert-texts", "problem_type", json!("regression"), "problem_type is \"regression\""),
        ("bert-texts", "id2label", json!({"0": "one"}), "id2label is \"1 labels\", expected at least 2"),
        ("bert-texts", "id2label", json!({"0": "a", "2": "b"}), "id2label is \"2 labels\""),
        (
            "bert-texts",
            "id2label",
            json!({"0": "a", "1": "b"}),
            "classifier.weight has shape [3, 32], expected [2, 32]",
        ),
        ("bert-texts", "id2label", json!({"x": "a"}), "is not the JSON expected here"),
        ("modernbert-texts-cls", "classifier_pooling", json!("max"), "classifier_pooling is \"max\""),
        ("modernbert-texts-cls", "classifier_activation", json!("relu"), "classifier_activation is \"relu\""),
        ("modernbert-texts-cls", "classifier_bias", json!(true), "tensor head.dense.bias is missing"),
    ] {
        let dir = copy(model, "heads-refused");
        set(&dir.join("config.json"), field, value);
        let error = Classifier::load(&dir, &Options::default()).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}
