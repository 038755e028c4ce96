//! Between the exported interfaces and the traits of [`crate::roles`]: one configured component, asked by the host.

use std::cell::RefCell;
use std::thread::LocalKey;

use crate::bindings::{ask, lifecycle, ranking, request_plugin, response_plugin, response_stream, selector, signal};
use crate::{
    Ask, AskExtraction, Candidate, Component, Failure, Match, MatchedDecision, Pairs, RankedDecision, Ranking,
    RequestHead, RequestPlugin, ResponsePlugin, ResponseStream, Route, Selection, Selector, Signal, SignalMatch,
    Verdict, failure, settings,
};

/// What [`crate::export!`] adds to a component: its role's name, its version and the place where it lives.
pub trait Exported {
    type Component: Component;
    const ROLE: &'static str;
    const VERSION: &'static str;

    /// An instance serves one call at a time, so the cell is never borrowed twice.
    fn cell() -> &'static LocalKey<RefCell<Option<Self::Component>>>;
}

fn configured<E: Exported, T>(call: impl FnOnce(&E::Component) -> Result<T, Failure>) -> Result<T, Failure> {
    E::cell().with_borrow(|component| match component {
        Some(component) => call(component),
        None => Err(failure("not-configured", "`configure` was not called or did not succeed")),
    })
}

impl<E: Exported> lifecycle::exports::trackside::router::lifecycle::Guest for E {
    fn describe() -> lifecycle::exports::trackside::router::lifecycle::Description {
        log_panics();
        lifecycle::exports::trackside::router::lifecycle::Description {
            role: E::ROLE.into(),
            serves: E::Component::SERVES.into(),
            version: E::VERSION.into(),
            settings_schema: settings::schema::<<E::Component as Component>::Settings>(),
            needs: E::Component::NEEDS.iter().map(|need| need.word().into()).collect(),
            on_failure: E::Component::ON_FAILURE.word(),
            extra: Vec::new(),
        }
    }

    fn configure(json: String) -> Result<(), Failure> {
        log_panics();
        let component = E::Component::configure(settings::parse(&json)?)?;
        E::cell().set(Some(component));
        Ok(())
    }
}

/// A panic becomes a line in the host's log; the trap that follows tells the host only that there was one.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| crate::log::write(0, &panic.to_string())));
}

impl<E: Exported<Component: AskExtraction>> ask::exports::trackside::router::ask_extraction::Guest for E {
    fn extract(head: RequestHead) -> Result<Option<Ask>, Failure> {
        configured::<E, _>(|component| component.extract(&head))
    }
}

impl<E: Exported<Component: Signal>> signal::exports::trackside::router::signal_evaluation::Guest for E {
    fn evaluate(head: RequestHead) -> Result<Vec<Match>, Failure> {
        configured::<E, _>(|component| component.evaluate(&head))
    }
}

impl<E: Exported<Component: Ranking>> ranking::exports::trackside::router::decision_ranking::Guest for E {
    fn rank(head: RequestHead, matched: Vec<MatchedDecision>) -> Result<Vec<RankedDecision>, Failure> {
        configured::<E, _>(|component| component.rank(&head, &matched))
    }
}

impl<E: Exported<Component: Selector>> selector::exports::trackside::router::model_selection::Guest for E {
    fn select(
        head: RequestHead,
        decision: String,
        matches: Vec<SignalMatch>,
        candidates: Vec<Candidate>,
    ) -> Result<Selection, Failure> {
        configured::<E, _>(|component| component.select(&head, &decision, &matches, &candidates))
    }
}

impl<E: Exported<Component: RequestPlugin>> request_plugin::exports::trackside::router::request_processing::Guest
    for E
{
    fn on_request(head: RequestHead, route: Route) -> Result<Verdict, Failure> {
        configured::<E, _>(|component| component.on_request(&head, &route))
    }
}

impl<E: Exported<Component: ResponsePlugin>> response_plugin::exports::trackside::router::response_processing::Guest
    for E
{
    fn on_response(
        head: RequestHead,
        route: Route,
        status: u16,
        headers: Pairs,
        body: String,
    ) -> Result<Verdict, Failure> {
        configured::<E, _>(|component| component.on_response(&head, &route, status, &headers, &body))
    }
}

impl<E: Exported<Component: ResponseStream>> response_stream::exports::trackside::router::response_streaming::Guest
    for E
{
    fn on_event(request_id: String, data: String) -> Result<Vec<String>, Failure> {
        configured::<E, _>(|component| component.on_event(&request_id, &data))
    }

    fn on_end(request_id: String) -> Result<Vec<String>, Failure> {
        configured::<E, _>(|component| component.on_end(&request_id))
    }
}

/// Makes a type the component that this crate builds to: `trackside_sdk::export!(signal: Keyword);`.
///
/// Roles: `ask`, `signal`, `ranking`, `selector`, `request-plugin`, `response-plugin`, `response-stream`. Outside of wasm it
/// expands to nothing that is linked, so that native programs may hold several components.
#[macro_export]
macro_rules! export {
    (ask: $component:ty) => { $crate::export!(@ "ask", ask, $component); };
    (signal: $component:ty) => { $crate::export!(@ "signal", signal, $component); };
    (ranking: $component:ty) => { $crate::export!(@ "ranking", ranking, $component); };
    (selector: $component:ty) => { $crate::export!(@ "selector", selector, $component); };
    (request-plugin: $component:ty) => { $crate::export!(@ "request-plugin", request_plugin, $component); };
    (response-plugin: $component:ty) => { $crate::export!(@ "response-plugin", response_plugin, $component); };
    (response-stream: $component:ty) => { $crate::export!(@ "response-plugin", response_stream, $component); };
    (@ $role:literal, $module:ident, $component:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            ::std::thread_local! {
                static COMPONENT: ::std::cell::RefCell<::std::option::Option<$component>> =
                    const { ::std::cell::RefCell::new(None) };
            }

            struct Exported;

            impl $crate::glue::Exported for Exported {
                type Component = $component;
                const ROLE: &'static str = $role;
                const VERSION: &'static str = ::std::env!("CARGO_PKG_VERSION");

                fn cell() -> &'static ::std::thread::LocalKey<::std::cell::RefCell<::std::option::Option<$component>>> {
                    &COMPONENT
                }
            }

            $crate::bindings::lifecycle::export!(Exported with_types_in $crate::bindings::lifecycle);
            $crate::bindings::$module::export!(Exported with_types_in $crate::bindings::$module);
        };
    };
}
