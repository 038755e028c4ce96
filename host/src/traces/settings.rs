//! Where traces go, from the configuration and from OpenTelemetry's environment variables. The environment stands above
//! the file, value by value: whoever deploys knows where the collector is.

use anyhow::Context as _;
use std::time::Duration;
use trackside_config::{Environment, Exporter, Sampling, Tracing};
use trackside_telemetry::trace::{Credentials, Destination, Sampler, Settings};

/// The longest that a collector may take for one batch, unless the environment says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The ports that collectors listen on for OTLP over gRPC and over HTTP.
const PORTS: (u16, u16) = (4317, 4318);

/// The environment, where the variables for traces stand above those for everything.
struct Variables<'a>(&'a dyn Environment);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Grpc,
    Http,
}

/// The settings; `None` when nobody asks for traces.
pub(crate) fn settings(file: Option<&Tracing>, environment: &dyn Environment) -> anyhow::Result<Option<Settings>> {
    let variables = Variables(environment);
    let exporter = variables.get("OTEL_TRACES_EXPORTER");
    let off = variables.is_true("OTEL_SDK_DISABLED") || exporter.as_deref() == Some("none");
    let wanted = file.is_some() || exporter.is_some() || variables.exporter("ENDPOINT").is_some();
    if off || !wanted {
        return Ok(None);
    }
    let destination = match (exporter.as_deref(), file.map(|file| file.exporter)) {
        (Some("console"), _) | (None, Some(Exporter::Stdout)) => Destination::Log,
        (Some("otlp"), _) | (None, _) => variables.collector(file)?,
        (Some(other), _) => anyhow::bail!("OTEL_TRACES_EXPORTER is {other:?}: expected otlp, console or none"),
    };
    let timeout = variables.exporter("TIMEOUT").map(|text| text.parse().map(Duration::from_millis));
    let timeout = timeout.transpose().context("OTEL_EXPORTER_OTLP_TIMEOUT: expected milliseconds")?;
    Ok(Some(Settings {
        destination,
        sampler: variables.sampler(file)?,
        timeout: timeout.unwrap_or(TIMEOUT),
        resource: variables.resource(file)?,
    }))
}

impl Variables<'_> {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// `OTEL_EXPORTER_OTLP_TRACES_…`, or else `OTEL_EXPORTER_OTLP_…`.
    fn exporter(&self, what: &str) -> Option<String> {
        let own = self.get(&format!("OTEL_EXPORTER_OTLP_TRACES_{what}"));
        own.or_else(|| self.get(&format!("OTEL_EXPORTER_OTLP_{what}")))
    }

    fn collector(&self, file: Option<&Tracing>) -> anyhow::Result<Destination> {
        let own = self.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        let shared = self.get("OTEL_EXPORTER_OTLP_ENDPOINT");
        let whole = own.is_some();
        let given = own.or(shared).or_else(|| file.and_then(|file| file.endpoint.clone()));
        let plain = self.exporter("INSECURE").map(|value| value.eq_ignore_ascii_case("true"));
        let plain = plain.unwrap_or_else(|| file.is_none_or(|file| file.insecure));
        let protocol = match self.exporter("PROTOCOL").as_deref() {
            Some("grpc") => Protocol::Grpc,
            Some("http/protobuf") => Protocol::Http,
            Some(other) => anyhow::bail!("the protocol {other:?} is not spoken: expected grpc or http/protobuf"),
            None => Protocol::of(given.as_deref()),
        };
        let port = if protocol == Protocol::Grpc { PORTS.0 } else { PORTS.1 };
        let url = match given {
            Some(url) if url.contains("://") => url,
            Some(address) => format!("{}://{address}", if plain { "http" } else { "https" }),
            None => format!("http://localhost:{port}"),
        };
        let credentials = self.credentials()?;
        Ok(match protocol {
            Protocol::Grpc => Destination::Grpc { url, credentials },
            Protocol::Http if whole => Destination::Http { url, credentials },
            Protocol::Http => {
                Destination::Http { url: format!("{}/v1/traces", url.trim_end_matches('/')), credentials }
            }
        })
    }

    fn credentials(&self) -> anyhow::Result<Credentials> {
        let headers = pairs("OTEL_EXPORTER_OTLP_HEADERS", self.exporter("HEADERS"))?;
        let authority = self.exporter("CERTIFICATE").map(|path| {
            std::fs::read(&path).with_context(|| format!("OTEL_EXPORTER_OTLP_CERTIFICATE: cannot read {path}"))
        });
        Ok(Credentials { headers, authority: authority.transpose()? })
    }

    fn sampler(&self, file: Option<&Tracing>) -> anyhow::Result<Sampler> {
        let Some(name) = self.get("OTEL_TRACES_SAMPLER") else {
            return Ok(match file.map(|file| &file.sampling) {
                Some(Sampling::Always) => Sampler::Share(1.0),
                Some(Sampling::Never) => Sampler::Share(0.0),
                Some(Sampling::Ratio(share)) => Sampler::Share(*share),
                None => Sampler::DEFAULT,
            });
        };
        let share = match self.get("OTEL_TRACES_SAMPLER_ARG") {
            Some(text) => text.parse().ok().filter(|share| (0.0..=1.0).contains(share)),
            None => Some(1.0),
        };
        let share = share.context("OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1");
        Ok(match name.as_str() {
            "always_on" => Sampler::Share(1.0),
            "always_off" => Sampler::Share(0.0),
            "traceidratio" => Sampler::Share(share?),
            "parentbased_always_on" => Sampler::Parent { otherwise: 1.0 },
            "parentbased_always_off" => Sampler::Parent { otherwise: 0.0 },
            "parentbased_traceidratio" => Sampler::Parent { otherwise: share? },
            _ => anyhow::bail!("OTEL_TRACES_SAMPLER is {name:?}: expected one such as parentbased_traceidratio"),
        })
    }

    fn resource(&self, file: Option<&Tracing>) -> anyhow::Result<Vec<(String, String)>> {
        let mut resource = pairs("OTEL_RESOURCE_ATTRIBUTES", self.get("OTEL_RESOURCE_ATTRIBUTES"))?;
        if let Some(name) = self.get("OTEL_SERVICE_NAME") {
            resource.retain(|(key, _)| key != "service.name");
            resource.push(("service.name".to_owned(), name));
        }
        let from_file = |value: fn(&Tracing) -> &Option<String>| file.and_then(|file| value(file).clone());
        for (key, value) in [
            ("service.name", from_file(|file| &file.service_name).or_else(|| Some("trackside".to_owned()))),
            (
                "service.version",
                from_file(|file| &file.service_version).or_else(|| Some(env!("CARGO_PKG_VERSION").to_owned())),
            ),
            ("deployment.environment.name", from_file(|file| &file.deployment_environment)),
        ] {
            if let Some(value) = value.filter(|_| resource.iter().all(|(known, _)| known != key)) {
                resource.push((key.to_owned(), value));
            }
        }
        Ok(resource)
    }
}

