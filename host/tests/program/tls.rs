//! ExtProc over TLS: who is let in, and certificates that change while it serves.

use crate::gateway::Stream;
use crate::process::{Server, file, get, run};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

/// The first byte by which TLS tells that something is wrong.
const ALERT: u8 = 0x15;
const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody whom certificates are signed by.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for localhost, and its key.
    fn sign(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

/// The three files in a folder of their own.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    clients: PathBuf,
}

impl Files {
    fn new(name: &str, (certificate, key): &(String, String), clients: &str) -> Files {
        Files {
            certificate: file(&format!("tls/{name}/tls.crt"), certificate),
            key: file(&format!("tls/{name}/tls.key"), key),
            clients: file(&format!("tls/{name}/ca.crt"), clients),
        }
    }

    fn start(&self, mutual: bool) -> Server {
        let mut flags = vec!["--tls-cert", text(&self.certificate), "--tls-key", text(&self.key)];
        if mutual {
            flags.extend(["--tls-client-ca", text(&self.clients)]);
        }
        Server::start(&flags)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn connect(server: &Server, trust: &str, identity: Option<&(String, String)>) -> Result<Channel, String> {
    let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(trust)).domain_name("localhost");
    if let Some((certificate, key)) = identity {
        tls = tls.identity(Identity::from_pem(certificate, key));
    }
    let endpoint = Endpoint::from_shared(format!("https://{}", server.extproc)).unwrap().tls_config(tls).unwrap();
    endpoint.connect().await.map_err(|error| format!("{error:?}"))
}

/// Whether a gateway with these certificates gets an answer.
async fn is_served(server: &Server, trust: &str, identity: Option<&(String, String)>) -> bool {
    let Ok(channel) = connect(server, trust, identity).await else { return false };
    // In TLS 1.3 a client learns only afterwards that its certificate was refused.
    let Ok(mut stream) = Stream::open(channel, &[]).await else { return false };
    stream.ask("What is the derivative of x^3?").await.is_ok()
}

/// Waits until a metric says so.
fn until(server: &Server, line: &str) {
    let patience = Instant::now() + PATIENCE;
    while !get(server.metrics, "/metrics").body.lines().any(|found| found == line) {
        assert!(Instant::now() < patience, "never {line}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_asks_over_tls_and_only_over_tls() {
    let authority = Authority::new("one");
    let server = Files::new("plain", &authority.sign(), "").start(false);
    assert!(is_served(&server, &authority.pem(), None).await);
    assert!(!is_served(&server, &Authority::new("another").pem(), None).await, "a gateway knows whom it trusts");
    let mut clear = TcpStream::connect(server.extproc).unwrap();
    clear.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = clear.read_to_end(&mut answer);
    assert_eq!(answer.first(), Some(&ALERT), "nothing is served in the clear: {answer:?}");
    until(&server, "trackside_tls_handshakes_total{outcome=\"ok\"} 1");
    until(&server, "trackside_tls_handshakes_total{outcome=\"failed\"} 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_show_a_certificate_where_it_is_asked_for() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let server = Files::new("mutual", &ours.sign(), &theirs.pem()).start(true);
    assert!(is_served(&server, &ours.pem(), Some(&theirs.sign())).await);
    assert!(!is_served(&server, &ours.pem(), None).await);
    assert!(!is_served(&server, &ours.pem(), Some(&ours.sign())).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_changes_is_taken_up_and_a_broken_one_is_not() {
    let (before, after) = (Authority::new("before"), Authority::new("after"));
    let files = Files::new("reload", &before.sign(), "");
    let server = files.start(false);
    let mut open = Stream::open(connect(&server, &before.pem(), None).await.unwrap(), &[]).await.unwrap();

    // The certificate is there before its key, as when files are written one after the other.
    let (certificate, key) = after.sign();
    std::fs::write(&files.certificate, certificate).unwrap();
    until(&server, "trackside_tls_reloads_total{outcome=\"failed\"} 1");
    let error = server.event("tls_reload_failed");
    assert_eq!((error["level"].as_str(), error["msg"].is_string()), (Some("error"), true));
    assert!(error["error"].as_str().unwrap().contains("are no pair"), "{error}");
    assert!(is_served(&server, &before.pem(), None).await, "the one before goes on serving");

    std::fs::write(&files.key, key).unwrap();
    until(&server, "trackside_tls_reloads_total{outcome=\"ok\"} 1");
    assert!(is_served(&server, &after.pem(), None).await);
    assert!(!is_served(&server, &before.pem(), None).await);
    assert!(open.ask("What is the derivative of x^3?").await.is_ok(), "open connections stay as they are");

    std::fs::remove_file(&files.certificate).unwrap();
    until(&server, "trackside_tls_reloads_total{outcome=\"failed\"} 2");
    assert!(is_served(&server, &after.pem(), None).await);
}

#[test]
fn files_that_cannot_be_served_are_named_at_the_start() {
    let authority = Authority::new("one");
    let good = Files::new("faults", &authority.sign(), "none");
    let other = file("tls/faults/other.key", authority.sign().1);
    let [certificate, key, clients, other] =
        [&good.certificate, &good.key, &good.clients, &other].map(|path| text(path));
    for (flags, code, expected) in [
        (vec!["--tls-cert", certificate], 64, "--tls-key"),
        (vec!["--tls-client-ca", clients], 64, "--tls-cert"),
        (vec!["--tls-cert", "/nowhere.crt", "--tls-key", key], 69, "cannot read /nowhere.crt"),
        (vec!["--tls-cert", key, "--tls-key", key], 69, "no certificate (PEM) in"),
        (vec!["--tls-cert", certificate, "--tls-key", certificate], 69, "no private key (PEM) in"),
        (vec!["--tls-cert", certificate, "--tls-key", other], 69, "are no pair"),
        (vec!["--tls-cert", certificate, "--tls-key", key, "--tls-client-ca", clients], 69, "ca.crt"),
    ] {
        let output = run(&[vec!["serve"], flags].concat());
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{log}");
        assert!(log.contains(expected), "no {expected} in {log}");
    }
}
