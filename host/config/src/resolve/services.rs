//! `global.router` and `global.services`: what surrounds routing.

use crate::{
    Anonymous, Diagnostic, Exporter, Identity, Report, Sampling, SkipProcessing, StreamedBody, Tracing, Trust, codes,
    view::View,
};
use std::time::Duration;

pub(super) fn skip_processing(router: Option<&View<'_>>) -> SkipProcessing {
    let enabled = router.and_then(|r| r.get("skip_processing")).and_then(|s| s.flag("enabled"));
    if enabled == Some(true) { SkipProcessing::Honoured } else { SkipProcessing::Ignored }
}

pub(super) fn streamed_body(router: Option<&View<'_>>) -> StreamedBody {
    let section = router.and_then(|r| r.get("streamed_body"));
    let Some(section) = section.filter(|s| s.flag("enabled") == Some(true)) else { return StreamedBody::default() };
    let above_zero = |key: &str| section.int::<u64>(key).filter(|n| *n > 0);
    StreamedBody { max_bytes: above_zero("max_bytes"), timeout: above_zero("timeout_sec").map(Duration::from_secs) }
}

/// Identity headers are believed where the file says who sets them; anything else would let a client name itself.
pub(super) fn identity(root: &View<'_>, report: &mut Report) -> Identity {
    let authz = root.at(&["global", "services", "authz"]);
    let headers = authz.as_ref().and_then(|authz| authz.get("identity"));
    let providers = authz.as_ref().is_some_and(|authz| !authz.list("providers").is_empty());
    let mut header = |key: &str, usual: &str| {
        let Some(view) = headers.as_ref().and_then(|h| h.get(key)) else { return usual.to_owned() };
        let name = view.node.as_text().unwrap_or_default().to_ascii_lowercase();
        if !is_header(&name) {
            let message = format!("{} takes the name of a header, not {}", view.place, view.node.kind());
            report.push(Diagnostic::error(codes::MALFORMED, message).at(view.span()));
        }
        name
    };
    let (user_header, groups_header) =
        (header("user_id_header", Identity::USER_HEADER), header("user_groups_header", Identity::GROUPS_HEADER));
    let trusted = headers.as_ref().is_some_and(|headers| !headers.node.is_empty()) || providers;
    let fail_open = authz.as_ref().and_then(|authz| authz.flag("fail_open")) == Some(true);
    Identity {
        user_header,
        groups_header,
        trust: if trusted { Trust::Gateway } else { Trust::Nobody },
        anonymous: if fail_open { Anonymous::Admitted } else { Anonymous::Refused },
    }
}

fn is_header(name: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    (1..=256).contains(&name.len()) && name.bytes().all(token)
}

/// Role bindings that can never hold.
pub(super) fn warn_of_bindings(bindings: &View<'_>, identity: &Identity, report: &mut Report) {
    if identity.trust == Trust::Gateway {
        return;
    }
    let effect = match identity.anonymous {
        Anonymous::Refused => "requests that they decide about are refused with 403",
        Anonymous::Admitted => "they never hold",
    };
    let message = format!("{} need an identity, and no header that tells one is trusted: {effect}", bindings.place);
    let help = "name the headers that your gateway sets (and removes from what clients send) under \
                global.services.authz.identity";
    report.push(Diagnostic::warning(codes::NO_IDENTITY, message).at(bindings.head).help(help.to_owned()));
}

pub(super) fn tracing(root: &View<'_>) -> Option<Tracing> {
    let tracing = root.at(&["global", "services", "observability", "tracing"])?;
    if tracing.flag("enabled") != Some(true) {
        return None;
    }
    let text = |section: Option<&View<'_>>, key: &str| {
        section.and_then(|s| s.text(key)).filter(|t| !t.is_empty()).map(str::to_owned)
    };
    let (exporter, resource) = (tracing.get("exporter"), tracing.get("resource"));
    Some(Tracing {
        exporter: match exporter.as_ref().and_then(|e| e.text("type")) {
            Some("stdout") => Exporter::Stdout,
            _ => Exporter::Otlp,
        },
        endpoint: text(exporter.as_ref(), "endpoint"),
        insecure: exporter.as_ref().and_then(|e| e.flag("insecure")).unwrap_or(false),
        sampling: sampling(tracing.get("sampling").as_ref()),
        service_name: text(resource.as_ref(), "service_name"),
        service_version: text(resource.as_ref(), "service_version"),
        deployment_environment: text(resource.as_ref(), "deployment_environment"),
    })
}

fn sampling(section: Option<&View<'_>>) -> Sampling {
    match section.and_then(|s| s.text("type")) {
        Some("always_off") => Sampling::Never,
        Some("probabilistic") => Sampling::Ratio(section.and_then(|s| s.number("rate")).unwrap_or(1.0)),
        _ => Sampling::Always,
    }
}
