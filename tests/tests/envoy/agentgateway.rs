//! The preset for agentgateway: LoRA adapters by subject, routes by header.

use crate::ask;
use serde_json::json;
use trackside_tests::{Message, Stage, Way};

/// The five prompts of the lab, and the adapter that must answer each.
pub(crate) const LAB: [(&str, &str, &str); 5] = [
    ("What is the derivative of x^3?", "math_decision", "math-expert"),
    ("What are the elements of a valid contract?", "law_decision", "law-expert"),
    ("How do mRNA vaccines trigger an immune response?", "health_decision", "science-expert"),
    ("How should a startup price a SaaS product?", "business_decision", "social-expert"),
    ("What caused the fall of the Roman Republic?", "history_decision", "humanities-expert"),
];

routed!(agentgateway, the_lab_prompts_reach_their_adapters);
async fn the_lab_prompts_reach_their_adapters(stage: &Stage, way: Way) {
    for (prompt, decision, adapter) in LAB {
        let exchange = stage.send(way, ask(prompt)).await;
        let what = format!("{prompt:?}, {way}");
        assert_eq!(exchange.status, 200, "{what}");
        assert_eq!(exchange.seen().json()["model"], adapter, "{what}");
        assert_eq!(exchange.seen().header("x-selected-model"), Some(adapter), "{what}");
        assert_eq!(exchange.route(), adapter, "{what}");
        assert_eq!(exchange.header("x-vsr-selected-model"), Some(adapter), "{what}");
        let taken = exchange.header("x-vsr-selected-decision").unwrap_or_default();
        // The adapter is shared by several subjects, and either is right for a prompt between two of them.
        assert!(taken.ends_with("_decision"), "{what}: {taken}");
        if adapter == "math-expert" || adapter == "law-expert" {
            assert_eq!(taken, decision, "{what}");
        }
    }
}

routed!(agentgateway, an_adapter_inherits_the_reasoning_family_of_its_base_model);
async fn an_adapter_inherits_the_reasoning_family_of_its_base_model(stage: &Stage, way: Way) {
    let exchange = stage.send(way, ask(LAB[0].0)).await;
    assert_eq!(exchange.seen().json()["chat_template_kwargs"], json!({"enable_thinking": true}), "{way}");
    let exchange = stage.send(way, ask(LAB[1].0)).await;
    assert_eq!(exchange.seen().json()["chat_template_kwargs"], json!({"enable_thinking": false}), "{way}");
}

routed!(agentgateway, keywords_beat_domains_by_priority);
async fn keywords_beat_domains_by_priority(stage: &Stage, way: Way) {
    let exchange = stage.send(way, ask("Think carefully about this urgent business decision")).await;
    assert_eq!(exchange.header("x-vsr-selected-decision"), Some("thinking_decision"), "{way}");
    assert_eq!(exchange.seen().json()["model"], "general-expert", "{way}");
    assert_eq!(exchange.route(), "default", "{way}");
}

routed!(agentgateway, a_client_cannot_choose_the_route_by_the_routing_header);
async fn a_client_cannot_choose_the_route_by_the_routing_header(stage: &Stage, way: Way) {
    let exchange = stage.send(way, ask(LAB[0].0).with("x-selected-model", "law-expert")).await;
    assert_eq!(exchange.seen().header("x-selected-model"), Some("math-expert"), "{way}");
    assert_eq!(exchange.route(), "math-expert", "{way}");

    let body = r#"{"model":"law-expert","messages":[{"role":"user","content":"hi"}]}"#;
    let exchange = stage.send(way, Message::chat(body).with("x-selected-model", "math-expert")).await;
    assert_eq!(exchange.seen().header("x-selected-model"), Some("law-expert"), "{way}");
    assert_eq!(exchange.route(), "law-expert", "{way}");

    let other = [Message::get("/v1/models"), Message::post("/upload", "x"), Message::post("/upload", "")];
    for message in other.map(|message| message.with("x-selected-model", "math-expert")) {
        let path = format!("{} {}, {way}", message.method, message.path);
        let exchange = stage.send(way, message).await;
        assert_eq!(exchange.status, 200, "{path}");
        assert_eq!(exchange.seen().header("x-selected-model"), None, "{path}");
        assert_eq!(exchange.route(), "default", "{path}");
    }
}
