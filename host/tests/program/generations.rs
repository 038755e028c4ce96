//! What served, what serves, and the way back, over the API and from the command line.

use crate::changing::{URGENT, ask, folder, model, refusal, router, serve};
use crate::process::{command, get, run};
use serde_json::Value;
use std::fs;

#[test]
fn a_changed_file_makes_a_generation_and_a_touched_one_makes_none() {
    let folder = folder("generations", &router(URGENT));
    let server = serve(&folder);
    let file = folder.join("router.yaml");
    fs::write(&file, router(URGENT)).unwrap();
    let touched = ask(&server, "/api/v1/reload");
    assert_eq!((touched.status, touched.json()["outcome"].as_str()), (200, Some("unchanged")), "{}", touched.body);

    fs::write(&file, router("now")).unwrap();
    let changed = ask(&server, "/api/v1/reload").json();
    assert_eq!((&changed["outcome"], &changed["serving"]), (&"published".into(), &2.into()), "{changed:#}");
    assert_eq!((model(&server, "urgent"), model(&server, "now")), ("small".into(), "large".into()));
    let listed = get(server.api, "/api/v1/generations").json();
    assert_eq!(listed["serving"], 2);
    let entries = listed["generations"].as_array().unwrap();
    assert_eq!(entries.iter().map(|entry| entry["id"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 1], "{listed:#}");
    assert_eq!((&entries[0]["live"], &entries[1]["live"]), (&true.into(), &false.into()));
    assert_eq!((&entries[0]["cause"]["kind"], &entries[0]["verdict"]), (&"api".into(), &"published".into()));
    assert!(entries[0]["changed"][0].as_str().unwrap().contains("keywords"), "{}", entries[0]);
    assert_ne!(entries[0]["config"], entries[1]["config"]);
    assert_eq!(entries[0]["components"]["keyword"].as_str().map(str::len), Some(64), "{}", entries[0]);
    assert!(entries[0]["time"].as_str().unwrap().ends_with('Z'));

    assert_eq!(get(server.api, "/api/v1/generations/1").json(), entries[1]);
    for unknown in ["9", "01", "+1", "-1", "x", "1%2F2", "18446744073709551616"] {
        assert_eq!(get(server.api, &format!("/api/v1/generations/{unknown}")).status, 404, "{unknown}");
        assert_eq!(ask(&server, &format!("/api/v1/generations/{unknown}/rollback")).status, 404, "{unknown}");
    }
    let odd = get(server.api, "/api/v1/generations/%ff");
    assert_eq!((odd.status, odd.json()["error"]["code"].as_str()), (400, Some("INVALID_INPUT")));
    assert_eq!(get(server.api, "/api/v1/reload").status, 405, "what changes something is no question");
}

#[test]
fn a_file_that_cannot_be_served_changes_nothing_and_is_told_whole() {
    let folder = folder("refused", &router(URGENT));
    let server = serve(&folder);
    let broken =
        router(URGENT).replace("name: hurry}, modelRefs: [{model: large}]", "name: hury}, modelRefs: [{model: huge}]");
    fs::write(folder.join("router.yaml"), broken).unwrap();
    let answer = ask(&server, "/api/v1/reload");
    let (status, code, problems) = refusal(&answer);
    assert_eq!((status, code.as_str()), (400, "INVALID_CONFIG"), "{}", answer.body);
    let told: Vec<_> = problems.iter().map(|problem| (problem["code"].as_str().unwrap(), &problem["line"])).collect();
    assert_eq!(told, [("E0106", &12.into()), ("E0103", &12.into())], "{}", answer.body);
    assert!(problems[0]["file"].as_str().unwrap().ends_with("router.yaml"));
    assert!(problems[0]["column"].as_u64().unwrap() > 1);
    let error = &answer.json()["error"];
    assert_eq!(error["serving"], 1);
    assert!(error["report"].as_str().unwrap().contains("still serving generation 1"), "{error}");
    assert!(error["message"].as_str().unwrap().ends_with("; generation 1 goes on"), "{error}");
    assert_eq!(model(&server, "urgent"), "large");

    let listed = get(server.api, "/api/v1/generations").json();
    let refused = &listed["generations"][0];
    assert_eq!((&refused["verdict"], &refused["id"]), (&"refused".into(), &Value::Null), "{listed:#}");
    assert_eq!(refused["problems"], Value::Array(problems));

    fs::remove_file(folder.join("router.yaml")).unwrap();
    let (status, _, problems) = refusal(&ask(&server, "/api/v1/reload"));
    assert_eq!((status, problems[0]["code"].as_str()), (400, Some("E0435")));
    assert_eq!(model(&server, "urgent"), "large");
}

#[test]
fn an_earlier_generation_comes_back() {
    let folder = folder("rollback", &router(URGENT));
    let server = serve(&folder);
    fs::write(folder.join("router.yaml"), router("now")).unwrap();
    assert_eq!(ask(&server, "/api/v1/reload").status, 200);
    let back = ask(&server, "/api/v1/generations/1/rollback").json();
    assert_eq!((&back["outcome"], &back["serving"]), (&"published".into(), &3.into()), "{back:#}");
    assert_eq!(back["generation"]["cause"], serde_json::json!({ "kind": "rollback", "of": 1 }));
    assert_eq!((model(&server, "urgent"), model(&server, "now")), ("large".into(), "small".into()));
    let digest = |id: u64| get(server.api, &format!("/api/v1/generations/{id}")).json()["config"].clone();
    assert_eq!(digest(1), digest(3));
    assert_eq!(fs::read_to_string(folder.join("router.yaml")).unwrap(), router("now"), "files stay as they are");
    let metrics = get(server.metrics, "/metrics").body;
    for line in [
        "trackside_generation 3",
        r#"trackside_generations_total{cause="rollback",outcome="published"} 1"#,
        r#"trackside_generations_total{cause="start",outcome="published"} 1"#,
        r#"trackside_pinned_streams{generation="live"} 0"#,
    ] {
        assert!(metrics.lines().any(|found| found == line), "no {line} in\n{metrics}");
    }
}

#[test]
fn the_command_line_does_the_same() {
    let folder = folder("cli", &router(URGENT));
    let server = serve(&folder);
    let api = server.api.to_string();
    let asked = |arguments: &[&str]| {
        let output = run(&[arguments, &["--api", &api]].concat());
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    assert_eq!(asked(&["reload"]), (0, "nothing has changed: generation 1 goes on\n".into(), String::new()));
    fs::write(folder.join("router.yaml"), router("now")).unwrap();
    let (code, told, _) = asked(&["reload"]);
    assert!(code == 0 && told.starts_with("generation 2 serves\n  config "), "{told}");
    for list in [&["generations"][..], &["generations", "list"]] {
        let (code, told, errors) = asked(list);
        assert!(code == 0 && told.starts_with("Generation 2 serves\n"), "{told}{errors}");
        assert_eq!(told.lines().count(), 4, "{told}");
    }
    let (_, json, _) = asked(&["generations", "list", "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["generations"][1]["id"], 1);
    let (code, told, _) = asked(&["generations", "show", "1"]);
    assert!(code == 0 && told.contains("verdict     published\n") && told.contains("keyword"), "{told}");
    let (code, told, _) = asked(&["generations", "rollback", "1"]);
    assert!(code == 0 && told.starts_with("generation 3 serves\n"), "{told}");

    let (code, _, errors) = asked(&["generations", "rollback", "77"]);
    assert!(code == 64 && errors.contains("there is no generation \"77\""), "{errors}");
    fs::write(folder.join("router.yaml"), "routing: {decisons: []}\nrouting: [").unwrap();
    let (code, told, errors) = asked(&["reload"]);
    assert!(code == 1 && told.is_empty(), "{told}{errors}");
    assert!(errors.contains("error[E0003]") && errors.contains("still serving generation 3"), "{errors}");
    let (code, json, _) = asked(&["reload", "--format", "json"]);
    assert_eq!((code, &serde_json::from_str::<Value>(&json).unwrap()["error"]["serving"]), (1, &3.into()));
}

#[test]
fn nobody_who_answers_is_told_and_so_is_somebody_else() {
    for command in [&["reload"][..], &["generations"], &["component", "list"], &["component", "promote", "x"]] {
        let output = run(&[command, &["--api", "127.0.0.1:9"]].concat());
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(69), "{command:?}: {errors}");
        assert!(errors.contains("no router answers at http://127.0.0.1:9: is `trackside serve` running"), "{errors}");
    }
    assert_eq!(run(&["reload", "--api", "no address"]).status.code(), Some(64));
    let folder = folder("other", &router(URGENT));
    let server = serve(&folder);
    let output = command().args(["generations"]).env("TRACKSIDE_API", server.metrics.to_string()).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(69) && errors.contains("is no router"), "{errors}");
}
