//! Who asks is believed only where the configuration says who tells it.

use crate::{BRIEF, ask};
use serde_json::{Value, json};
use tempfile::TempDir;
use trackside_tests::{Exchange, Plan, Stage, Way};

/// A router that sends operators to `large`, and everybody else to `medium`.
async fn stage(authz: Value) -> Option<(Stage, TempDir)> {
    let model = |name: &str| json!({"name": name, "backend_refs": [{"name": name, "endpoint": "127.0.0.1:9"}]});
    let names = ["large", "medium"];
    let patient =
        ["authz", "priority", "static", "ask"].map(|kind| json!({"type": kind, "limits": {"deadline": "20s"}}));
    let config = json!({
        "version": "v0.3",
        "providers": {"defaults": {"default_model": "medium"}, "models": names.map(model)},
        "routing": {
            "modelCards": names.map(|name| json!({"name": name})),
            "signals": {"role_bindings": [
                {"name": "operators", "role": "operator", "subjects": [{"kind": "User", "name": "ann"}, {"kind": "Group", "name": "ops"}]},
            ]},
            "decisions": [{
                "name": "operators", "priority": 10, "modelRefs": [{"model": "large"}],
                "rules": {"operator": "OR", "conditions": [{"type": "authz", "name": "operator"}]},
            }],
        },
        "components": {"use": patient},
        "global": {"services": {"authz": authz}},
    });
    let folder = TempDir::new().expect("a temporary folder can be made");
    let path = folder.path().join("router.json");
    std::fs::write(&path, config.to_string()).expect("it can be written");
    Some((Stage::build(&Plan::new(&path, &["large"])).await?, folder))
}

/// One listener for each way in which whole bodies come.
fn ways() -> impl Iterator<Item = Way> {
    ["aibrix", "buffered_both", "partial", "duplex_both"].into_iter().flat_map(Way::both)
}

/// Asks as somebody, by headers that anybody can write.
async fn ask_as(stage: &Stage, way: Way, user: &'static str, groups: &'static str) -> Exchange {
    stage.send(way, ask(BRIEF).with(user, "ann").with(groups, "ops")).await
}

const USUAL: [&str; 2] = ["x-authz-user-id", "x-authz-user-groups"];

#[tokio::test]
async fn a_client_that_names_itself_has_no_role() {
    let Some((stage, _folder)) = stage(json!({"fail_open": true})).await else { return };
    for way in ways() {
        let exchange = ask_as(&stage, way, USUAL[0], USUAL[1]).await;
        assert_eq!((exchange.status, exchange.seen().json()["model"].as_str()), (200, Some("medium")), "{way}");
        assert_eq!(exchange.header("x-vsr-selected-decision"), None, "{way}");
    }
}

#[tokio::test]
async fn where_nobody_tells_who_asks_what_depends_on_it_is_refused() {
    let Some((stage, _folder)) = stage(json!({"fail_open": false})).await else { return };
    for way in ways() {
        let exchange = ask_as(&stage, way, USUAL[0], USUAL[1]).await;
        assert_eq!((exchange.status, exchange.upstream.is_none()), (403, true), "{way}: {exchange:?}");
        assert_eq!(exchange.json()["error"]["code"], "identity_required", "{way}");
    }
}

#[tokio::test]
async fn the_headers_of_the_configuration_are_believed_and_no_others() {
    let identity = json!({"user_id_header": "x-user", "user_groups_header": "x-groups"});
    let Some((stage, _folder)) = stage(json!({"identity": identity, "fail_open": true})).await else { return };
    for way in ways() {
        let exchange = ask_as(&stage, way, "x-user", "x-groups").await;
        assert_eq!((exchange.status, exchange.seen().json()["model"].as_str()), (200, Some("large")), "{way}");
        assert_eq!(exchange.header("x-vsr-selected-decision"), Some("operators"), "{way}");
        let exchange = ask_as(&stage, way, USUAL[0], USUAL[1]).await;
        assert_eq!((exchange.status, exchange.seen().json()["model"].as_str()), (200, Some("medium")), "{way}");
    }
}
