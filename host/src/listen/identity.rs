//! What the ExtProc port shows to gateways, and what it asks of them: files that may change while it serves.

use anyhow::Context as _;
use arc_swap::ArcSwap;
use clap::Args;
use sha2::{Digest, Sha256};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use trackside_telemetry::Metrics;

/// How often the files are looked at.
const CHECK: Duration = Duration::from_secs(2);
/// Most bytes of a file: certificates have a few thousand.
const MOST_BYTES: u64 = 1 << 20;

/// Where the ExtProc port's certificate comes from.
#[derive(Clone, Debug, Args)]
pub(crate) struct Files {
    /// Serve ExtProc over TLS with this certificate chain (PEM). Read again when it changes.
    #[arg(long = "tls-cert", value_name = "FILE", env = "TRACKSIDE_TLS_CERT", requires = "key")]
    certificate: Option<PathBuf>,
    /// The private key of the certificate (PEM).
    #[arg(long = "tls-key", value_name = "FILE", env = "TRACKSIDE_TLS_KEY", requires = "certificate")]
    key: Option<PathBuf>,
    /// Take only gateways that show a certificate of one of these authorities (PEM).
    #[arg(long = "tls-client-ca", value_name = "FILE", env = "TRACKSIDE_TLS_CLIENT_CA", requires = "certificate")]
    client_authority: Option<PathBuf>,
}

/// The certificate of now, and how to get the next.
#[derive(Debug)]
pub(crate) struct Identity {
    files: Paths,
    serving: ArcSwap<ServerConfig>,
    /// Digest of the files that it was started with.
    first: [u8; 32],
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct Paths {
    certificate: PathBuf,
    key: PathBuf,
    client_authority: Option<PathBuf>,
}

/// The files, read at one time.
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_authority: Option<Vec<u8>>,
}

impl Identity {
    /// Reads the files, if there are any.
    pub(crate) fn load(files: &Files, metrics: &Arc<Metrics>) -> anyhow::Result<Option<Self>> {
        let Some((certificate, key)) = files.certificate.clone().zip(files.key.clone()) else { return Ok(None) };
        let files = Paths { certificate, key, client_authority: files.client_authority.clone() };
        let contents = files.read()?;
        let serving = ArcSwap::from_pointee(contents.configure(&files)?);
        Ok(Some(Self { files, serving, first: contents.digest(), metrics: Arc::clone(metrics) }))
    }

    /// What the next connection is shown.
    pub(crate) fn now(&self) -> Arc<ServerConfig> {
        self.serving.load_full()
    }

    /// Looks at the files for ever. Connections made after a change get the new certificate; files that cannot be used
    /// change nothing, and are told once.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut seen = self.first;
        loop {
            sleep(CHECK).await;
            let identity = Arc::clone(&self);
            seen = spawn_blocking(move || identity.look(seen)).await.unwrap_or_default();
        }
    }

    /// Takes up what changed since the last look, of which it tells the digest.
    fn look(&self, seen: [u8; 32]) -> [u8; 32] {
        let read = self.files.read();
        // Of files that cannot be read all that counts is that they cannot.
        let digest = read.as_ref().map_or([0; 32], Contents::digest);
        if seen == digest {
            return seen;
        }
        match read.and_then(|contents| contents.configure(&self.files)) {
            Ok(config) => {
                self.serving.store(Arc::new(config));
                self.metrics.tls_reload("ok");
                tracing::info!(event = "tls_reloaded", certificate = %self.files.certificate.display());
            }
            Err(error) => {
                self.metrics.tls_reload("failed");
                let error = format!("{error:#}");
                tracing::error!(event = "tls_reload_failed", error, "the certificate before goes on serving");
            }
        }
        digest
    }
}

impl Paths {
    fn read(&self) -> anyhow::Result<Contents> {
        Ok(Contents {
            certificate: read(&self.certificate)?,
            key: read(&self.key)?,
            client_authority: self.client_authority.as_deref().map(read).transpose()?,
        })
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(path);
    let read = opened.and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
    read.map(|_| bytes).with_context(|| format!("cannot read {}", path.display()))
}

impl Contents {
    fn digest(&self) -> [u8; 32] {
        let mut all = Sha256::new();
        for part in [&self.certificate, &self.key, self.client_authority.as_ref().unwrap_or(&Vec::new())] {
            all.update(part.len().to_be_bytes());
            all.update(part);
        }
        all.finalize().into()
    }

    /// What rustls needs to serve. Fails when the key is not that of the certificate.
    fn configure(&self, files: &Paths) -> anyhow::Result<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let chain = certificates(&self.certificate, &files.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key);
        let key = key.map_err(|_| anyhow::anyhow!("no private key (PEM) in {}", files.key.display()))?;
        let config =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let config = match (&self.client_authority, &files.client_authority) {
            (Some(pem), Some(path)) => config.with_client_cert_verifier(
                verifier(&certificates(pem, path)?, provider)
                    .with_context(|| format!("cannot trust what is in {}", path.display()))?,
            ),
            _ => config.with_no_client_auth(),
        };
        let pair = || format!("{} and {} are no pair", files.certificate.display(), files.key.display());
        let mut config = config.with_single_cert(chain, key).with_context(pair)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }
}

fn verifier(
    authorities: &[CertificateDer<'static>],
    provider: Arc<CryptoProvider>,
) -> anyhow::Result<Arc<dyn tokio_rustls::rustls::server::danger::ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    authorities.iter().try_for_each(|authority| roots.add(authority.clone()))?;
    Ok(WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?)
}

fn certificates(pem: &[u8], path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.ok().filter(|found| !found.is_empty());
    found.with_context(|| format!("no certificate (PEM) in {}", path.display()))
}
