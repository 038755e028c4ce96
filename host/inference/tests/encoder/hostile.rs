use crate::support::Random;
use std::{sync::OnceLock, time::Instant};
use trackside_inference::{Embedder, Embedding, Encoder, Options};

fn encoder() -> &'static Encoder {
    static ENCODER: OnceLock<Encoder> = OnceLock::new();
    ENCODER.get_or_init(|| Encoder::embedded(&Options::default()).unwrap())
}

fn assert_unit(vector: &Embedding, of: &dyn std::fmt::Debug) {
    let length = vector.dot(vector);
    assert!((length - 1.0).abs() < 1e-4, "{of:?} has length {length}");
    assert!(vector.as_slice().iter().all(|value| value.is_finite()));
}

/// Mostly short, because time is better spent on many texts.
fn length(random: &mut Random) -> usize {
    match random.below(1000) {
        0..950 => random.below(12),
        950..999 => random.below(64),
        _ => random.below(10_000),
    }
}

#[test]
fn ten_thousand_random_texts_have_unit_vectors() {
    // Of every script and kind: letters, marks that combine, right to left, surrogates' neighbours, controls, private use.
    const RANGES: [(u32, u32); 14] = [
        (0x00, 0x1f),
        (0x20, 0x7e),
        (0x80, 0x9f),
        (0xa0, 0x24f),
        (0x300, 0x36f),
        (0x370, 0x52f),
        (0x590, 0x6ff),
        (0x900, 0xdff),
        (0x1100, 0x11ff),
        (0x2000, 0x206f),
        (0x3040, 0x9fff),
        (0xac00, 0xd7ff),
        (0xe000, 0xffff),
        (0x1f300, 0x10_ffff),
    ];
    let mut random = Random(7);
    let start = Instant::now();
    for index in 0..10_000 {
        let (low, high) = RANGES[random.below(RANGES.len())];
        let text: String = (0..length(&mut random))
            .filter_map(|_| match random.below(4) {
                0 => Some(' '),
                1 => char::from_u32(0x21 + random.below(0x5d) as u32),
                _ => char::from_u32(low + random.below((high - low) as usize) as u32),
            })
            .collect();
        assert_unit(&encoder().embed(&text).unwrap(), &text);
        if index == 5000 {
            println!("half of the texts took {:?}", start.elapsed());
        }
    }
}

#[test]
fn ten_thousand_random_token_sequences_have_unit_vectors() {
    let mut random = Random(8);
    for _ in 0..10_000 {
        let ids: Vec<u32> = (0..length(&mut random).max(1)).map(|_| random.below(30_522) as u32).collect();
        assert_unit(&encoder().embed_ids(&ids).unwrap(), &ids);
    }
}

#[test]
fn texts_at_the_edges_have_unit_vectors() {
    for text in [
        String::new(),
        " ".repeat(100_000),
        "\0".repeat(10_000),
        "a".repeat(100_000),
        "\u{301}".repeat(10_000),
        "[CLS] [SEP] [PAD] [UNK] [MASK]".repeat(500),
        "\u{feff}\u{202e}\u{200d}".repeat(1000),
        "🐈".repeat(20_000),
        "word ".repeat(10_000),
    ] {
        assert_unit(&encoder().embed(&text).unwrap(), &text.get(..20));
    }
}

#[test]
fn a_text_has_the_same_vector_whatever_else_is_embedded() {
    let texts: Vec<String> = (1..40).map(|count| "the tax law of cats ".repeat(count)).collect();
    let alone: Vec<_> = texts.iter().map(|text| encoder().embed(text).unwrap()).collect();
    std::thread::scope(|scope| {
        for offset in 0..4 {
            let (texts, alone) = (&texts, &alone);
            scope.spawn(move || {
                for index in (0..texts.len()).map(|index| (index * 7 + offset * 11) % texts.len()) {
                    assert_eq!(encoder().embed(&texts[index]).unwrap(), alone[index]);
                }
            });
        }
    });
}
