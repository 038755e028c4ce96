//! Settings from the file, held against the schema that the component declares.

use serde_json::Value;
use std::fmt;
use trackside_config::{Code, Config, Diagnostic, Place, Report, Step};

/// Settings that the component's schema does not accept.
const REFUSED: Code = Code("E0401");
/// A key that the component's schema does not know.
const UNKNOWN_KEY: Code = Code("W0401");

/// The settings of one configured component, with where they stand in the file.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// Which parts of the file settings were made of.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// One block, such as a plugin's `configuration`.
    Block(Place),
    /// The rules of a signal type, each at its own place, under `rules`.
    Rules(Vec<Place>),
    /// Put together from all over the file.
    Host,
}

impl Settings {
    /// Checks against a schema and pushes everything it finds: an unknown key is left out with a warning, as v0.3
    /// does; all else is an error. Tells whether the component may have the settings.
    pub(crate) fn check(
        &mut self,
        who: &dyn fmt::Display,
        schema: &Value,
        config: &Config,
        report: &mut Report,
    ) -> bool {
        let validator = match jsonschema::validator_for(schema) {
            Ok(validator) => validator,
            Err(error) => {
                report.push(Diagnostic::error(REFUSED, format!("{who} declares a schema that is none: {error}")));
                return false;
            }
        };
        let mut unknown: Vec<Vec<Step>> = Vec::new();
        let mut accepted = true;
        for error in validator.iter_errors(&self.value) {
            let path = steps(error.instance_path());
            if let jsonschema::error::ValidationErrorKind::AdditionalProperties { unexpected } = error.kind() {
                unknown.extend(unexpected.iter().map(|key| [path.clone(), vec![Step::Key(key.clone())]].concat()));
                continue;
            }
            accepted = false;
            let message = format!("{who} does not accept {}: {error}", shown(&path));
            report.push(Diagnostic::error(REFUSED, message).at(config.span(&self.origin.place(&path))));
        }
        for path in unknown {
            let message = format!("{who} does not know the key {}, which has no effect", shown(&path));
            report.push(Diagnostic::warning(UNKNOWN_KEY, message).at(config.key_span(&self.origin.place(&path))));
            remove(&mut self.value, &path);
        }
        accepted
    }
}

impl Origin {
    /// Where a part of the settings stands in the file.
    pub(crate) fn place(&self, path: &[Step]) -> Place {
        let (base, rest) = match (self, path) {
            (Origin::Block(base), path) => (Some(base), path),
            (Origin::Rules(rules), [Step::Key(_), Step::Index(i), rest @ ..]) => (rules.get(*i), rest),
            (Origin::Rules(rules), _) => (rules.first(), &[] as &[Step]),
            (Origin::Host, _) => (None, &[] as &[Step]),
        };
        Place([base.map(|place| place.0.as_slice()).unwrap_or_default(), rest].concat())
    }
}

fn steps(location: &jsonschema::paths::Location) -> Vec<Step> {
    use jsonschema::paths::LocationSegment;
    let step = |segment: LocationSegment<'_>| match segment {
        LocationSegment::Property(key) => Step::Key(key.into_owned()),
        LocationSegment::Index(index) => Step::Index(index),
    };
    location.iter().map(step).collect()
}

fn remove(value: &mut Value, path: &[Step]) {
    let Some((Step::Key(last), parents)) = path.split_last() else { return };
    let parent = parents.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
    });
    if let Some(object) = parent.and_then(Value::as_object_mut) {
        object.remove(last);
    }
}

fn shown(path: &[Step]) -> String {
    if path.is_empty() { "its settings".to_owned() } else { format!("`{}`", Place(path.to_vec())) }
}
