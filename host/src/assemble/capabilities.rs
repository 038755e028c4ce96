//! Adapters: what components tell, joined to the log and the metrics.

use std::sync::Arc;
use std::time::Duration;
use trackside_components::{Level, Log, Metrics, Role};
use trackside_telemetry as telemetry;

/// Lines of components in the log of the process, under the target `component`.
#[derive(Clone, Debug)]
pub(super) struct Lines(pub(super) Arc<telemetry::Metrics>);

impl Log for Lines {
    fn line(&self, component: &str, request: Option<&str>, level: Level, message: &str) {
        macro_rules! line {
            ($level:ident) => {
                tracing::event!(
                    target: "component",
                    tracing::Level::$level,
                    event = "component_log",
                    component,
                    request_id = request,
                    "{message}"
                )
            };
        }
        match level {
            Level::Error => line!(ERROR),
            Level::Warn => line!(WARN),
            Level::Info => line!(INFO),
            Level::Debug => line!(DEBUG),
            Level::Trace => line!(TRACE),
        }
    }

    fn dropped(&self, component: &str, lines: u32) {
        self.0.component_log_dropped(component, lines.into());
    }
}

/// Counters and times in the metrics of the process.
#[derive(Clone, Debug)]
pub(super) struct Counted(pub(super) Arc<telemetry::Metrics>);

impl Metrics for Counted {
    fn add(&self, component: &str, name: &str, by: f64) {
        self.0.component_metric(component, name, by);
    }

    fn call(&self, component: &str, role: Role, outcome: &'static str, time: Duration) {
        self.0.call(component, role.as_str(), outcome, time);
    }
}
