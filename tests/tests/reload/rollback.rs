//! The way back, while traffic flows.

use crate::witness::Witness;
use trackside_tests::{
    scrape,
    site::{Site, config},
    stamp::{self, Deed},
};

#[tokio::test(flavor = "multi_thread")]
async fn under_load_an_earlier_generation_comes_back_and_no_request_fails() {
    let site = Site::start(&["--decision-deadline", "5s"]).await;
    let Some(gateway) = site.gateway().await else { return };
    let witness = Witness::default();
    let running = gateway.load(300.0).start({
        let witness = witness.clone();
        move |answered| witness.hear(answered)
    });
    witness.until("the first generation", |_| true).await;
    let first = (site.generation(), witness.newest().expect("it has served"));
    let stamp = stamp::version(Deed::Stamps, 1);
    site.rename_into("components/stamp.wasm", &stamp::wasm(Deed::Stamps, 1));
    witness.until("the new component", |does| does.stamp == stamp).await;
    site.rename_into("router.yaml", config("c1").as_bytes());
    witness.until("the new configuration", |does| does.stamp == stamp && does.config == "c1").await;
    let last = (site.generation(), witness.newest().expect("it has served"));

    for (generation, does) in [first, last] {
        let path = format!("/api/v1/generations/{generation}/rollback");
        let (status, answer) = scrape::ask(site.router.api, "POST", &path, "").expect("the API answers");
        assert_eq!(status, 200, "{answer}");
        witness.until("the earlier generation", |now| *now == does).await;
        witness.until_served(100).await;
    }
    let (status, answer) =
        scrape::ask(site.router.api, "POST", "/api/v1/generations/4711/rollback", "").expect("the API answers");
    assert_eq!(status, 404, "{answer}");

    let outcome = running.end().await;
    assert_eq!((outcome.failed, &outcome.reasons, witness.mixed()), (0, &Vec::new(), Vec::new()));
    assert!(outcome.times.len() > 200, "{}", outcome.times.len());
    assert_eq!(gateway.mistakes(), []);
}
