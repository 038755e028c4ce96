//! Any text as a configuration file: everything that is said about it points into it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::{collections::BTreeMap, path::Path};
use trackside_config::{Abilities, Place, parse};

fuzz_target!(|text: &str| {
    let environment = BTreeMap::from([("A".to_owned(), "a: [&a".to_owned())]);
    let mut loaded = parse("fuzz.yaml", text, Path::new("/"), &environment);
    if let Some(config) = &loaded.config {
        config.check_abilities(&Abilities::default(), &mut loaded.report);
        let _ = config.document();
        for profile in &config.resolved.profiles {
            for place in profile.decisions.iter().map(|decision| &decision.place).chain([&Place::default()]) {
                let span = config.span(place).expect("a place is somewhere");
                assert!(span.start <= span.end && span.end <= text.len());
            }
        }
    }
    for diagnostic in loaded.report.iter() {
        assert!(diagnostic.span.is_none_or(|span| span.start <= span.end && span.end <= text.len()), "{diagnostic:?}");
    }
    assert!(loaded.config.is_some() || !loaded.report.is_ok(), "nothing came out and nothing was said");
    let _ = (loaded.report.render(&loaded.source), loaded.report.to_json(&loaded.source));
});
