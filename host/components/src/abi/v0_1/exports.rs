//! The calls that a component offers.

use super::bindings::exports::trackside::router::{
    ask_extraction, decision_ranking, lifecycle, model_selection, request_processing, response_processing,
    response_streaming, signal_evaluation,
};
use crate::description::Role;
use crate::error::Stop;
use wasmtime::AsContextMut;
use wasmtime::component::{Instance, InstancePre};

/// The export tables of a component, looked up once. An interface that it does not export is `None`.
pub(crate) struct Indices {
    lifecycle: lifecycle::GuestIndices,
    ask: Option<ask_extraction::GuestIndices>,
    signal: Option<signal_evaluation::GuestIndices>,
    ranking: Option<decision_ranking::GuestIndices>,
    selector: Option<model_selection::GuestIndices>,
    request: Option<request_processing::GuestIndices>,
    response: Option<response_processing::GuestIndices>,
    stream: Option<response_streaming::GuestIndices>,
}

/// The calls of one instance.
pub(crate) struct Exports {
    pub(crate) lifecycle: lifecycle::Guest,
    ask: Option<ask_extraction::Guest>,
    signal: Option<signal_evaluation::Guest>,
    ranking: Option<decision_ranking::Guest>,
    selector: Option<model_selection::Guest>,
    request: Option<request_processing::Guest>,
}

impl Exports {
    pub(crate) fn ask(&self) -> Result<&ask_extraction::Guest, Stop> {
        present(&self.ask, Role::Ask)
    }

    pub(crate) fn signal(&self) -> Result<&signal_evaluation::Guest, Stop> {
        present(&self.signal, Role::Signal)
    }

    pub(crate) fn ranking(&self) -> Result<&decision_ranking::Guest, Stop> {
        present(&self.ranking, Role::Ranking)
    }

    pub(crate) fn selector(&self) -> Result<&model_selection::Guest, Stop> {
        present(&self.selector, Role::Selector)
    }

    pub(crate) fn request(&self) -> Result<&request_processing::Guest, Stop> {
        present(&self.request, Role::RequestPlugin)
    }
}

fn present<T>(calls: &Option<T>, role: Role) -> Result<&T, Stop> {
    calls.as_ref().ok_or(Stop::Missing(interface_of(role)))
}

/// The interface that a role has to export. A response plugin may export `response-streaming` in its place.
pub(crate) fn interface_of(role: Role) -> &'static str {
    match role {
        Role::Ask => "ask-extraction",
        Role::Signal => "signal-evaluation",
        Role::Ranking => "decision-ranking",
        Role::Selector => "model-selection",
        Role::RequestPlugin => "request-processing",
        Role::ResponsePlugin => "response-processing",
    }
}

impl Indices {
    /// Looks the tables up. `exported` tells whether the component has an interface, so that one which is there with
    /// other functions or types is an error and not an absence.
    pub(crate) fn new<T>(pre: &InstancePre<T>, exported: impl Fn(&str) -> bool) -> wasmtime::Result<Self> {
        let has = |role| exported(interface_of(role));
        Ok(Self {
            lifecycle: lifecycle::GuestIndices::new(pre)?,
            ask: has(Role::Ask).then(|| ask_extraction::GuestIndices::new(pre)).transpose()?,
            signal: has(Role::Signal).then(|| signal_evaluation::GuestIndices::new(pre)).transpose()?,
            ranking: has(Role::Ranking).then(|| decision_ranking::GuestIndices::new(pre)).transpose()?,
            selector: has(Role::Selector).then(|| model_selection::GuestIndices::new(pre)).transpose()?,
            request: has(Role::RequestPlugin).then(|| request_processing::GuestIndices::new(pre)).transpose()?,
            response: has(Role::ResponsePlugin).then(|| response_processing::GuestIndices::new(pre)).transpose()?,
            stream: exported("response-streaming").then(|| response_streaming::GuestIndices::new(pre)).transpose()?,
        })
    }

    /// Finds the functions of a new instance. Fails where a function has other types than the contract says.
    pub(crate) fn load(&self, mut store: impl AsContextMut, instance: &Instance) -> wasmtime::Result<Exports> {
        let mut store = store.as_context_mut();
        let store = &mut store;
        Ok(Exports {
            lifecycle: self.lifecycle.load(&mut *store, instance)?,
            ask: self.ask.as_ref().map(|found| found.load(&mut *store, instance)).transpose()?,
            signal: self.signal.as_ref().map(|found| found.load(&mut *store, instance)).transpose()?,
            ranking: self.ranking.as_ref().map(|found| found.load(&mut *store, instance)).transpose()?,
            selector: self.selector.as_ref().map(|found| found.load(&mut *store, instance)).transpose()?,
            request: self.request.as_ref().map(|found| found.load(&mut *store, instance)).transpose()?,
        })
    }

    /// Whether the component can do what a role asks.
    pub(crate) fn offers(&self, role: Role) -> bool {
        match role {
            Role::Ask => self.ask.is_some(),
            Role::Signal => self.signal.is_some(),
            Role::Ranking => self.ranking.is_some(),
            Role::Selector => self.selector.is_some(),
            Role::RequestPlugin => self.request.is_some(),
            Role::ResponsePlugin => self.response.is_some() || self.stream.is_some(),
        }
    }
}
