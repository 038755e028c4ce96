//! The component that serves the plugin type `tools`: decides which tools a model is offered.

mod history;
mod policy;
mod settings;

use trackside_sdk::{
    Component, Edit, Failure, Need, RequestHead, RequestPlugin, Route, Verdict, artefact, current, embeddings, failure,
    log, tools, topic,
};

use policy::Policy;
pub use settings::Settings;

/// The bank of what the tools in the database do.
const BANK: &str = "tools";

/// The configured plugin.
#[derive(Debug)]
pub struct Tools {
    policy: Policy,
    /// Tools that take the place of those offered, where the model is free to choose.
    database: Vec<tools::KnownTool>,
}

impl Component for Tools {
    type Settings = Settings;
    const SERVES: &'static str = "tools";
    const NEEDS: &'static [Need] = &[Need::Text];

    fn configure(settings: Settings) -> Result<Self, Failure> {
        let policy = Policy::new(settings)?;
        let bytes = policy.selects().then(artefact::read).flatten();
        let database = bytes.map(|bytes| tools::database(&bytes)).transpose();
        let mut database = database.map_err(|what| failure("invalid-settings", what))?.unwrap_or_default();
        if !database.is_empty() && !embeddings::available() {
            log::write(1, "tools are not selected by meaning: there is no model");
            database.clear();
        }
        if !database.is_empty() {
            let descriptions: Vec<String> = database.iter().map(|tool| tool.description.clone()).collect();
            embeddings::bank(BANK, &descriptions)?;
        }
        Ok(Self { policy, database })
    }
}

impl RequestPlugin for Tools {
    fn on_request(&self, head: &RequestHead, _route: &Route) -> Result<Verdict, Failure> {
        let mut edits = self.policy.edits(&|name| current::field(&[name.to_owned()]));
        if !self.database.is_empty() && !head.text.trim().is_empty() && self.is_free_choice() {
            let similarities = embeddings::similarities(BANK, &topic::of(&head.text))?;
            edits.extend(self.policy.selected(&self.database, &similarities));
        }
        Ok(Verdict::Proceed(edits))
    }
}

impl Tools {
    fn is_free_choice(&self) -> bool {
        let field = |name: &str| current::field(&[name.to_owned()]);
        let choice = field("tool_choice");
        let offers = field("tools").is_some_and(|tools| !tools::offered(&tools).is_empty());
        tools::is_free_choice(choice.as_deref()) && (offers || choice.is_some_and(|choice| choice != "null"))
    }
}

/// No tools, and nothing that refers to them.
fn no_tools() -> impl Iterator<Item = Edit> {
    ["tools", "tool_choice", "parallel_tool_calls"].into_iter().map(|name| Edit::RemoveField(vec![name.to_owned()]))
}

trackside_sdk::export!(request-plugin: Tools);