impl Protocol {
    /// The protocol of a collector that nobody named one for: by its port, and else gRPC.
    fn of(endpoint: Option<&str>) -> Self {
        let host = endpoint.map(|url| url.split_once("://").map_or(url, |(_, rest)| rest));
        let host = host.and_then(|rest| rest.split('/').next());
        match host.and_then(|host| host.rsplit_once(':')) {
            Some((_, port)) if port == PORTS.1.to_string() => Protocol::Http,
            _ => Protocol::Grpc,
        }
    }
}

/// Reads `name=value,name=value`, with `%xx` for what cannot stand in a value. What is wrong is not shown: it may be a key.
fn pairs(variable: &str, text: Option<String>) -> anyhow::Result<Vec<(String, String)>> {
    let text = text.unwrap_or_default();
    let pair = |part: &str| part.split_once('=').and_then(|(name, value)| Some((plain(name)?, plain(value)?)));
    let pairs = text.split(',').filter(|part| !part.trim().is_empty()).map(pair).collect::<Option<_>>();
    pairs.with_context(|| format!("{variable}: expected name=value,name=value"))
}

fn plain(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.trim().as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        match (first, behind) {
            (b'%', [high, low, behind @ ..]) => {
                bytes.push(u8::from_str_radix(std::str::from_utf8(&[*high, *low]).ok()?, 16).ok()?);
                rest = behind;
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn file(endpoint: &str, sampling: Sampling) -> Tracing {
        Tracing {
            exporter: Exporter::Otlp,
            endpoint: Some(endpoint.to_owned()),
            insecure: true,
            sampling,
            service_name: Some("vllm-semantic-router".to_owned()),
            service_version: None,
            deployment_environment: Some("development".to_owned()),
        }
    }

    fn read(file: Option<&Tracing>, variables: &[(&str, &str)]) -> anyhow::Result<Option<Settings>> {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        settings(file, &owned.collect::<BTreeMap<String, String>>())
    }

    fn destination(file: Option<&Tracing>, variables: &[(&str, &str)]) -> (&'static str, String) {
        match read(file, variables).unwrap().unwrap().destination {
            Destination::Grpc { url, .. } => ("grpc", url),
            Destination::Http { url, .. } => ("http", url),
            Destination::Log => ("log", String::new()),
        }
    }

    #[test]
    fn without_a_wish_there_are_no_traces() {
        assert!(read(None, &[]).unwrap().is_none());
        assert!(read(None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]).unwrap().is_none());
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317");
        assert!(read(None, &[endpoint, ("OTEL_SDK_DISABLED", "TRUE")]).unwrap().is_none());
        let file = file("jaeger:4317", Sampling::Always);
        assert!(read(Some(&file), &[("OTEL_TRACES_EXPORTER", "none")]).unwrap().is_none());
    }

    #[test]
    fn the_environment_stands_above_the_file() {
        let file = file("jaeger:4317", Sampling::Always);
        let grpc = |url: &str| ("grpc", url.to_owned());
        let http = |url: &str| ("http", url.to_owned());
        let all = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let own = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
        let protocol = "OTEL_EXPORTER_OTLP_PROTOCOL";
        assert_eq!(destination(Some(&file), &[]), grpc("http://jaeger:4317"));
        assert_eq!(destination(Some(&file), &[("OTEL_EXPORTER_OTLP_INSECURE", "false")]), grpc("https://jaeger:4317"));
        assert_eq!(destination(Some(&file), &[(all, "http://c:4317")]), grpc("http://c:4317"));
        assert_eq!(destination(None, &[(all, "https://c:4318/")]), http("https://c:4318/v1/traces"));
        assert_eq!(
            destination(None, &[(all, "https://c/x"), (protocol, "http/protobuf")]),
            http("https://c/x/v1/traces")
        );
        assert_eq!(destination(None, &[(all, "http://no"), (own, "http://c:4318/x")]), http("http://c:4318/x"));
        assert_eq!(destination(None, &[("OTEL_TRACES_EXPORTER", "otlp")]), grpc("http://localhost:4317"));
        assert_eq!(destination(Some(&file), &[("OTEL_TRACES_EXPORTER", "console")]).0, "log");
    }

    #[test]
    fn samplers_are_known_by_their_names() {
        let always = file("jaeger:4317", Sampling::Always);
        let sampler = |file, variables: &[(&str, &str)]| read(file, variables).unwrap().unwrap().sampler;
        assert_eq!(sampler(Some(&always), &[]), Sampler::Share(1.0));
        let some = file("c:1", Sampling::Ratio(0.1));
        assert_eq!(sampler(Some(&some), &[]), Sampler::Share(0.1));
        let on = ("OTEL_TRACES_EXPORTER", "otlp");
        assert_eq!(sampler(None, &[on]), Sampler::Parent { otherwise: 1.0 });
        let name = ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio");
        assert_eq!(
            sampler(Some(&always), &[name, ("OTEL_TRACES_SAMPLER_ARG", "0.25")]),
            Sampler::Parent { otherwise: 0.25 }
        );
    }

    #[test]
    fn headers_and_what_is_said_about_the_process() {
        let on = ("OTEL_TRACES_EXPORTER", "otlp");
        let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20secret%2C, x-tenant = a=b ");
        let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.version=9,zone=eu");
        let always = file("jaeger:4317", Sampling::Always);
        let read = read(Some(&always), &[on, headers, attributes, ("OTEL_SERVICE_NAME", "edge")]).unwrap().unwrap();
        assert!(!format!("{read:?}").contains("secret"));
        let Destination::Grpc { credentials, .. } = read.destination else { panic!("gRPC is the default") };
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(credentials.headers, [header("authorization", "Bearer secret,"), header("x-tenant", "a=b")]);
        let resource: Vec<String> = read.resource.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(
            resource,
            ["service.version=9", "zone=eu", "service.name=edge", "deployment.environment.name=development"]
        );
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let on = ("OTEL_TRACES_EXPORTER", "otlp");
        for (variable, expected) in [
            (("OTEL_TRACES_EXPORTER", "zipkin"), "zipkin"),
            (("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"), "http/json"),
            (("OTEL_EXPORTER_OTLP_HEADERS", "secret"), "OTEL_EXPORTER_OTLP_HEADERS"),
            (("OTEL_EXPORTER_OTLP_TIMEOUT", "1s"), "OTEL_EXPORTER_OTLP_TIMEOUT"),
            (("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere.pem"), "/nowhere.pem"),
            (("OTEL_TRACES_SAMPLER", "jaeger_remote"), "jaeger_remote"),
        ] {
            let text = format!("{:#}", read(None, &[on, variable]).unwrap_err());
            assert!(text.contains(expected) && !text.contains("secret"), "{text}");
        }
    }
}
