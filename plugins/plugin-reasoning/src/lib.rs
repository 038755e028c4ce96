//! The component that serves `reasoning`: writes a decision's wish for reasoning, or for none, into the request in the
//! way that the chosen model's family and its backend understand.

mod edits;
mod settings;

use trackside_sdk::{Component, Failure, RequestHead, RequestPlugin, Route, Verdict, current};

pub use settings::Settings;

/// The configured plugin.
#[derive(Debug)]
pub struct Reasoning(Settings);

impl Component for Reasoning {
    type Settings = Settings;
    const SERVES: &'static str = "reasoning";

    fn configure(settings: Settings) -> Result<Self, Failure> {
        settings.check()?;
        Ok(Self(settings))
    }
}

impl RequestPlugin for Reasoning {
    fn on_request(&self, _head: &RequestHead, route: &Route) -> Result<Verdict, Failure> {
        let field = |path: &[String]| current::field(path);
        Ok(Verdict::Proceed(edits::edits(&self.0, route, &field)))
    }
}

trackside_sdk::export!(request-plugin: Reasoning);
