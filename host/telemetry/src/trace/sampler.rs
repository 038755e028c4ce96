//! Which traces are kept.

/// Decides which traces are kept. Shares are from 0 to 1, and every service that is asked about one trace with one share
/// decides alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampler {
    /// This share of all, whatever the gateway decided.
    Share(f64),
    /// As the gateway decided; this share of those that it did not decide about.
    Parent {
        /// The share.
        otherwise: f64,
    },
}

impl Sampler {
    /// Keeps everything that the gateway does not want left out.
    pub const DEFAULT: Sampler = Sampler::Parent { otherwise: 1.0 };

    pub(crate) fn keeps(self, trace: [u8; 16], decided: Option<bool>) -> bool {
        match (self, decided) {
            (Sampler::Parent { .. }, Some(decided)) => decided,
            (Sampler::Parent { otherwise: share } | Sampler::Share(share), _) => lies_within(trace, share),
        }
    }
}

/// Whether the last 63 bits of the id, taken as a fraction, are below the share.
fn lies_within(trace: [u8; 16], share: f64) -> bool {
    let low = u128::from_be_bytes(trace) & u128::from(u64::MAX >> 1);
    // A fraction of 63 bits in a float of 53: the last ones tell nothing about which share is meant.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let fraction = low as f64 / (1_u64 << 63) as f64;
    share >= 1.0 || fraction < share
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::context::{Context, Ids};

    #[test]
    fn a_share_of_traces_is_kept() {
        let ids = Ids::default();
        for share in [0.0, 0.1, 0.5, 1.0] {
            let kept = (0..20_000).filter(|_| Context::begin(None, Sampler::Share(share), &ids).is_some()).count();
            let found = kept as f64 / 20_000.0;
            assert!((found - share).abs() < 0.02, "{found} of {share}");
        }
    }

    #[test]
    fn the_gateway_decides_only_where_it_is_asked() {
        let trace = [0xff; 16];
        assert!(Sampler::Parent { otherwise: 0.0 }.keeps(trace, Some(true)));
        assert!(!Sampler::Parent { otherwise: 1.0 }.keeps(trace, Some(false)));
        assert!(!Sampler::Parent { otherwise: 0.0 }.keeps(trace, None));
        assert!(Sampler::Share(1.0).keeps(trace, Some(false)));
        assert!(!Sampler::Share(0.0).keeps([0; 16], Some(true)));
    }
}
