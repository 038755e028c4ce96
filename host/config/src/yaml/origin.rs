//! Where the text being parsed stands in the file: a ConfigMap holds the whole configuration inside one of its values.

use crate::Span;
use granit_parser::{Marker, Span as Range};

/// How positions in the parsed text become positions in the file.
#[derive(Debug)]
pub(crate) enum Origin {
    /// The text is the file.
    File,
    /// The text is a block scalar of the file with the indentation taken off.
    Block {
        /// Lines of the file above the block.
        lines_above: usize,
        /// For each line: its byte offset in the text, its byte offset in the file, and the columns taken off.
        lines: Vec<(usize, usize, usize)>,
    },
    /// The text is a scalar written in a way that does not keep lines: everything is at the scalar.
    Within(Span),
}

impl Origin {
    /// Finds the lines of `value`, a scalar that starts at `span`, in the file.
    pub(crate) fn of_scalar(file: &str, span: Span, value: &str) -> Self {
        Self::of_block(file, span, value).unwrap_or(Origin::Within(span))
    }

    /// `None` unless every line of the value is the end of the file's line at its place.
    fn of_block(file: &str, span: Span, value: &str) -> Option<Self> {
        // The span starts behind empty lines at the block's top.
        let empty = value.split('\n').take_while(|line| line.trim_end_matches('\r').is_empty()).count();
        let above = file.get(..span.start)?;
        let first_line = above.rmatch_indices('\n').nth(empty).map_or(0, |(i, _)| i + 1);
        let lines_above = file.get(..first_line)?.matches('\n').count();
        let mut outer = first_line;
        let mut inner = 0;
        let mut lines = Vec::new();
        for (line, outer_line) in value.split_inclusive('\n').zip(file.get(first_line..)?.split_inclusive('\n')) {
            let text = line.trim_end();
            let taken_off = outer_line.trim_end().strip_suffix(text)?.len();
            lines.push((inner, outer + taken_off, if text.is_empty() { 0 } else { taken_off }));
            inner += line.len();
            outer += outer_line.len();
        }
        (inner == value.len() && inner > 0).then_some(Origin::Block { lines_above, lines })
    }

    pub(crate) fn span(&self, range: Range) -> Span {
        let (start, end) = (offset(&range.start), offset(&range.end).max(offset(&range.start)));
        let (line, column) = (range.start.line(), range.start.col() + 1);
        match self {
            Origin::File => Span { start, end, line, column },
            Origin::Within(span) => *span,
            Origin::Block { lines_above, lines } => {
                let move_out = |at: usize| {
                    let index = lines.partition_point(|(inner, ..)| *inner <= at).saturating_sub(1);
                    lines.get(index).map_or((at, 0), |(inner, outer, taken_off)| (outer + (at - inner), *taken_off))
                };
                let (start, taken_off) = move_out(start);
                Span { start, end: move_out(end).0.max(start), line: line + lines_above, column: column + taken_off }
            }
        }
    }
}

fn offset(marker: &Marker) -> usize {
    marker.byte_offset().unwrap_or_else(|| marker.index())
}
