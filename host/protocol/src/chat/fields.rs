//! What happens to the fields of an object, as a tree of changes, and how the tree changes a text.

use super::edit::EditError;
use super::prompt::Prompt;
use crate::json::{Kind, Member, Span, Splices, Style, text, walk};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// How often a key that is edited may stand in one object. All of them change, so that every parser sees the edit
/// whichever it takes; without a bound, a small body of repeated keys would grow into a huge one.
pub(super) const MAX_REPEATS: usize = 8;

/// What a field's change starts from.
#[derive(Debug, Default)]
pub(super) enum Base<'e> {
    /// The client's value, if there is one.
    #[default]
    Client,
    /// A new value as JSON text.
    Given(Cow<'e, str>),
    /// Nothing.
    Removed,
}

/// What happens to one field: what it starts from, then what changes inside that.
#[derive(Debug, Default)]
pub(super) struct Change<'e> {
    base: Base<'e>,
    pub(super) prompt: Prompt<'e>,
    fields: Fields<'e>,
}

/// Whether an object must be made where none is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Need {
    #[default]
    IfThere,
    Always,
}

/// Changes to the fields of one object.
#[derive(Debug, Default)]
pub(super) struct Fields<'e> {
    need: Need,
    changes: BTreeMap<&'e str, Change<'e>>,
}

impl<'e> Fields<'e> {
    /// Makes `base` what a field starts from, and forgets earlier changes to it and below it.
    pub(super) fn start(&mut self, name: &'e str, base: Base<'e>) {
        self.changes.insert(name, Change { base, ..Change::default() });
    }

    /// Does the same at a path. The recursion is as deep as the path is long, which was bounded when the edit was added.
    pub(super) fn put(&mut self, path: &'e [String], base: Base<'e>) {
        let Some((name, below)) = path.split_first() else { return };
        if matches!(base, Base::Given(_)) {
            self.need = Need::Always;
        }
        match below {
            [] => self.start(name, base),
            _ => self.change(name).fields.put(below, base),
        }
    }

    /// The change to a field so far.
    pub(super) fn change(&mut self, name: &'e str) -> &mut Change<'e> {
        self.changes.entry(name).or_default()
    }

    pub(super) fn base(&self, name: &str) -> &Base<'e> {
        self.changes.get(name).map_or(&Base::Client, |change| &change.base)
    }

    /// Changes an object: the fields it has where they stand, then those it lacks behind its last one.
    pub(super) fn merge(&self, object: Span, members: &[Member], splices: &mut Splices<'_>) -> Result<(), EditError> {
        let bytes = splices.bytes();
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut any_kept = false;
        for (index, member) in members.iter().enumerate() {
            let key = text::decode(member.key.of(bytes));
            let Some((name, change)) = self.changes.get_key_value(key.as_ref()) else {
                any_kept = true;
                continue;
            };
            let count = seen.entry(name).or_default();
            *count += 1;
            if *count > MAX_REPEATS {
                return Err(EditError::Repeated { field: (*name).to_owned() });
            }
            if let Base::Client = change.base {
                change.revise(member.value, splices)?;
                any_kept = true;
            } else if let Some(value) = change.alone()? {
                splices.replace(member.value, value);
                any_kept = true;
            } else {
                let item = |at: usize| members.get(at).map(|member| member.whole());
                splices.cut(index.checked_sub(1).and_then(item).filter(|_| any_kept), member.whole(), item(index + 1));
            }
        }
        let absent = self.changes.iter().filter(|(name, _)| !seen.contains_key(*name));
        insert(absent, object, members, any_kept, splices)
    }

    /// The object as it is where there was none.
    fn fresh(&self) -> Result<String, EditError> {
        let mut splices = Splices::new(b"{}");
        self.merge(Span::new(0..2), &[], &mut splices)?;
        Ok(splices.text())
    }
}

/// Puts new fields behind the last member of an object.
fn insert<'c>(
    changes: impl Iterator<Item = (&'c &'c str, &'c Change<'c>)>,
    object: Span,
    members: &[Member],
    mut needs_comma: bool,
    splices: &mut Splices<'_>,
) -> Result<(), EditError> {
    let last = members.last();
    let style = last.map_or_else(Style::compact, |last| Style::like(splices.bytes(), Some(last.key), last.value));
    let mut added = String::new();
    for (name, change) in changes {
        if let Some(value) = change.alone()? {
            if needs_comma {
                added.push(',');
                added.push_str(style.comma());
            }
            added.push_str(&style.member(name, &value));
            needs_comma = true;
        }
    }
    splices.insert(last.map_or(object.start() + 1, |last| last.value.end()), added);
    Ok(())
}

impl Change<'_> {
    /// Changes a value where it stands.
    fn revise(&self, value: Span, splices: &mut Splices<'_>) -> Result<(), EditError> {
        let is_object = value.kind(splices.bytes()) == Some(Kind::Object);
        if is_object && !self.fields.changes.is_empty() {
            let members = walk::members(splices.bytes(), value);
            self.fields.merge(value, &members, splices)?;
        } else if !is_object && self.fields.need == Need::Always {
            splices.replace(value, self.fields.fresh()?);
        }
        self.prompt.splice(value, splices)
    }

    /// The value that does not come from the client's, if there is one.
    fn alone(&self) -> Result<Option<String>, EditError> {
        match &self.base {
            Base::Given(json) => {
                let mut splices = Splices::new(json.as_bytes());
                self.revise(Span::new(0..json.len()), &mut splices)?;
                Ok(Some(splices.text()))
            }
            _ if self.fields.need == Need::Always => self.fields.fresh().map(Some),
            _ => Ok(None),
        }
    }
}
