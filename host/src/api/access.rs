//! Who is answered: on the loopback address whoever is on this machine, elsewhere whoever has the token.

use super::error::ApiError;
use anyhow::Context as _;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use subtle::ConstantTimeEq;

/// What is answered without a token: probes have none, and learn nothing but that the process lives.
const OPEN: [&str; 2] = ["/health", "/ready"];
/// The fewest bytes of a token. Fewer can be guessed.
const FEWEST: usize = 16;

/// What a request has to show.
#[derive(Clone, Debug)]
pub(crate) enum Access {
    /// That it was meant for this machine.
    Local,
    /// The token.
    Bearer(Token),
}

/// A token, of which only the digest is kept: it cannot be logged, and comparing it tells nothing about its length.
#[derive(Clone)]
pub(crate) struct Token([u8; 32]);

/// The API would be open to a network.
#[derive(Debug, thiserror::Error)]
#[error(
    "the API on {0} would answer everybody who reaches it: give it a token by --api-token-file or \
     TRACKSIDE_API_TOKEN, or let it listen on the loopback address, as in --api 127.0.0.1:8080"
)]
pub(crate) struct Exposed(SocketAddr);

impl Access {
    /// The access to an API that listens on an address. A token that is given is asked for everywhere.
    pub(crate) fn new(address: SocketAddr, token: Option<Token>) -> Result<Self, Exposed> {
        match token {
            Some(token) => Ok(Self::Bearer(token)),
            None if address.ip().to_canonical().is_loopback() => Ok(Self::Local),
            None => Err(Exposed(address)),
        }
    }

    /// What a request is answered that shows too little.
    fn refusal(&self, headers: &HeaderMap) -> Option<Response> {
        match self {
            Self::Local if !is_local(headers) => {
                let message = "the host header names another machine: expected localhost or an IP address";
                Some(ApiError::new(StatusCode::MISDIRECTED_REQUEST, "WRONG_HOST", message).into_response())
            }
            Self::Local if !is_of_this_machine(headers) => {
                let message = "the origin header names a page from elsewhere: give the API a token, and send it";
                Some(ApiError::new(StatusCode::FORBIDDEN, "CROSS_ORIGIN", message).into_response())
            }
            Self::Local => None,
            Self::Bearer(token) => match bearer(headers) {
                Some(shown) if token.is(shown) => None,
                shown => Some(unauthorized(shown.is_some())),
            },
        }
    }
}

impl Token {
    /// A token as somebody wrote it; line ends around it do not count.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let token = text.trim();
        let visible = token.bytes().all(|byte| byte.is_ascii_graphic());
        anyhow::ensure!(
            visible && token.len() >= FEWEST,
            "expected {FEWEST} or more visible characters without blanks"
        );
        Ok(Self(Sha256::digest(token).into()))
    }

    /// The token in a file.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let read = std::fs::read_to_string(path).map_err(anyhow::Error::from);
        read.and_then(|text| Self::parse(&text)).with_context(|| format!("no API token in {}", path.display()))
    }

    fn is(&self, shown: &[u8]) -> bool {
        self.0.ct_eq(&Sha256::digest(shown)).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Answers only those who may ask.
pub(super) async fn guard(State(access): State<Access>, request: Request, next: Next) -> Response {
    if !OPEN.contains(&request.uri().path())
        && let Some(refusal) = access.refusal(request.headers())
    {
        return refusal;
    }
    next.run(request).await
}

fn unauthorized(shown: bool) -> Response {
    let (challenge, message) = match shown {
        true => (r#"Bearer error="invalid_token""#, "the bearer token is not the one expected"),
        false => ("Bearer", "expected the header authorization: Bearer TOKEN"),
    };
    let error = ApiError::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message);
    ([(WWW_AUTHENTICATE, challenge)], error).into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii())
}

/// Whether the host header is a name that only this machine can have. A web page elsewhere can make a browser send
/// requests to the loopback address, by a name of its own that it lets point there.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST) else { return true };
    let Ok(host) = host.to_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if host.parse::<SocketAddr>().is_ok() || bare.parse::<IpAddr>().is_ok() {
        return true;
    }
    names_this_machine(host.rsplit_once(':').map_or(host, |(name, _)| name))
}

