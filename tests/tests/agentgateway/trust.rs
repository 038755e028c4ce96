//! What a client writes that only the router may.

use crate::{
    CAREFUL, PLAIN, careful, carry, chat, completion, gateway,
    gateway::{Answer, Call},
    headers::{fields, get},
    policy::{Body, Policy},
    post,
};

const MODES: [Body; 3] = [Body::Buffered, Body::Partial, Body::Duplex];

fn with(call: Call, more: &[(&str, &str)]) -> Call {
    let headers = call.headers.iter().cloned().chain(fields(more)).collect();
    Call { headers, ..call }
}

#[tokio::test]
async fn a_client_cannot_choose_the_route() {
    for mode in MODES {
        let policy = Policy::new(mode, Body::None);
        let forged = [("x-selected-model", "small")];
        carry(policy, with(careful(), &forged)).await.unwrap().went_to("large");
        let twice = [("x-selected-model", "small"), ("x-selected-model", "other")];
        carry(policy, with(careful(), &twice)).await.unwrap().went_to("large");
        carry(policy, with(post(chat("large", PLAIN)), &forged)).await.unwrap().went_to("large");
        let other = with(Call { path: "/v1/embeddings", ..careful() }, &[("x-selected-model", "large")]);
        assert_eq!(carry(policy, other).await.unwrap().route, None, "{mode:?}");
    }
}

#[tokio::test]
async fn a_client_cannot_choose_the_route_where_no_body_is_shown() {
    let done =
        carry(Policy::new(Body::None, Body::None), with(careful(), &[("x-selected-model", "large")])).await.unwrap();
    assert_eq!(done.route, None);
}

#[tokio::test]
async fn what_a_client_says_in_our_name_reaches_nobody() {
    for mode in MODES {
        let forged = [
            ("x-vsr-selected-model", "mine"),
            ("x-vsr-looper-request", "true"),
            ("x-vsr-generation", "99"),
            ("x-vsr-debug", "true"),
        ];
        let done = carry(Policy::new(mode, Body::None), with(careful(), &forged)).await.unwrap();
        done.went_to("large");
        let (seen, _) = done.upstream.unwrap();
        let ours: Vec<_> = seen.iter().filter(|(name, _)| name.starts_with("x-vsr-")).collect();
        assert_eq!(ours, [&("x-vsr-generation".to_owned(), "1".to_owned())], "{mode:?}: {seen:?}");
        assert_eq!(get(&done.answer.unwrap().0, "x-vsr-selected-model"), Some("large"));
    }
}

#[tokio::test]
async fn what_an_upstream_says_in_our_name_reaches_nobody() {
    let mut answer: Answer = completion();
    answer.headers.extend(fields(&[("x-vsr-selected-model", "forged"), ("x-vsr-forged", "1")]));
    for response in [Body::None, Body::Buffered, Body::Duplex] {
        let gateway = gateway(Policy::new(Body::Buffered, response)).await;
        let told = gateway.carry(careful(), answer.clone()).await.unwrap().answer.unwrap().0;
        assert_eq!(get(&told, "x-vsr-selected-model"), Some("large"));
        assert_eq!(get(&told, "x-vsr-forged"), None);
    }
}

#[tokio::test]
async fn credentials_pass_untouched() {
    for mode in MODES {
        let done = carry(Policy::new(mode, Body::None), with(careful(), &[("x-api-key", "k"), ("cookie", "c=1")]))
            .await
            .unwrap();
        let (seen, _) = done.upstream.unwrap();
        assert_eq!(get(&seen, "authorization"), Some("Bearer client-key"));
        assert_eq!((get(&seen, "x-api-key"), get(&seen, "cookie")), (Some("k"), Some("c=1")));
    }
}

#[tokio::test]
async fn a_flood_of_forged_headers_is_refused() {
    let names: Vec<String> = (0..40).map(|i| format!("x-vsr-{i}")).collect();
    let forged: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let done =
        carry(Policy::new(Body::Buffered, Body::None), with(post(chat("auto", CAREFUL)), &forged)).await.unwrap();
    assert_eq!(done.immediate().0, 431);
}
