//! Finds the router's configuration in the file, told by its shape: a v0.3 file, a Helm values file, or a ConfigMap.

use crate::{
    Diagnostic, Report, codes, legacy, suggest,
    yaml::{self, Node, Origin, Value},
};

/// The key that agentgateway's own file has at the top.
const GATEWAY: &[&str] = &["binds"];

/// The key of a ConfigMap's data under which the charts put the file.
const CONFIG_MAP_KEY: &str = "config.yaml";

/// The configuration inside `root`, the first document of `file`. `None` when it is not there; the report then says what is.
pub(crate) fn locate(file: &str, root: Node, report: &mut Report) -> Option<Node> {
    if !matches!(root.value, Value::Mapping(_)) {
        let message =
            format!("a router configuration is a mapping with routing or global at the top, not {}", root.kind());
        report.push(Diagnostic::error(codes::NOT_A_MAPPING, message).at(root.span));
        return None;
    }
    if is_config_map(&root) {
        let payload = config_map(file, &root, report)?;
        return locate(file, payload, report);
    }
    // A Helm values file may have a `global` of its own, so `routing` decides first. The chart takes the override instead
    // of everything else when it is there.
    let helm = ["configOverride", "config"].into_iter().find(|key| root.get(key).is_some_and(is_router_file));
    match (helm, root.value) {
        (Some(helm), Value::Mapping(entries)) if !entries.iter().any(|e| e.key == "routing") => {
            entries.into_iter().find(|e| e.key == helm).map(|e| e.value)
        }
        (_, value) => {
            let root = Node { span: root.span, value };
            if is_router_file(&root) {
                return Some(root);
            }
            report.push(refusal(&root));
            None
        }
    }
}

fn is_router_file(node: &Node) -> bool {
    is_payload(node) || legacy::is_flat(node)
}

/// Whether a mapping has the layout of v0.3.
pub(crate) fn is_payload(node: &Node) -> bool {
    ["routing", "global"].iter().any(|key| node.entry(key).is_some())
}

fn is_config_map(node: &Node) -> bool {
    node.get("kind").and_then(Node::as_text) == Some("ConfigMap") && node.entry("data").is_some()
}

/// Parses the text under `data."config.yaml"`, or under the only other key that names a YAML file.
fn config_map(file: &str, root: &Node, report: &mut Report) -> Option<Node> {
    let data = root.entry("data")?;
    let is_yaml = |key: &str| key.ends_with(".yaml") || key.ends_with(".yml");
    let mut named: Vec<_> = data.value.entries().iter().filter(|e| is_yaml(&e.key)).collect();
    if let Some(usual) = named.iter().position(|e| e.key == CONFIG_MAP_KEY) {
        named = vec![named.swap_remove(usual)];
    }
    let text = match named.as_slice() {
        [entry] => entry.value.as_text().map(|text| (text, entry.value.span)),
        _ => None,
    };
    let Some((text, span)) = text else {
        let message =
            format!("this ConfigMap has no text under data.{CONFIG_MAP_KEY:?}, where the router's file belongs");
        report.push(Diagnostic::error(codes::NO_PAYLOAD, message).at(data.key_span));
        return None;
    };
    let inner = yaml::read_from(text, &Origin::of_scalar(file, span, text), report)?;
    // A ConfigMap within a ConfigMap would make this a recursion that the file controls.
    if is_config_map(&inner) {
        report.push(Diagnostic::error(codes::NO_PAYLOAD, "this ConfigMap holds another ConfigMap").at(span));
        return None;
    }
    Some(inner)
}

fn refusal(root: &Node) -> Diagnostic {
    if let Some(gateway) = root.entries().iter().find(|e| GATEWAY.contains(&e.key.as_str())) {
        let message = "this is agentgateway's own configuration, not the router's";
        let help = "give it to agentgateway; the router's file has routing or global at the top";
        return Diagnostic::error(codes::GATEWAY_FILE, message).at(gateway.key_span).help(help.to_owned());
    }
    let names = suggest::list(root.entries().iter().map(|e| e.key.as_str()));
    let message = format!(
        "a router configuration has routing or global at the top; this file has {}",
        if names.is_empty() { "nothing" } else { &names }
    );
    let help = root.entries().iter().find_map(|e| suggest::did_you_mean(&e.key, ["routing", "global", "config"]));
    Diagnostic::error(codes::NOT_A_ROUTER_FILE, message)
        .at(root.entries().first().map_or(root.span, |e| e.key_span))
        .help(help)
}
