//! Envoy's configuration, one listener per [`Mode`].

use crate::mode::{MODES, Mode, Override};
use serde_json::{Value, json};
use std::net::SocketAddr;

/// Request header that makes the gateway answer 403 before the external processor sees the request.
pub const DENY: &str = "x-deny";
/// Request header that makes a route answer 403, after the external processor saw the request.
pub const REFUSE: &str = "x-refuse";

/// What stands behind Envoy.
#[derive(Clone, Debug)]
pub struct Backends {
    pub extproc: SocketAddr,
    /// Takes every request that no other route takes.
    pub default: SocketAddr,
    /// Models with an upstream of their own, by exact match of `x-selected-model`.
    pub by_model: Vec<(String, SocketAddr)>,
}

pub(crate) fn render(backends: &Backends) -> Value {
    let mut clusters = vec![
        cluster("extproc", backends.extproc, json!({"explicit_http_config": {"http2_protocol_options": {}}})),
        cluster("default", backends.default, as_downstream()),
    ];
    clusters.extend(backends.by_model.iter().map(|(model, address)| cluster(model, *address, as_downstream())));
    json!({
        "admin": {"address": address("127.0.0.1", 0)},
        "static_resources": {
            "listeners": MODES.iter().map(|mode| listener(mode, backends)).collect::<Vec<_>>(),
            "clusters": clusters,
        },
    })
}

fn address(host: &str, port: u16) -> Value {
    json!({"socket_address": {"address": host, "port_value": port}})
}

fn typed(kind: &str, mut fields: Value) -> Value {
    fields["@type"] = format!("type.googleapis.com/envoy.extensions.{kind}").into();
    fields
}

/// The upstream is spoken to as the client speaks, trailers included.
fn as_downstream() -> Value {
    json!({"use_downstream_protocol_config": {
        "http_protocol_options": {"enable_trailers": true},
        "http2_protocol_options": {},
    }})
}

fn cluster(name: &str, to: SocketAddr, protocol: Value) -> Value {
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "per_connection_buffer_limit_bytes": 64 << 20,
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [
            {"endpoint": {"address": address(&to.ip().to_string(), to.port())}},
        ]}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions":
                typed("upstreams.http.v3.HttpProtocolOptions", protocol),
        },
    })
}

fn listener(mode: &Mode, backends: &Backends) -> Value {
    let connections = json!({
        "stat_prefix": mode.name,
        "codec_type": "AUTO",
        "http_protocol_options": {"enable_trailers": true},
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes(backends)}]},
        "http_filters": [
            {"name": "envoy.filters.http.rbac", "typed_config": typed("filters.http.rbac.v3.RBAC", denied())},
            {"name": "envoy.filters.http.ext_proc",
             "typed_config": typed("filters.http.ext_proc.v3.ExternalProcessor", processor(mode))},
            {"name": "envoy.filters.http.router", "typed_config": typed("filters.http.router.v3.Router", json!({}))},
        ],
    });
    json!({
        "name": mode.name,
        "address": address("127.0.0.1", 0),
        "per_connection_buffer_limit_bytes": mode.buffer_limit,
        "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": typed("filters.network.http_connection_manager.v3.HttpConnectionManager", connections),
        }]}],
    })
}

fn processor(mode: &Mode) -> Value {
    json!({
        "grpc_service": {"envoy_grpc": {"cluster_name": "extproc"}},
        "message_timeout": "30s",
        "allow_mode_override": mode.mode_override == Override::Allowed,
        "processing_mode": {
            "request_header_mode": "SEND",
            "response_header_mode": "SEND",
            "request_body_mode": mode.request.wire(),
            "response_body_mode": mode.response.wire(),
            "request_trailer_mode": trailers(mode.request),
            "response_trailer_mode": trailers(mode.response),
        },
    })
}

/// Full duplex demands trailers; elsewhere the installations leave them out.
fn trailers(body: crate::mode::Body) -> &'static str {
    if body == crate::mode::Body::FullDuplexStreamed { "SEND" } else { "SKIP" }
}

/// Stands for an authorisation filter in front of the processor.
fn denied() -> Value {
    json!({"rules": {"action": "DENY", "policies": {"denied": {
        "permissions": [{"header": {"name": DENY, "present_match": true}}],
        "principals": [{"any": true}],
    }}}})
}

fn routes(backends: &Backends) -> Vec<Value> {
    let mut routes = vec![json!({
        "match": {"prefix": "/", "headers": [{"name": REFUSE, "present_match": true}]},
        "direct_response": {"status": 403, "body": {"inline_string": "refused"}},
    })];
    routes.extend(backends.by_model.iter().map(|(model, _)| {
        let header = json!({"name": "x-selected-model", "string_match": {"exact": model}});
        json!({"match": {"prefix": "/", "headers": [header]}, "route": {"cluster": model, "timeout": "60s"}})
    }));
    routes.push(json!({"match": {"prefix": "/"}, "route": {"cluster": "default", "timeout": "60s"}}));
    routes
}
