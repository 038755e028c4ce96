//! How close every engine's vectors are to those of ONNX Runtime in fp32, an implementation that shares no code with ours.

use crate::{
    own,
    peer::Peer,
    texts::Texts,
    verdict::{Bar, Verdicts},
};
use trackside_inference::Precision;

pub fn measure(peers: &mut [Box<dyn Peer>], texts: &Texts, verdicts: &mut Verdicts) {
    let mixed = texts.mixed();
    let ids: Vec<&[u32]> = mixed.iter().map(Vec::as_slice).collect();
    let (reference, others) = peers.split_first_mut().expect("a reference");
    let expected = reference.run(&ids);
    println!("\ncosine to {} on {} texts of up to 256 tokens: mean, minimum", reference.name(), ids.len());
    for peer in others {
        let found = peer.run(&ids);
        let cosines = || found.iter().zip(&expected).map(|((_, a), (_, b))| cosine(a, b));
        let (mean, least) = (cosines().sum::<f64>() / ids.len() as f64, cosines().fold(f64::INFINITY, f64::min));
        println!("{:<42}{mean:>12.6}{least:>12.6}", peer.name());
        let bars =
            [(Precision::Int8, Some(0.999), 0.995), (Precision::Bf16, None, 0.9999), (Precision::Fp32, None, 0.9999)];
        for (precision, mean_bar, least_bar) in bars {
            if own::best(precision).as_deref() == Some(peer.name()) {
                mean_bar
                    .iter()
                    .for_each(|bar| verdicts.add(format!("{} cosine, mean", peer.name()), Bar::AtLeast(*bar), mean));
                verdicts.add(format!("{} cosine, minimum", peer.name()), Bar::AtLeast(least_bar), least);
            }
        }
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}
