//! The routes of every listener: by what a request's own headers ask for, by the chosen model, and for the rest.

use crate::{
    bootstrap::{Backends, typed},
    mode::{Mode, Twist},
};
use serde_json::{Value, json};

/// Request header that makes a route answer 403, after the external processor saw the request.
pub const REFUSE: &str = "x-refuse";
/// Request header that makes a route redirect.
pub const REDIRECT: &str = "x-redirect";
/// Request header that leads to a model server that is not there.
pub const NOBODY: &str = "x-nobody";
/// Request header of a route that the external processor is switched off for.
pub const UNPROCESSED: &str = "x-unprocessed";
/// Request header of a route that tries a model server again that answers with 5xx, twice.
pub const RETRY: &str = "x-retry";
/// Request header of a route that has another processing mode than its listener: only headers.
pub const HEADERS_ONLY: &str = "x-headers-only";
/// Request header of a route that names a profile, `support`, and of one that names a profile that is not there.
pub const PROFILES: [(&str, &str); 2] = [("x-support", "support"), ("x-no-profile", "nothing-of-the-kind")];
/// Host that has no routes.
pub const NOWHERE: &str = "nowhere.test";

pub(crate) fn hosts(mode: &Mode, backends: &Backends) -> Value {
    json!([
        {"name": "nowhere", "domains": [NOWHERE], "routes": []},
        {"name": "all", "domains": ["*"], "routes": routes(mode, backends)},
    ])
}

fn routes(mode: &Mode, backends: &Backends) -> Vec<Value> {
    let asked = |header: &str, action: &str, what: Value| {
        let mut route = json!({"match": {"prefix": "/", "headers": [{"name": header, "present_match": true}]}});
        route[action] = what;
        route
    };
    let per_route = |mut route: Value, fields: Value| {
        let fields = typed("filters.http.ext_proc.v3.ExtProcPerRoute", fields);
        route["typed_per_filter_config"] = json!({"envoy.filters.http.ext_proc": fields});
        route
    };
    let mut routes = vec![
        asked(REFUSE, "direct_response", json!({"status": 403, "body": {"inline_string": "refused"}})),
        asked(REDIRECT, "redirect", json!({"path_redirect": "/elsewhere"})),
        asked(NOBODY, "route", json!({"cluster": "nobody"})),
        per_route(asked(UNPROCESSED, "route", to("default")), json!({"disabled": true})),
        per_route(
            asked(HEADERS_ONLY, "route", to("default")),
            json!({"overrides": {"processing_mode": {
                "request_header_mode": "SEND", "response_header_mode": "SEND",
                "request_body_mode": "NONE", "response_body_mode": "NONE",
            }}}),
        ),
    ];
    routes.extend(PROFILES.map(|(header, profile)| {
        let metadata = json!([{"key": "x-trackside-profile", "value": profile}]);
        per_route(asked(header, "route", to("default")), json!({"overrides": {"grpc_initial_metadata": metadata}}))
    }));
    let mut retried = asked(RETRY, "route", to("default"));
    retried["route"]["retry_policy"] = json!({"retry_on": "5xx", "num_retries": 2});
    routes.push(retried);
    if mode.has(Twist::Upgrades) {
        let mut tunnel = to("default");
        tunnel["upgrade_configs"] = json!([{"upgrade_type": "CONNECT", "connect_config": {}}]);
        routes.push(json!({"match": {"connect_matcher": {}}, "route": tunnel}));
    }
    routes.extend(backends.by_model.iter().map(|(model, _)| {
        let header = json!({"name": "x-selected-model", "string_match": {"exact": model}});
        json!({"match": {"prefix": "/", "headers": [header]}, "route": to(model)})
    }));
    routes.push(json!({"match": {"prefix": "/"}, "route": to("default")}));
    routes
}

fn to(cluster: &str) -> Value {
    json!({"cluster": cluster, "timeout": "60s"})
}
