//! `GET /v1/models`: the names that a client may ask for.

use super::Context;
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use trackside_routing::{ListedModel, Resolution};

pub(super) async fn models(State(context): State<Context>) -> Json<Value> {
    let listed = context.reloads.pin().snapshot.models();
    let default = listed.iter().position(|model| model.resolution == Resolution::Virtual);
    let rows: Vec<Value> =
        listed.iter().enumerate().map(|(at, model)| row(model, Some(at) == default, context.started)).collect();
    Json(json!({ "object": "list", "data": rows }))
}

fn row(model: &ListedModel, default_route: bool, created: u64) -> Value {
    json!({
        "id": model.id,
        "object": "model",
        "created": created,
        "owned_by": "trackside",
        "routing": {
            "resolution": model.resolution,
            "selectable": true,
            "default_route": default_route,
            "recipe": model.profile,
        },
    })
}
