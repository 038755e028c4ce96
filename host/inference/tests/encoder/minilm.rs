use std::path::Path;
use trackside_inference::{Embedder, Embedding, Encoder};

/// The model that `tests/setup.sh` fetches; `None`, said aloud, where it has not run.
fn encoder() -> Option<Encoder> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/models/all-MiniLM-L6-v2");
    if !dir.exists() {
        println!("skipped: no model in {}; tests/setup.sh fetches it", dir.display());
        return None;
    }
    Some(Encoder::load(&dir).unwrap())
}

#[test]
fn is_the_published_model() {
    let Some(encoder) = encoder() else { return };
    assert_eq!((encoder.dimensions(), encoder.max_tokens()), (384, 256));
    // The head of the vector that sentence-transformers' own documentation of this model prints for this sentence.
    let vector = encoder.embed("This is an example sentence").unwrap();
    for (found, expected) in vector.as_slice().iter().zip([0.067_657, 0.063_496, 0.048_713]) {
        assert!((found - expected).abs() < 1e-4, "{found}, expected {expected}");
    }
}

#[test]
fn knows_what_texts_are_about() {
    let Some(encoder) = encoder() else { return };
    let embed = |text: &str| -> Embedding { encoder.embed(text).unwrap() };
    for (text, near, far) in [
        ("What is the derivative of x^3?", "Differentiate x cubed", "Which court hears an appeal?"),
        ("How do I enter a new market?", "A strategy for expanding our business abroad", "Prove that 7 is prime"),
        ("The soup needs salt", "This broth is bland", "The train was late again"),
        ("Wie hoch ist der Eiffelturm?", "How tall is the Eiffel Tower?", "How do I boil an egg?"),
    ] {
        let (text, near, far) = (embed(text), embed(near), embed(far));
        assert!(text.dot(&near) > text.dot(&far) + 0.15, "{} against {}", text.dot(&near), text.dot(&far));
        assert!((text.dot(&text) - 1.0).abs() < 1e-5);
    }
    // The tokenizer's file pads to 128 and the letters' case does not count.
    assert_eq!(embed("THE SOUP"), embed("the soup"));
}