fn names_this_machine(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

/// Whether no page from elsewhere is behind it. A browser lets such a page send some requests to the loopback address
/// under its true name, such as one that goes back to an earlier generation; it only hides the answer. It tells the
/// origin of the page with each request that can change something.
fn is_of_this_machine(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let host = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    let Some(host) = host else { return false };
    let bare = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let bare = bare.map_or(host, |(name, _)| name).trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().map_or_else(|_| names_this_machine(bare), |address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    const SECRET: &str = "0123456789abcdef";

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    fn access(address: &str, token: Option<&str>) -> Result<Access, Exposed> {
        Access::new(address.parse().unwrap(), token.map(|token| Token::parse(token).unwrap()))
    }

    #[test]
    fn only_the_loopback_address_is_open_without_a_token() {
        for local in ["127.0.0.1:80", "127.8.8.8:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert!(matches!(access(local, None), Ok(Access::Local)), "{local}");
            assert!(matches!(access(local, Some(SECRET)), Ok(Access::Bearer(_))), "{local}");
        }
        for open in ["0.0.0.0:80", "[::]:80", "10.0.0.1:80", "[::ffff:10.0.0.1]:80"] {
            assert!(access(open, None).unwrap_err().to_string().contains("--api-token-file"), "{open}");
            assert!(matches!(access(open, Some(SECRET)), Ok(Access::Bearer(_))), "{open}");
        }
    }

    #[test]
    fn a_token_is_compared_whole() {
        let access = access("0.0.0.0:80", Some("0123456789abcdef\n")).unwrap();
        for good in ["Bearer 0123456789abcdef", "bearer  0123456789abcdef "] {
            assert!(access.refusal(&with(AUTHORIZATION, good)).is_none(), "{good}");
        }
        for (bad, challenge) in [
            ("Bearer 0123456789abcde", r#"Bearer error="invalid_token""#),
            ("Bearer 0123456789abcdefg", r#"Bearer error="invalid_token""#),
            ("Bearer ", r#"Bearer error="invalid_token""#),
            ("Basic 0123456789abcdef", "Bearer"),
            ("0123456789abcdef", "Bearer"),
            ("", "Bearer"),
        ] {
            let refusal = access.refusal(&with(AUTHORIZATION, bad)).unwrap();
            let shown = refusal.headers()[WWW_AUTHENTICATE].to_str().unwrap();
            assert_eq!((refusal.status(), shown), (StatusCode::UNAUTHORIZED, challenge), "{bad}");
        }
        assert!(access.refusal(&HeaderMap::new()).is_some());
    }

    #[test]
    fn a_token_that_can_be_guessed_or_not_be_sent_is_none() {
        for bad in ["", "\n", "short", "0123456789 abcdef", "0123456789abcde\u{e4}"] {
            assert!(Token::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(format!("{:?}", Token::parse(SECRET).unwrap()), "Token(..)");
    }

    #[test]
    fn a_host_that_another_machine_may_have_is_refused_without_a_token() {
        for own in
            ["localhost", "LOCALHOST:8080", "a.localhost.:1", "127.0.0.1:8080", "[::1]:80", "[::1]", "::1", "10.1.1.1"]
        {
            assert!(Access::Local.refusal(&with(HOST, own)).is_none(), "{own}");
        }
        for other in ["evil.example:8080", "localhost.evil.example", "xlocalhost", "127.0.0.1.nip.io", "", "\u{e4}"] {
            let refusal = Access::Local.refusal(&with(HOST, other)).unwrap();
            assert_eq!(refusal.status(), StatusCode::MISDIRECTED_REQUEST, "{other}");
        }
        assert!(Access::Local.refusal(&HeaderMap::new()).is_none());
    }

    #[test]
    fn a_page_from_elsewhere_is_refused_without_a_token() {
        for own in
            ["http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:80", "https://a.localhost", "http://[::1]"]
        {
            assert!(Access::Local.refusal(&with(ORIGIN, own)).is_none(), "{own}");
        }
        for other in [
            "http://evil.example",
            "https://evil.example:8080",
            "null",
            "",
            "http://6.6.6.6",
            "http://127.0.0.1.nip.io",
            "localhost",
        ] {
            let refusal = Access::Local.refusal(&with(ORIGIN, other)).unwrap();
            assert_eq!(refusal.status(), StatusCode::FORBIDDEN, "{other}");
        }
        let access = access("127.0.0.1:80", Some(SECRET)).unwrap();
        let mut known = with(AUTHORIZATION, "Bearer 0123456789abcdef");
        known.insert(ORIGIN, HeaderValue::from_static("https://console.example"));
        assert!(access.refusal(&known).is_none(), "who has the token may be anywhere");
    }
}
