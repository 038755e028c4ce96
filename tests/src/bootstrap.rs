//! Envoy's configuration, one listener per [`Mode`].

use crate::{
    mode::{Body, Mode, Override, Twist},
    routes,
};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};

/// Request header that makes the gateway answer 403 before the external processor sees the request.
pub const DENY: &str = "x-deny";

/// Nobody listens here.
const NOBODY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9);

/// What stands around Envoy.
#[derive(Clone, Debug)]
pub struct Backends {
    pub extproc: SocketAddr,
    /// The plugin of the gateway that comes behind the router on some listeners.
    pub plugin: SocketAddr,
    /// Takes every request that no other route takes.
    pub default: SocketAddr,
    /// Models with an upstream of their own, by exact match of `x-selected-model`.
    pub by_model: Vec<(String, SocketAddr)>,
}

pub(crate) fn render(backends: &Backends, modes: &[Mode]) -> Value {
    let grpc = || json!({"explicit_http_config": {"http2_protocol_options": {}}});
    let mut clusters = vec![
        cluster("extproc", backends.extproc, grpc()),
        cluster("plugin", backends.plugin, grpc()),
        cluster("nobody", NOBODY, grpc()),
        cluster("default", backends.default, as_downstream()),
    ];
    clusters.extend(backends.by_model.iter().map(|(model, address)| cluster(model, *address, as_downstream())));
    json!({
        "admin": {"address": address("127.0.0.1", 0)},
        "static_resources": {
            "listeners": modes.iter().map(|mode| listener(mode, backends)).collect::<Vec<_>>(),
            "clusters": clusters,
        },
    })
}

fn address(host: &str, port: u16) -> Value {
    json!({"socket_address": {"address": host, "port_value": port}})
}

pub(crate) fn typed(kind: &str, mut fields: Value) -> Value {
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
        "per_connection_buffer_limit_bytes": 80 << 20,
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
    let mut connections = json!({
        "stat_prefix": mode.name,
        "codec_type": "AUTO",
        "http_protocol_options": {"enable_trailers": true},
        "route_config": {"virtual_hosts": routes::hosts(mode, backends)},
        "http_filters": filters(mode),
    });
    if mode.has(Twist::Upgrades) {
        connections["upgrade_configs"] = json!([{"upgrade_type": "websocket"}, {"upgrade_type": "CONNECT"}]);
        connections["http2_protocol_options"] = json!({"allow_connect": true});
    }
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

fn filters(mode: &Mode) -> Vec<Value> {
    let filter = |name: &str, kind: &str, fields: Value| json!({"name": format!("envoy.filters.http.{name}"), "typed_config": typed(&format!("filters.http.{kind}"), fields)});
    let processor = |fields| filter("ext_proc", "ext_proc.v3.ExternalProcessor", fields);
    let mut filters = vec![filter("rbac", "rbac.v3.RBAC", denied())];
    if mode.has(Twist::Attached) {
        filters.push(filter("set_metadata", "set_metadata.v3.Config", metadata()));
    }
    filters.push(processor(trackside(mode)));
    if mode.has(Twist::Twice) {
        filters.push(processor(trackside(mode)));
    }
    if mode.has(Twist::BeforeAibrix) {
        filters.push(processor(plugin()));
    }
    filters.push(filter("router", "router.v3.Router", json!({})));
    filters
}

fn trackside(mode: &Mode) -> Value {
    let sent = |skipped| if mode.has(skipped) { "SKIP" } else { "SEND" };
    let cluster = if mode.has(Twist::NoProcessor) { "nobody" } else { "extproc" };
    let mut fields = json!({
        "grpc_service": {"envoy_grpc": {"cluster_name": cluster}},
        "message_timeout": if mode.has(Twist::Hurried) { "0.2s" } else { "30s" },
        "max_message_timeout": "10s",
        "failure_mode_allow": mode.has(Twist::FailsOpen),
        "allow_mode_override": mode.mode_override == Override::Allowed,
        "observability_mode": mode.has(Twist::Observed),
        "send_body_without_waiting_for_header_response": mode.has(Twist::BodyNotHeldBack),
        "processing_mode": {
            "request_header_mode": sent(Twist::RequestHeadersSkipped),
            "response_header_mode": sent(Twist::ResponseHeadersSkipped),
            "request_body_mode": mode.request.wire(),
            "response_body_mode": mode.response.wire(),
            "request_trailer_mode": trailers(mode, mode.request),
            "response_trailer_mode": trailers(mode, mode.response),
        },
    });
    if mode.has(Twist::OtherOverridesListed) {
        fields["allowed_override_modes"] = json!([{"request_body_mode": "STREAMED", "response_body_mode": "STREAMED"}]);
    }
    if mode.has(Twist::Profiled) {
        fields["grpc_service"]["initial_metadata"] = json!([{"key": "x-trackside-profile", "value": "support"}]);
    }
    if mode.has(Twist::SelectionHidden) {
        fields["forward_rules"] = json!({"disallowed_headers": {"patterns": [{"exact": "x-selected-model"}]}});
    }
    if mode.has(Twist::ForbiddenEditsFail) {
        fields["mutation_rules"] = json!({"disallow_is_error": true});
    }
    if mode.has(Twist::Attached) {
        fields["request_attributes"] =
            json!(["request.path", "request.method", "request.headers['x-tenant']", "source.address", "no.such"]);
        fields["metadata_options"] = json!({"forwarding_namespaces": {"untyped": ["tenancy", "billing", "absent"]}});
    }
    fields
}

/// Full duplex demands trailers; elsewhere the installations leave them out.
fn trailers(mode: &Mode, body: Body) -> &'static str {
    if body == Body::FullDuplexStreamed || mode.has(Twist::TrailersSent) { "SEND" } else { "SKIP" }
}

/// The second processor of an AIBrix installation.
fn plugin() -> Value {
    json!({
        "grpc_service": {"envoy_grpc": {"cluster_name": "plugin"}},
        "message_timeout": "60s",
        "processing_mode": {
            "request_header_mode": "SEND",
            "response_header_mode": "SEND",
            "request_body_mode": "BUFFERED",
            "response_body_mode": "STREAMED",
        },
    })
}

/// Stands for an authorisation filter in front of the processor.
fn denied() -> Value {
    json!({"rules": {"action": "DENY", "policies": {"denied": {
        "permissions": [{"header": {"name": DENY, "present_match": true}}],
        "principals": [{"any": true}],
    }}}})
}

/// What a filter in front of the processor might know about the client.
fn metadata() -> Value {
    json!({"metadata": [
        {"metadata_namespace": "tenancy", "value": {"tenant": "gold", "seats": 40, "nested": {"region": "north"}}},
        {"metadata_namespace": "billing", "value": {"plan": "yearly"}},
        {"metadata_namespace": "private", "value": {"secret": "kept"}},
    ]})
}
