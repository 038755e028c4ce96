//! A real Envoy with one listener per set-up of its ExtProc filter.

use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

const HTTP: &str = "type.googleapis.com/envoy.extensions.filters.http";

/// How the filter is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Listener {
    Buffered,
    /// Buffered, and no override can change it.
    BufferedFixed,
    /// Buffered, behind a filter that refuses everything.
    Denied,
    None,
    /// Shows, and does not wait.
    Observed,
    Partial,
    Streamed,
    DuplexRequest,
    Duplex,
}

impl Listener {
    const ALL: [Listener; 9] = [
        Listener::Buffered,
        Listener::BufferedFixed,
        Listener::Denied,
        Listener::None,
        Listener::Observed,
        Listener::Partial,
        Listener::Streamed,
        Listener::DuplexRequest,
        Listener::Duplex,
    ];

    fn bodies(self) -> (&'static str, &'static str) {
        match self {
            Listener::Buffered | Listener::BufferedFixed | Listener::Denied => ("BUFFERED", "BUFFERED"),
            Listener::None => ("NONE", "NONE"),
            Listener::Partial => ("BUFFERED_PARTIAL", "BUFFERED_PARTIAL"),
            Listener::Observed | Listener::Streamed => ("STREAMED", "STREAMED"),
            Listener::DuplexRequest => ("FULL_DUPLEX_STREAMED", "NONE"),
            Listener::Duplex => ("FULL_DUPLEX_STREAMED", "FULL_DUPLEX_STREAMED"),
        }
    }

    fn filters(self) -> Value {
        let (request, response) = self.bodies();
        let deny = json!({"name": "deny", "typed_config": {"@type": format!("{HTTP}.rbac.v3.RBAC"), "rules": {
            "action": "DENY",
            "policies": {"all": {"permissions": [{"any": true}], "principals": [{"any": true}]}}}}});
        let ext_proc = json!({"name": "ext_proc", "typed_config": {
            "@type": format!("{HTTP}.ext_proc.v3.ExternalProcessor"),
            "stat_prefix": "record",
            "grpc_service": {"envoy_grpc": {"cluster_name": "trackside"}},
            "message_timeout": "10s",
            "allow_mode_override": !matches!(self, Listener::BufferedFixed),
            "observability_mode": matches!(self, Listener::Observed),
            "request_attributes": ["request.path"],
            "processing_mode": {
                "request_header_mode": "SEND", "response_header_mode": "SEND",
                "request_body_mode": request, "response_body_mode": response,
                "request_trailer_mode": "SEND", "response_trailer_mode": "SEND"}}});
        let router = json!({"name": "router", "typed_config": {"@type": format!("{HTTP}.router.v3.Router")}});
        if matches!(self, Listener::Denied) { json!([deny, ext_proc, router]) } else { json!([ext_proc, router]) }
    }

    fn config(self, address: SocketAddr) -> Value {
        json!({"name": format!("{self:?}"), "address": socket(address), "filter_chains": [{"filters": [{
            "name": "http", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": "record",
                "http_protocol_options": {"enable_trailers": true},
                "http_filters": self.filters(),
                "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
                    {"match": {"prefix": "/"}, "route": {"cluster": "upstream"}}]}]}}}]}]})
    }
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip(), "port_value": address.port()}})
}

fn cluster(name: &str, address: SocketAddr, options: &Value) -> Value {
    let endpoint = json!({"endpoint": {"address": socket(address)}});
    json!({"name": name, "type": "STATIC",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": options}}})
}

/// A running Envoy; ends with the value.
pub(crate) struct Envoy {
    process: Child,
    admin: SocketAddr,
    listeners: Vec<SocketAddr>,
}

impl Envoy {
    pub(crate) fn start(executable: &str, service: SocketAddr, upstream: SocketAddr) -> Envoy {
        let mut free = free_addresses(Listener::ALL.len() + 1);
        let admin = free.remove(0);
        let configs = Listener::ALL.iter().zip(&free).map(|(listener, address)| listener.config(*address));
        let config = json!({
        "admin": {"address": socket(admin)},
        "static_resources": {
            "listeners": configs.collect::<Vec<_>>(),
            "clusters": [
                cluster("trackside", service, &json!({"http2_protocol_options": {}})),
                cluster("upstream", upstream, &json!({"http_protocol_options": {"enable_trailers": true}})),
            ]}});
        let mut command = Command::new(executable);
        command.args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "warn", "--config-yaml"]);
        let process = command.arg(config.to_string()).stdout(Stdio::null()).spawn().unwrap();
        let envoy = Envoy { process, admin, listeners: free };
        let begun = Instant::now();
        while !envoy.ask("/ready").is_some_and(|answer| answer.contains("LIVE")) {
            assert!(begun.elapsed() < Duration::from_secs(30), "Envoy does not become ready");
            sleep(Duration::from_millis(50));
        }
        envoy
    }

    pub(crate) fn listener(&self, listener: Listener) -> SocketAddr {
        self.listeners[listener as usize]
    }

    /// Fails if any answer was refused or ignored.
    pub(crate) fn assert_content(&self) {
        let stats = self.ask("/stats?filter=ext_proc").unwrap();
        for counter in
            ["spurious_msgs_received", "streams_failed", "clear_route_cache_ignored", "rejected_header_mutations"]
        {
            let lines: Vec<_> = stats.lines().filter(|line| line.contains(counter)).collect();
            assert!(lines.iter().all(|line| line.ends_with(": 0")), "{lines:?}");
            println!("{counter}: {}", if lines.is_empty() { "not counted" } else { "0" });
        }
    }

    fn ask(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.admin).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        drop((self.process.kill(), self.process.wait()));
    }
}

fn free_addresses(count: usize) -> Vec<SocketAddr> {
    let held: Vec<_> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    held.iter().map(|listener| listener.local_addr().unwrap()).collect()
}
