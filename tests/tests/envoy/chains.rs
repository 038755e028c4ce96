//! Trackside in a chain with other processors.

use crate::{BRIEF, THINKING, ask};
use trackside_tests::{Message, PLUGIN_SAW, Stage, Way, upstream::COMPLETION};

each!(plain, the_gateways_own_plugin_reads_the_chosen_model: before_aibrix);
async fn the_gateways_own_plugin_reads_the_chosen_model(stage: &Stage, way: Way) {
    for (prompt, model) in [(THINKING, "large"), (BRIEF, "s"), ("Hello.", "medium")] {
        for message in [ask(prompt), ask(prompt).in_pieces(7, None)] {
            let exchange = stage.send(way, message).await;
            assert_eq!((exchange.status, &exchange.body[..]), (200, COMPLETION.as_bytes()), "{way}");
            assert_eq!(exchange.seen().header(PLUGIN_SAW), Some(model), "{way}");
            assert_eq!(exchange.seen().json()["model"], model, "{way}");
        }
    }
}

each!(plain, what_is_no_call_passes_the_gateways_own_plugin: before_aibrix);
async fn what_is_no_call_passes_the_gateways_own_plugin(stage: &Stage, way: Way) {
    let exchange = stage.send(way, Message::post("/v1/files", "x")).await;
    assert_eq!((exchange.status, &exchange.seen().body[..]), (200, &b"x"[..]), "{way}");
}

each!(plain, two_routers_in_a_row_decide_once: twice twice_duplex);
async fn two_routers_in_a_row_decide_once(stage: &Stage, way: Way) {
    for (prompt, model, decision) in [(THINKING, "large", "thinking"), (BRIEF, "s", "brief")] {
        for message in [ask(prompt), ask(prompt).in_pieces(7, None)] {
            let exchange = stage.send(way, message).await;
            assert_eq!((exchange.status, &exchange.body[..]), (200, COMPLETION.as_bytes()), "{way}");
            let body = exchange.seen().json();
            assert_eq!(body["model"], model, "{way}");
            let systems = body["messages"].as_array().expect("a list").iter().filter(|m| m["role"] == "system").count();
            assert_eq!(systems, usize::from(prompt == THINKING), "{way}");
            assert_eq!((exchange.seen().header("x-selected-model"), exchange.route()), (Some(model), model), "{way}");
            assert_eq!(exchange.header("x-vsr-selected-decision"), Some(decision), "{way}");
            assert_eq!(exchange.header("x-vsr-selected-model"), Some(model), "{way}");
        }
    }
}

each!(plain, what_is_no_call_passes_two_routers: twice twice_duplex);
async fn what_is_no_call_passes_two_routers(stage: &Stage, way: Way) {
    for message in [Message::get("/"), Message::post("/v1/files", "x").with("x-selected-model", "large")] {
        let exchange = stage.send(way, message.clone()).await;
        assert_eq!((exchange.status, &exchange.seen().body), (200, message.bytes()), "{way}");
        assert_eq!((exchange.seen().header("x-selected-model"), exchange.route()), (None, "default"), "{way}");
    }
}
