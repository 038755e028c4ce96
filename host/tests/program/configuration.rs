//! `/config/router`: the configuration as it serves, checked and replaced.

use crate::changing::{URGENT, folder, model, put, refusal, router, serve};
use crate::process::{Answer, Server, get, get_with, post, send};
use serde_json::json;
use std::fs;

const PATH: &str = "/config/router";

#[test]
fn the_text_that_serves_has_a_tag_and_is_replaced_only_by_who_knows_it() {
    let folder = folder("config", &router(URGENT));
    let server = serve(&folder);
    let read = get(server.api, PATH);
    assert_eq!((read.status, read.body.as_str()), (200, router(URGENT).as_str()));
    assert_eq!(read.header("content-type"), Some("application/yaml; charset=utf-8"));
    assert_eq!(read.header("cache-control"), Some("no-store"));
    let tag = read.header("etag").unwrap().to_owned();
    assert_eq!(tag.len(), 66, "{tag}");
    let again = get_with(server.api, PATH, &format!("host: {}\r\nif-none-match: {tag}\r\n", server.api));
    assert_eq!((again.status, again.body.as_str()), (304, ""));

    let known = format!("if-match: {tag}\r\n");
    let replaced = put(&server, PATH, &known, router("now"));
    assert_eq!((replaced.status, &replaced.json()["serving"]), (200, &2.into()), "{}", replaced.body);
    assert_eq!(model(&server, "now"), "large");
    assert_eq!(fs::read_to_string(folder.join("router.yaml")).unwrap(), router("now"), "it stays");
    let read = get(server.api, PATH);
    assert_eq!(read.header("etag"), replaced.header("etag"));
    assert_ne!(read.header("etag"), Some(tag.as_str()));

    let late = put(&server, PATH, &known, router("soon"));
    assert_eq!((late.status, late.json()["error"]["code"].as_str()), (412, Some("PRECONDITION_FAILED")));
    assert_eq!(model(&server, "now"), "large");
    for any in ["", "if-match: *\r\n"] {
        let word = if any.is_empty() { "soon" } else { "later" };
        assert_eq!(put(&server, PATH, any, router(word)).status, 200, "{any}");
        assert_eq!(model(&server, word), "large");
    }
    let same = put(&server, PATH, "", router("later")).json();
    assert_eq!((&same["outcome"], &same["serving"]), (&"unchanged".into(), &4.into()), "{same}");
}

/// Replaces the configuration from several threads at once, and tells what each was answered.
fn at_once(server: &Server, headers: &str) -> Vec<Answer> {
    let api = server.api;
    let replace = move |n: usize| send(api, "PUT", PATH, headers, router(&format!("word{n}")));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|n| scope.spawn(move || replace(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn of_those_who_replace_the_same_text_one_wins_and_the_others_are_told() {
    let folder = folder("race", &router(URGENT));
    let server = serve(&folder);
    let tag = get(server.api, PATH).header("etag").unwrap().to_owned();
    let answers = at_once(&server, &format!("if-match: {tag}\r\n"));
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412]);
}

#[test]
fn changes_that_come_at_once_are_made_one_after_the_other() {
    let folder = folder("queue", &router(URGENT));
    let server = serve(&folder);
    let answers = at_once(&server, "");
    let mut serving: Vec<u64> = answers.iter().map(|answer| answer.json()["serving"].as_u64().unwrap()).collect();
    serving.sort_unstable();
    assert_eq!(serving, [2, 3, 4, 5]);
    assert_eq!(
        fs::read_to_string(folder.join("router.yaml")).unwrap(),
        get(server.api, PATH).body,
        "the last one stays"
    );
}

#[test]
fn a_text_that_cannot_be_served_is_neither_kept_nor_served() {
    let folder = folder("invalid", &router(URGENT));
    let server = serve(&folder);
    let broken = router(URGENT).replace("model: large}]}", "model: huge}]}");
    let (status, code, problems) = refusal(&put(&server, PATH, "", &broken));
    assert_eq!((status, code.as_str(), problems.len()), (400, "INVALID_CONFIG", 1));
    let place = ["code", "line", "column"].map(|key| problems[0][key].clone());
    assert_eq!(json!(place), json!(["E0103", 12, 90]), "{problems:?}");
    assert_eq!(fs::read_to_string(folder.join("router.yaml")).unwrap(), router(URGENT));
    assert_eq!(put(&server, PATH, "", b"routing: \xff").status, 400);
    assert_eq!(put(&server, PATH, "", vec![b' '; 11 << 20]).status, 413);
    assert_eq!(model(&server, "urgent"), "large");

    let checked = post(server.api, "/config/router/validate", &broken).json();
    assert_eq!((&checked["ok"], &checked["problems"][0]["code"]), (&false.into(), &"E0103".into()), "{checked:#}");
    assert!(checked["report"].as_str().unwrap().contains("error[E0103]"));
    let checked = post(server.api, "/config/router/validate", router("now")).json();
    assert_eq!((&checked["ok"], checked["problems"].as_array().map(Vec::len)), (&true.into(), Some(0)), "{checked:#}");
    assert_eq!(get(server.api, "/ready").json()["generation"], 1, "to check changes nothing");
    assert_eq!(get(server.api, PATH).body, router(URGENT));
}

#[test]
fn what_has_no_file_or_cannot_be_written_is_not_replaced() {
    let server = Server::start(&["--watch", "off"]);
    let text = get(server.api, PATH).body;
    let (status, _, problems) = refusal(&put(&server, PATH, "", format!("{text}\n# more\n")));
    assert_eq!((status, problems[0]["code"].as_str()), (409, Some("E0438")), "{problems:?}");

    // Whoever runs the tests may be allowed to write everywhere; but no file can be put beside one whose name is as long
    // as names can be.
    let folder = folder("read-only", "");
    let file = folder.join("x".repeat(250));
    fs::write(&file, router(URGENT)).unwrap();
    let server = Server::start(&["--config", file.to_str().unwrap(), "--watch", "off"]);
    let (status, code, problems) = refusal(&put(&server, PATH, "", router("now")));
    assert_eq!((status, code.as_str(), problems[0]["code"].as_str()), (409, "NOT_PERSISTED", Some("E0438")));
    assert_eq!((model(&server, "urgent"), model(&server, "now")), ("large".into(), "small".into()));
    assert_eq!(fs::read_to_string(&file).unwrap(), router(URGENT));
}
