//! Parser events to a tree, within limits: a hostile file may be long, deep, or small and expand to billions of values.

use super::{Entry, Node, Origin, Scalar, Value, merge, scalar::Style};
use crate::{Code, Diagnostic, Report, Span, codes};
use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span as Range, StrInput, Tag};
use std::collections::HashMap;

/// Most values in a document, aliases expanded. A file with a thousand decisions has some thirty thousand.
const MAX_NODES: usize = 500_000;

/// Deepest nesting, aliases expanded. Rules may be 64 deep and take two levels each.
const MAX_DEPTH: usize = 180;

/// Reads the first document of `text`; positions are those of `origin`.
pub(crate) fn read_from(text: &str, origin: &Origin, report: &mut Report) -> Option<Node> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let parser = Parser::new_from_str_with_options(text, options);
    let mut reader = Reader { parser, text, origin, report, anchors: HashMap::new(), nodes: 0 };
    let node = reader.document().ok()?;
    reader.warn_of_more();
    Some(node)
}

/// Reading stops; the report says why.
struct Stop;

struct Reader<'r, 't> {
    parser: Parser<'t, StrInput<'t>>,
    text: &'t str,
    origin: &'r Origin,
    report: &'r mut Report,
    /// Finished anchored values. A value that is still open cannot be referred to from its inside.
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'t> Reader<'_, 't> {
    fn next(&mut self) -> Result<(Event<'t>, Range), Stop> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(self.syntax(&error)),
            None => Ok((Event::StreamEnd, Range::default())),
        }
    }

    fn document(&mut self) -> Result<Node, Stop> {
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (Event::StreamEnd, _) => {
                    return Err(self.stop(None, codes::EMPTY, "the file is empty: it needs routing or global"));
                }
                (event, range) => return self.node(event, range, 0),
            }
        }
    }

    fn node(&mut self, event: Event<'t>, range: Range, depth: usize) -> Result<Node, Stop> {
        let span = self.origin.span(range);
        self.spend(1, depth, span)?;
        let (value, end, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let style = if is_text(style, tag.as_deref()) { Style::Text } else { Style::Plain };
                (Value::Scalar(Scalar { text: text.into_owned(), style }), span.end, anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                let (items, end) = self.sequence(depth)?;
                (Value::Sequence(items), end, anchor)
            }
            Event::MappingStart(_, anchor, _) => {
                let (entries, end) = self.mapping(depth)?;
                (Value::Mapping(merge::resolve(entries, self.report)), end, anchor)
            }
            Event::Alias(anchor) => return self.alias(anchor, span, depth),
            _ => return Err(self.stop(Some(span), codes::NOT_YAML, "not valid YAML: expected a value here")),
        };
        let node = Node { span: Span { end: end.max(span.start), ..span }, value };
        if anchor != 0 {
            let (size, _) = measure(&node);
            self.spend(size, depth, span)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn sequence(&mut self, depth: usize) -> Result<(Vec<Node>, usize), Stop> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, range) => return Ok((items, self.origin.span(range).end)),
                (event, range) => items.push(self.node(event, range, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<(Vec<Entry>, usize), Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: HashMap<String, usize> = HashMap::new();
        loop {
            let (event, range) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok((entries, self.origin.span(range).end));
            }
            let key = self.node(event, range, depth + 1)?;
            let (event, range) = self.next()?;
            let value = self.node(event, range, depth + 1)?;
            let Value::Scalar(Scalar { text, .. }) = key.value else {
                let message = "a mapping key has to be a word, not a list or a mapping".to_owned();
                let help = "quote text that starts with {, [ or ?".to_owned();
                self.report.push(Diagnostic::error(codes::BAD_KEY, message).at(key.span).help(help));
                continue;
            };
            let entry = Entry { key: text, key_span: key.span, value };
            let first = seen.get(&entry.key).and_then(|i| entries.get_mut(*i));
            match first {
                Some(first) if entry.key != merge::MERGE_KEY => {
                    let message = format!(
                        "{:?} is given twice: this one counts, the one in line {} does not",
                        entry.key, first.key_span.line
                    );
                    self.report.push(Diagnostic::warning(codes::DUPLICATE_KEY, message).at(entry.key_span));
                    *first = entry;
                }
                _ => {
                    seen.insert(entry.key.clone(), entries.len());
                    entries.push(entry);
                }
            }
        }
    }

    fn alias(&mut self, anchor: usize, span: Span, depth: usize) -> Result<Node, Stop> {
        let Some((size, height)) = self.anchors.get(&anchor).map(measure) else {
            return Err(self.stop(Some(span), codes::NOT_YAML, "not valid YAML: a value refers to itself"));
        };
        self.spend(size, depth + height, span)?;
        match self.anchors.get(&anchor) {
            Some(node) => Ok(node.clone()),
            None => Err(Stop),
        }
    }

    fn spend(&mut self, nodes: usize, depth: usize, span: Span) -> Result<(), Stop> {
        self.nodes += nodes;
        if depth > MAX_DEPTH {
            return Err(self.stop(
                Some(span),
                codes::TOO_DEEP,
                format!("values are nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        if self.nodes > MAX_NODES {
            let message = format!("the file has more than {MAX_NODES} values, counting what aliases stand for");
            return Err(self.stop(Some(span), codes::TOO_MANY_NODES, message));
        }
        Ok(())
    }

    fn warn_of_more(&mut self) {
        while let Ok((event, range)) = self.next() {
            match event {
                Event::StreamEnd => return,
                Event::DocumentEnd | Event::DocumentStart(..) => {}
                // What stands for an empty document, as behind a last `---`.
                Event::Scalar(text, ScalarStyle::Plain, ..) if matches!(&*text, "" | "~") => {}
                _ => {
                    let message = "another YAML document starts here: only the first one is read";
                    let span = self.origin.span(range);
                    self.report.push(Diagnostic::warning(codes::MORE_DOCUMENTS, message).at(span));
                    return;
                }
            }
        }
    }

    fn syntax(&mut self, error: &ScanError) -> Stop {
        let range = Range::empty(*error.marker());
        let span = self.origin.span(range);
        let line = self.text.lines().nth(range.start.line().saturating_sub(1)).unwrap_or_default();
        let indentation: String = line.chars().take_while(|c| c.is_whitespace()).collect();
        let help = indentation.contains('\t').then(|| "indent with spaces: YAML does not allow tabs there".to_owned());
        let message = format!("not valid YAML: {}", error.info());
        self.report.push(Diagnostic::error(codes::NOT_YAML, message).at(span).help(help));
        Stop
    }

    fn stop(&mut self, span: Option<Span>, code: Code, message: impl Into<String>) -> Stop {
        self.report.push(Diagnostic::error(code, message).at(span));
        Stop
    }
}

/// Whether a scalar is text whatever it looks like.
fn is_text(style: ScalarStyle, tag: Option<&Tag>) -> bool {
    style != ScalarStyle::Plain || tag.is_some_and(|t| t.is_yaml_core_schema() && t.suffix() == "str")
}

/// How many values a tree has, and how deep it is.
fn measure(node: &Node) -> (usize, usize) {
    let children: &mut dyn Iterator<Item = &Node> = match &node.value {
        Value::Scalar(_) => return (1, 0),
        Value::Sequence(items) => &mut items.iter(),
        Value::Mapping(entries) => &mut entries.iter().map(|e| &e.value),
    };
    children.map(measure).fold((1, 0), |(size, height), (s, h)| (size + s, height.max(h + 1)))
}
