//! Bodies: collected up to a limit, cut into pieces.

use crate::proto::StreamedBodyResponse;
use bytes::{Bytes, BytesMut};

/// The largest piece of a body that is sent at once, bytes. Some gateways refuse more than 64 KiB.
const PIECE: usize = 62_000;

/// A body on its way in. One that comes in one piece, as most do, is never copied.
#[derive(Debug, Default)]
pub(crate) struct Held {
    only: Bytes,
    joined: BytesMut,
}

impl Held {
    pub(crate) fn push(&mut self, piece: Bytes) {
        let held = self.len();
        if held == 0 {
            self.only = piece;
        } else if !piece.is_empty() {
            if self.joined.is_empty() {
                self.joined.reserve(held.saturating_add(piece.len()));
                self.joined.extend_from_slice(&std::mem::take(&mut self.only));
            }
            self.joined.extend_from_slice(&piece);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.only.len().saturating_add(self.joined.len())
    }

    pub(crate) fn finish(self) -> Bytes {
        if self.joined.is_empty() { self.only } else { self.joined.freeze() }
    }
}

/// Cuts a body into pieces that share its bytes. With `end` the last one ends the stream, and an empty body is one empty
/// piece; without, an empty body is none.
pub(crate) fn cut(mut body: Bytes, end: bool) -> impl Iterator<Item = StreamedBodyResponse> {
    let mut done = body.is_empty() && !end;
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        let piece = body.split_to(body.len().min(PIECE));
        done = body.is_empty();
        Some(StreamedBodyResponse { body: piece, end_of_stream: done && end })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_join_to_the_body_and_end_once(size in 0usize..400_000, end: bool) {
            let body = Bytes::from((0..size).map(|i| (i % 251) as u8).collect::<Vec<_>>());
            let pieces: Vec<_> = cut(body.clone(), end).collect();
            prop_assert_eq!(pieces.iter().map(|p| &p.body[..]).collect::<Vec<_>>().concat(), body.to_vec());
            prop_assert!(pieces.iter().all(|p| p.body.len() <= 62_000));
            prop_assert!(pieces.iter().rev().skip(1).all(|p| !p.end_of_stream));
            prop_assert_eq!(pieces.last().is_some_and(|p| p.end_of_stream), end);
            prop_assert!(end || size > 0 || pieces.is_empty());
        }

        #[test]
        fn pieces_are_joined(sizes in prop::collection::vec(0usize..50, 0..20)) {
            let mut held = Held::default();
            let mut sent = Vec::new();
            for (i, size) in sizes.into_iter().enumerate() {
                let piece = vec![i as u8; size];
                held.push(piece.clone().into());
                sent.extend(piece);
                prop_assert_eq!(held.len(), sent.len());
            }
            prop_assert_eq!(held.finish().to_vec(), sent);
        }
    }

    #[test]
    fn one_piece_is_not_copied() {
        let piece = Bytes::from(vec![7; 100]);
        let mut held = Held::default();
        held.push(piece.clone());
        held.push(Bytes::new());
        assert_eq!(held.finish().as_ptr(), piece.as_ptr());
    }
}
