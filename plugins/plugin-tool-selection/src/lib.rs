//! The component that serves the plugin type `tool_selection`: picks tools by what a request is about, from those that the
//! client offers or from a database.

mod selection;
mod settings;

use trackside_sdk::{
    Component, Edit, Failure, Need, RequestHead, RequestPlugin, Route, Verdict, artefact, current, embeddings, failure,
    log, tools, topic,
};

use settings::Mode;
pub use settings::Settings;

/// The bank of what the tools in the database do.
const BANK: &str = "tools";
/// Most texts that one question to the host may have.
const AT_ONCE: usize = 256;

/// The configured plugin.
#[derive(Debug)]
pub struct ToolSelection {
    settings: Settings,
    /// Tools to add from.
    database: Vec<tools::KnownTool>,
    /// Without a model nothing is picked.
    works: bool,
}

impl Component for ToolSelection {
    type Settings = Settings;
    const SERVES: &'static str = "tool_selection";
    const NEEDS: &'static [Need] = &[Need::Text];

    fn configure(settings: Settings) -> Result<Self, Failure> {
        let works = settings.enabled && embeddings::available();
        if settings.enabled && !works {
            log::write(1, "tools are not selected by meaning: there is no model");
        }
        let bytes = if works && settings.mode == Mode::Add { artefact::read() } else { None };
        if works && settings.mode == Mode::Add && bytes.is_none() {
            log::write(1, "there is no tools database to add from: give it as the component's artefact");
        }
        let database = bytes.map(|bytes| tools::database(&bytes)).transpose();
        let database = database.map_err(|what| failure("invalid-settings", what))?.unwrap_or_default();
        if !database.is_empty() {
            let descriptions: Vec<String> = database.iter().map(|tool| tool.description.clone()).collect();
            embeddings::bank(BANK, &descriptions)?;
        }
        Ok(Self { settings, database, works })
    }
}

impl RequestPlugin for ToolSelection {
    fn on_request(&self, head: &RequestHead, _route: &Route) -> Result<Verdict, Failure> {
        let field = |name: &str| current::field(&[name.to_owned()]);
        let is_free = || tools::is_free_choice(field("tool_choice").as_deref());
        if !self.works || head.text.trim().is_empty() || !is_free() {
            return Ok(Verdict::Proceed(Vec::new()));
        }
        let (offered, ask) = (field("tools").unwrap_or_default(), topic::of(&head.text));
        let edit = match self.settings.mode {
            Mode::Add => self.add(&offered, &ask)?,
            Mode::Filter => self.filter(&offered, &ask)?,
        };
        Ok(Verdict::Proceed(edit.into_iter().collect()))
    }
}

impl ToolSelection {
    fn add(&self, offered: &str, ask: &str) -> Result<Option<Edit>, Failure> {
        if self.database.is_empty() {
            return Ok(None);
        }
        let similarities = embeddings::similarities(BANK, ask)?;
        Ok(selection::added(&self.settings, &self.database, &similarities, offered))
    }

    fn filter(&self, offered: &str, ask: &str) -> Result<Option<Edit>, Failure> {
        let offered = tools::offered(offered);
        let texts: Vec<String> = offered.iter().map(tools::OfferedTool::text).collect();
        let mut similarities = Vec::with_capacity(texts.len());
        for texts in texts.chunks(AT_ONCE) {
            similarities.extend(embeddings::rank(ask, texts)?);
        }
        Ok(selection::retained(&self.settings, &offered, &similarities))
    }
}

trackside_sdk::export!(request-plugin: ToolSelection);
