//! What surrounds routing: bounds on bodies, identities, traces.

use std::time::Duration;

/// Whether a request may ask to be left alone (`global.router.skip_processing`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SkipProcessing {
    /// The header has no effect.
    #[default]
    Ignored,
    /// `x-vsr-skip-processing: true` passes the request on as it is. Any client may send it.
    Honoured,
}

/// Bounds on bodies that come in pieces (`global.router.streamed_body`); none unless the section is enabled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamedBody {
    /// Most bytes of one body.
    pub max_bytes: Option<u64>,
    /// Longest time from the first piece to the last.
    pub timeout: Option<Duration>,
}

/// Who says who the user is (`global.services.authz`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The request header that names the user, lower case.
    pub user_header: String,
    /// The request header that lists the user's groups, lower case.
    pub groups_header: String,
    /// Whether these headers may be believed.
    pub trust: Trust,
    /// What happens to a request that needs an identity and has none.
    pub anonymous: Anonymous,
}

/// Whether identity headers may be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// No: a client may have sent them.
    Nobody,
    /// Yes: the configuration says that the gateway sets them.
    Gateway,
}

/// What happens to a request that needs an identity and has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anonymous {
    /// It is refused.
    Refused,
    /// It goes on without roles (`fail_open`).
    Admitted,
}

impl Identity {
    /// The header that names the user unless the configuration names another.
    pub const USER_HEADER: &str = "x-authz-user-id";
    /// The header that lists the user's groups unless the configuration names another.
    pub const GROUPS_HEADER: &str = "x-authz-user-groups";

    /// The identity headers that nobody vouches for.
    #[must_use]
    pub fn untrusted_headers(&self) -> Vec<String> {
        let own = [self.user_header.as_str(), &self.groups_header];
        let mut headers = match self.trust {
            Trust::Nobody => own.to_vec(),
            Trust::Gateway => Vec::new(),
        };
        headers.extend([Self::USER_HEADER, Self::GROUPS_HEADER].into_iter().filter(|usual| !own.contains(usual)));
        headers.into_iter().map(str::to_owned).collect()
    }
}

/// Where traces go (`global.services.observability.tracing`).
#[derive(Clone, Debug, PartialEq)]
pub struct Tracing {
    /// How they are sent.
    pub exporter: Exporter,
    /// `host:port` or a URL.
    pub endpoint: Option<String>,
    /// Whether the connection goes without TLS.
    pub insecure: bool,
    /// Which requests are traced.
    pub sampling: Sampling,
    /// The service as traces name it.
    pub service_name: Option<String>,
    /// Its version.
    pub service_version: Option<String>,
    /// Where it runs, such as `production`.
    pub deployment_environment: Option<String>,
}

/// How traces are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exporter {
    /// OpenTelemetry's protocol.
    Otlp,
    /// Lines on standard output.
    Stdout,
}

/// Which requests are traced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampling {
    /// All.
    Always,
    /// None.
    Never,
    /// This share of them, 0 to 1.
    Ratio(f64),
}
