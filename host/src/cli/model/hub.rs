//! A hub of models over HTTP: where a file is, what it has to hash to, and its bytes.

use crate::assemble::HubName;
use anyhow::{Context as _, bail};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;
use ureq::http::header::{AUTHORIZATION, CONTENT_RANGE, ETAG, HeaderMap, LOCATION, RANGE};
use ureq::http::{Response, StatusCode, Uri};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, BodyReader};

/// Longest wait for a connection, for the head of an answer, and for each piece of its body.
const PATIENCE: Duration = Duration::from_secs(30);
/// A hub sends on to where its files lie, and that may send on once more.
const MOST_REDIRECTS: usize = 5;

/// Where models come from.
#[derive(Debug, Args)]
pub(super) struct Endpoint {
    /// The hub.
    #[arg(long, value_name = "URL", env = "HF_ENDPOINT", default_value = "https://huggingface.co")]
    endpoint: String,
    /// Token for models that are not public.
    #[arg(long, value_name = "TOKEN", env = "HF_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Certificates (PEM) that are trusted instead of the usual ones, for a network with a certificate authority of its
    /// own. Proxies are taken from HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
    #[arg(long, value_name = "FILE", env = "SSL_CERT_FILE")]
    ca: Option<PathBuf>,
}

/// A hub that can be asked.
#[derive(Debug)]
pub(super) struct Hub<'a> {
    agent: Agent,
    endpoint: &'a str,
    token: Option<&'a str>,
}

/// A file of a hub on its way.
pub(super) struct Arriving {
    /// Position of the first byte that comes.
    pub(super) from: u64,
    /// Length of the whole file, if the hub tells.
    pub(super) length: Option<u64>,
    /// What the whole file has to hash to, 64 hexadecimal digits, if the hub tells.
    pub(super) sha256: Option<String>,
    /// The commit that the revision stands for, if the hub tells.
    pub(super) commit: Option<String>,
    pub(super) bytes: BodyReader<'static>,
}

/// What the hub itself says of a file, before it sends on.
#[derive(Default)]
struct Told {
    sha256: Option<String>,
    commit: Option<String>,
}

impl Endpoint {
    pub(super) fn connect(&self) -> anyhow::Result<Hub<'_>> {
        let mut tls = TlsConfig::builder();
        if let Some(file) = &self.ca {
            let pem = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let certificates = parse_pem(&pem).filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            });
            tls = tls.root_certs(RootCerts::from(certificates));
        }
        let agent = Agent::config_builder()
            .tls_config(tls.build())
            .user_agent(concat!("trackside/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            // A redirect's own head has the checksum, and another host must not get the token.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            .timeout_per_read(Some(PATIENCE))
            .build()
            .into();
        let token = self.token.as_deref().filter(|token| !token.is_empty());
        Ok(Hub { agent, endpoint: self.endpoint.trim_end_matches('/'), token })
    }
}

impl Hub<'_> {
    /// A file of a model from a position on; `None` when the hub has no such file, model or revision.
    pub(super) fn get(
        &self,
        name: &HubName,
        revision: &str,
        file: &str,
        from: u64,
    ) -> anyhow::Result<Option<Arriving>> {
        let mut url = format!("{}/{name}/resolve/{revision}/{file}", self.endpoint);
        let mut told = Told::default();
        for _ in 0..=MOST_REDIRECTS {
            let response = self.ask(&url, from)?;
            if self.is_mine(&url) {
                told.listen(response.headers());
            }
            match response.status() {
                StatusCode::OK | StatusCode::PARTIAL_CONTENT => return arriving(response, told).map(Some),
                StatusCode::NOT_FOUND => return Ok(None),
                // The hub's file ends before the position: it is another one.
                StatusCode::RANGE_NOT_SATISFIABLE if from > 0 => return self.get(name, revision, file, 0),
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => bail!(
                    "the hub does not show {name} ({}): check the name, and set HF_TOKEN if it is not public",
                    response.status()
                ),
                status if status.is_redirection() => url = next(&url, response.headers())?,
                status => bail!("the hub answered {status} for {file} of {name}"),
            }
        }
        bail!("the hub sends on more than {MOST_REDIRECTS} times for {file} of {name}")
    }

    fn ask(&self, url: &str, from: u64) -> anyhow::Result<Response<Body>> {
        let mut request = self.agent.get(url);
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        if let Some(token) = self.token.filter(|_| self.is_mine(url)) {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        request.call().with_context(|| {
            let host = url.parse::<Uri>().ok().and_then(|uri| Some(uri.authority()?.to_string())).unwrap_or_default();
            format!("cannot reach {host}; without a network, bring the files and use --from DIR")
        })
    }

    /// Whether a URL is the hub's own, and not of a store that it sends on to.
    fn is_mine(&self, url: &str) -> bool {
        url.strip_prefix(self.endpoint).is_some_and(|path| path.starts_with('/'))
    }
}

impl Told {
    fn listen(&mut self, headers: &HeaderMap) {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let digest = |name: &str| text(name).map(|etag| etag.trim_matches('"')).filter(|etag| is_hex(etag, 64));
        let sha256 = digest("x-linked-etag").or_else(|| digest(ETAG.as_str())).map(str::to_ascii_lowercase);
        let commit = text("x-repo-commit").filter(|commit| is_hex(commit, 40)).map(str::to_owned);
        self.sha256 = self.sha256.take().or(sha256);
        self.commit = self.commit.take().or(commit);
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn arriving(response: Response<Body>, told: Told) -> anyhow::Result<Arriving> {
    let rest = response.body().content_length();
    let (from, length) = match response.headers().get(CONTENT_RANGE).filter(|_| response.status().as_u16() == 206) {
        None => (0, rest),
        Some(range) => {
            let range = range.to_str().ok().and_then(|range| range.strip_prefix("bytes ")?.split_once('-'));
            let from = range.and_then(|(from, _)| from.parse::<u64>().ok());
            let from = from.context("the hub answers with no usable range")?;
            (from, rest.map(|rest| from.saturating_add(rest)))
        }
    };
    let bytes = response.into_body().into_reader();
    Ok(Arriving { from, length, sha256: told.sha256, commit: told.commit, bytes })
}

/// Where a redirect leads: a whole URL, or a path on the same host. Never from https to http.
fn next(url: &str, headers: &HeaderMap) -> anyhow::Result<String> {
    let location =
        headers.get(LOCATION).and_then(|value| value.to_str().ok()).context("the hub sends on to nowhere")?;
    let whole = if location.starts_with('/') {
        let uri: Uri = url.parse().context("the hub's address is no URL")?;
        format!("{}://{}{location}", uri.scheme_str().unwrap_or("https"), uri.authority().map_or("", |a| a.as_str()))
    } else {
        location.to_owned()
    };
    let usable = whole.starts_with("https://") || whole.starts_with("http://") && url.starts_with("http://");
    if !usable {
        bail!("the hub sends on to {whole:?}, which is not followed");
    }
    Ok(whole)
}
