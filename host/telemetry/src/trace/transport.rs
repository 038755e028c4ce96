//! The way to the collector.

use super::otlp::{Any, AnyValue, Array, ExportRequest, ExportResponse, KeyValue};
use prost::Message;
use std::fmt;
use std::time::Duration;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

const METHOD: PathAndQuery = PathAndQuery::from_static("/opentelemetry.proto.collector.trace.v1.TraceService/Export");

/// Where traces go.
#[derive(Clone, Debug)]
pub enum Destination {
    /// To a collector over OTLP/gRPC.
    Grpc {
        /// Such as `http://collector:4317`.
        url: String,
        /// What it is shown and trusted by.
        credentials: Credentials,
    },
    /// To a collector over OTLP/HTTP with protobuf.
    Http {
        /// The whole address, such as `http://collector:4318/v1/traces`.
        url: String,
        /// What it is shown and trusted by.
        credentials: Credentials,
    },
    /// To the log, one line for each span.
    Log,
}

/// What a collector is shown, and by what it is trusted.
#[derive(Clone, Default)]
pub struct Credentials {
    /// Sent with each batch. They may hold keys, so they are never shown.
    pub headers: Vec<(String, String)>,
    /// Certificates (PEM) to trust instead of the usual authorities.
    pub authority: Option<Vec<u8>>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// Why a batch did not arrive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("the collector is not reached or refuses: {} {}", .0.code(), .0.message())]
    Grpc(#[source] Box<tonic::Status>),
    #[error("the collector is not reached or refuses")]
    Http(#[source] Box<ureq::Error>),
    #[error("no answer within {0:?}")]
    Slow(Duration),
}

/// Why a destination cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DestinationError {
    /// The address is none.
    #[error("the collector's address {url:?} cannot be used")]
    Address {
        /// What was given.
        url: String,
        /// What is wrong with it.
        #[source]
        error: tonic::transport::Error,
    },
    /// A header cannot be sent.
    #[error("the header {name:?} for the collector cannot be sent")]
    Header {
        /// Its name.
        name: String,
    },
    /// The certificates cannot be used.
    #[error("the collector's authority is no PEM certificate")]
    Authority,
    /// The system gives no thread or socket.
    #[error("no runtime for traces")]
    Runtime(#[from] std::io::Error),
}

/// A destination, ready to be sent to.
pub(crate) enum Transport {
    Grpc { runtime: tokio::runtime::Runtime, channel: Channel, headers: Vec<(AsciiMetadataKey, AsciiMetadataValue)> },
    Http { agent: ureq::Agent, url: String, headers: Vec<(String, String)> },
    Log,
}

impl Transport {
    /// Prepares the way. Nothing is sent yet, so the collector need not be there.
    pub(crate) fn new(destination: Destination) -> Result<Self, DestinationError> {
        match destination {
            Destination::Grpc { url, credentials } => grpc(url, credentials),
            Destination::Http { url, credentials } => http(url, credentials),
            Destination::Log => Ok(Self::Log),
        }
    }

    /// Sends a batch; waits at most so long.
    pub(crate) fn send(&self, batch: ExportRequest, timeout: Duration) -> Result<ExportResponse, SendError> {
        match self {
            Self::Grpc { runtime, channel, headers } => runtime.block_on(async {
                let mut request = tonic::Request::new(batch);
                headers.iter().for_each(|(name, value)| {
                    request.metadata_mut().insert(name.clone(), value.clone());
                });
                let sent = tokio::time::timeout(timeout, call(channel.clone(), request));
                sent.await.map_err(|_| SendError::Slow(timeout))?.map_err(|status| SendError::Grpc(Box::new(status)))
            }),
            Self::Http { agent, url, headers } => {
                let request = agent.post(url).config().timeout_global(Some(timeout)).build();
                let request = request.header("content-type", "application/x-protobuf");
                let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
                let failed = |error| SendError::Http(Box::new(error));
                let mut answer = request.send(&batch.encode_to_vec()[..]).map_err(failed)?;
                if !answer.status().is_success() {
                    return Err(failed(ureq::Error::StatusCode(answer.status().as_u16())));
                }
                let body = answer.body_mut().with_config().limit(1 << 20).read_to_vec().map_err(failed)?;
                Ok(ExportResponse::decode(body.as_slice()).unwrap_or_default())
            }
            Self::Log => {
                log(&batch);
                Ok(ExportResponse::default())
            }
        }
    }
}

async fn call(channel: Channel, request: tonic::Request<ExportRequest>) -> Result<ExportResponse, tonic::Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.map_err(|error| tonic::Status::unavailable(error.to_string()))?;
    let codec = tonic_prost::ProstCodec::<ExportRequest, ExportResponse>::default();
    client.unary(request, METHOD, codec).await.map(tonic::Response::into_inner)
}

fn grpc(url: String, credentials: Credentials) -> Result<Transport, DestinationError> {
    let address = |error| DestinationError::Address { url: url.clone(), error };
    let mut endpoint = Endpoint::from_shared(url.clone()).map_err(address)?;
    if url.starts_with("https:") {
        let trust = ClientTlsConfig::new();
        let trust = match credentials.authority {
            Some(pem) => trust.ca_certificate(Certificate::from_pem(pem)),
            None => trust.with_webpki_roots(),
        };
        endpoint = endpoint.tls_config(trust).map_err(address)?;
    }
    let header = |(name, value): (String, String)| {
        let key = AsciiMetadataKey::from_bytes(name.to_ascii_lowercase().as_bytes()).ok();
        let value = AsciiMetadataValue::try_from(value).ok();
        key.zip(value).ok_or(DestinationError::Header { name })
    };
    let headers = credentials.headers.into_iter().map(header).collect::<Result<_, _>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Connecting starts tasks, which belong to this runtime.
    let channel = {
        let _here = runtime.enter();
        endpoint.connect_lazy()
    };
    Ok(Transport::Grpc { runtime, channel, headers })
}

fn http(url: String, credentials: Credentials) -> Result<Transport, DestinationError> {
    let mut config = ureq::Agent::config_builder().max_redirects(0);
    if let Some(pem) = credentials.authority {
        let certificates: Vec<_> = ureq::tls::parse_pem(&pem)
            .filter_map(|item| match item {
                Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        if certificates.is_empty() {
            return Err(DestinationError::Authority);
        }
        let roots = ureq::tls::RootCerts::from(certificates.into_iter());
        config = config.tls_config(ureq::tls::TlsConfig::builder().root_certs(roots).build());
    }
    Ok(Transport::Http { agent: config.build().into(), url, headers: credentials.headers })
}

fn log(batch: &ExportRequest) {
    let spans = batch.resource_spans.iter().flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans);
    for span in spans {
        let hex = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        tracing::info!(
            event = "span",
            name = span.name,
            trace_id = hex(&span.trace_id),
            span_id = hex(&span.span_id),
            parent_span_id = hex(&span.parent_span_id),
            start_unix_nano = span.start_time_unix_nano,
            duration_us = span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano) / 1000,
            failure = span.status.as_ref().map(|status| status.message.as_str()),
            attributes = shown(&span.attributes),
        );
    }
}

/// Attributes for people: `name=value name=[value value]`.
fn shown(attributes: &[KeyValue]) -> String {
    fn value(any: Option<&AnyValue>) -> String {
        match any.and_then(|any| any.value.as_ref()) {
            Some(Any::Text(text)) => text.clone(),
            Some(Any::Flag(flag)) => flag.to_string(),
            Some(Any::Whole(number)) => number.to_string(),
            Some(Any::Number(number)) => number.to_string(),
            Some(Any::List(Array { values })) => {
                format!("[{}]", values.iter().map(|any| value(Some(any))).collect::<Vec<_>>().join(" "))
            }
            None => String::new(),
        }
    }
    let pairs = attributes.iter().map(|KeyValue { key, value: any }| format!("{key}={}", value(any.as_ref())));
    pairs.collect::<Vec<_>>().join(" ")
}
