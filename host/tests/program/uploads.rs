//! Components that are listed, uploaded, tried beside the active ones, and promoted.

use crate::changing::{URGENT, ask, built_in, folder, keyword, model, put, refusal, router, serve, with_section};
use crate::process::{Server, get, run, send};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;

const KEYWORD: &str = "/api/v1/components/keyword";

/// What is told about the active component of a type.
fn listed(server: &Server, serves: &str) -> Value {
    let components = get(server.api, "/api/v1/components").json();
    let rows = components["components"].as_array().unwrap().clone();
    let found = rows.into_iter().find(|row| row["serves"] == serves && row["part"] == "active");
    found.unwrap_or_else(|| panic!("no {serves} in {components:#}"))
}

#[test]
fn components_are_listed_with_what_they_are_and_how_they_fare() {
    let folder = folder("listed", &router(URGENT));
    let server = serve(&folder);
    // A probe calls it, too.
    let before = listed(&server, "keyword")["calls"]["total"].as_u64().unwrap();
    for _ in 0..3 {
        model(&server, "urgent");
    }
    let keyword = listed(&server, "keyword");
    assert_eq!((&keyword["role"], &keyword["origin"]), (&"signal".into(), &"built-in".into()), "{keyword:#}");
    assert_eq!(keyword["digest"].as_str().unwrap().len(), 64);
    assert!(keyword["version"].is_string() && keyword["on_failure"].is_string(), "{keyword:#}");
    assert_eq!((&keyword["configured"], &keyword["breaker"]["state"]), (&1.into(), &"closed".into()));
    assert!(keyword["instances"]["created"].as_u64().unwrap() >= 1);
    assert!(keyword["limits"]["memory_bytes"].as_u64().unwrap() > 1 << 20);
    let calls = &keyword["calls"];
    let total = &(before + 3).into();
    assert_eq!((&calls["total"], &calls["traps"], &calls["outcomes"]["ok"]), (total, &0.into(), total));
    assert!(calls["mean_us"].as_f64().unwrap() > 0.0 && calls["p99_us"].as_f64().unwrap() > 0.0, "{calls}");

    let output = run(&["component", "list", "--api", &server.api.to_string()]);
    let told = String::from_utf8(output.stdout).unwrap();
    let line = told.lines().find(|line| line.contains("keyword")).unwrap();
    assert!(line.contains("built-in") && line.contains("closed"), "{line}");
}

#[test]
fn an_upload_serves_and_stays_and_a_bad_one_does_neither() {
    let folder = folder("upload", &router(URGENT));
    let server = serve(&folder);
    let before = listed(&server, "keyword")["digest"].clone();
    let answer = put(&server, KEYWORD, "content-type: application/wasm\r\n", keyword("one"));
    assert_eq!((answer.status, &answer.json()["serving"]), (200, &2.into()), "{}", answer.body);
    let uploaded = listed(&server, "keyword");
    assert_ne!(uploaded["digest"], before);
    assert!(uploaded["origin"].as_str().unwrap().ends_with("wasm/keyword.wasm"), "{uploaded}");
    assert_eq!(fs::read(folder.join("wasm/keyword.wasm")).unwrap(), keyword("one"));
    assert_eq!(model(&server, "urgent"), "large");
    assert_eq!(put(&server, KEYWORD, "", keyword("one")).json()["outcome"], "unchanged");
    let metrics = get(server.metrics, "/metrics").body;
    let machine_code = "trackside_component_compile_seconds_count{outcome=";
    assert!(metrics.lines().any(|line| line.starts_with(machine_code)), "{metrics}");

    let case = r#"[{"name": "never true", "settings": {"rules": [{"name": "a", "operator": "OR", "keywords": ["x"]}]},
        "request": {"text": "y"}, "expect": {"matches": [{"rule": "a"}]}}]"#;
    let liar = with_section(built_in("signal-keyword"), "trackside:cases", case.as_bytes());
    for (bytes, status, told) in [
        (b"not wasm".to_vec(), 400, "E0412"),
        (b"\0asm\x0d\0\x01\0".to_vec(), 400, "E0412"),
        (built_in("selector-static").to_vec(), 400, "E0414"),
        (liar, 422, "E0432"),
    ] {
        let (found, _, problems) = refusal(&put(&server, KEYWORD, "", bytes));
        assert_eq!((found, problems[0]["code"].as_str()), (status, Some(told)), "{problems:?}");
        assert_eq!(listed(&server, "keyword")["digest"], uploaded["digest"], "the one before serves on");
        assert_eq!(fs::read(folder.join("wasm/keyword.wasm")).unwrap(), keyword("one"));
    }
    assert_eq!(put(&server, KEYWORD, "", "").status, 400);
    assert_eq!(get(server.api, "/ready").json()["generation"], 2);
    let back = ask(&server, "/api/v1/generations/1/rollback");
    assert_eq!((back.status, &listed(&server, "keyword")["digest"]), (200, &before), "{}", back.body);
}

#[test]
fn a_component_that_is_new_gets_a_file_of_its_own() {
    let folder = folder("new-file", &router(URGENT));
    let server = serve(&folder);
    let component = with_section(built_in("selector-static"), "version", b"one");
    let answer = put(&server, "/api/v1/components/static", "", &component);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(fs::read(folder.join("wasm/static.wasm")).unwrap(), component);
    let pinned = format!(
        "  use: [{{type: static, digest: 'sha256:{}'}}]\n",
        listed(&server, "static")["digest"].as_str().unwrap()
    );
    fs::write(folder.join("router.yaml"), router(URGENT) + &pinned).unwrap();
    assert_eq!(ask(&server, "/api/v1/reload").status, 200);
    let (status, _, problems) = refusal(&put(&server, "/api/v1/components/static", "", built_in("selector-static")));
    assert_eq!((status, problems[0]["code"].as_str()), (400, Some("E0413")), "the pin holds: {problems:?}");
    assert_eq!(fs::read(folder.join("wasm/static.wasm")).unwrap(), component);
}

#[test]
fn limits_of_the_file_hold_from_the_next_generation_on() {
    let folder = folder("limits", &router(URGENT));
    let server = serve(&folder);
    let usual = listed(&server, "keyword")["limits"].clone();
    let limits = "{memory: 32MiB, deadline: 7ms, output: 2MiB, table_elements: 5000, instances: 3}";
    let used = format!("  use: [{{type: keyword, limits: {limits}, on_failure: closed}}]\n");
    fs::write(folder.join("router.yaml"), router(URGENT) + &used).unwrap();
    assert_eq!(listed(&server, "keyword")["limits"], usual);
    let answer = ask(&server, "/api/v1/reload");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let keyword = listed(&server, "keyword");
    let expected = serde_json::json!({
        "memory_bytes": 32 << 20, "deadline_ms": 7.0, "output_bytes": 2 << 20, "table_elements": 5000, "instances": 3,
    });
    assert_eq!((&keyword["limits"], &keyword["on_failure"]), (&expected, &"closed".into()), "{keyword:#}");
    assert_eq!(model(&server, "urgent"), "large");
}

#[test]
fn a_path_is_taken_only_inside_the_directory() {
    let folder = folder("paths", &router(URGENT));
    fs::write(folder.join("outside.wasm"), keyword("outside")).unwrap();
    fs::create_dir_all(folder.join("wasm/staged")).unwrap();
    fs::write(folder.join("wasm/staged/next.wasm"), keyword("staged")).unwrap();
    symlink(folder.join("outside.wasm"), folder.join("wasm/staged/link.wasm")).unwrap();
    symlink(&folder, folder.join("wasm/staged/up")).unwrap();
    let server = serve(&folder);
    let json = "content-type: application/json; charset=utf-8\r\n";
    let take = |path: &str| put(&server, KEYWORD, json, serde_json::json!({ "path": path }).to_string());
    let absolute = folder.join("outside.wasm");
    for path in [
        "../outside.wasm",
        "staged/../../outside.wasm",
        "staged/link.wasm",
        "staged/up/outside.wasm",
        absolute.to_str().unwrap(),
        "/dev/zero",
        "missing.wasm",
        "staged",
        "",
        ".",
    ] {
        let (status, _, problems) = refusal(&take(path));
        assert_eq!((status, problems[0]["code"].as_str()), (409, Some("E0437")), "{path}");
    }
    for body in ["{}", "[]", "{\"path\": 1}", "{\"path\": \"a\", \"more\": 1}", "no json"] {
        assert_eq!(put(&server, KEYWORD, json, body).status, 400, "{body}");
    }
    let taken = take("staged/next.wasm");
    assert_eq!(taken.status, 200, "{}", taken.body);
    assert_eq!(fs::read(folder.join("wasm/keyword.wasm")).unwrap(), keyword("staged"));
}

#[test]
fn what_is_too_large_is_refused_before_it_comes() {
    let folder = folder("large", &router(URGENT));
    let server = serve(&folder);
    let mut stream = TcpStream::connect(server.api).unwrap();
    let head = format!(
        "PUT {KEYWORD} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        server.api,
        1_u64 << 40
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let odd = format!("/api/v1/components/{}", "%2e%2e%2fx".repeat(100));
    assert_eq!(put(&server, &odd, "", keyword("odd")).status, 400, "a type is no path");
}

#[test]
fn without_a_directory_an_upload_has_no_place() {
    let folder = folder("nowhere", &router(URGENT).replace("components:\n  directory: ./wasm\n", ""));
    let server = serve(&folder);
    let (status, _, problems) = refusal(&put(&server, KEYWORD, "", keyword("one")));
    assert_eq!((status, problems[0]["code"].as_str()), (409, Some("E0437")));
}

/// A configuration whose directory has an active component, and a candidate beside it.
fn tried(name: &str) -> std::path::PathBuf {
    let shadow = "  shadow: {type: keyword, source: ./next.wasm, percent: 100}\n";
    let folder = folder(name, &(router(URGENT) + shadow));
    fs::write(folder.join("wasm/keyword.wasm"), keyword("one")).unwrap();
    fs::write(folder.join("next.wasm"), keyword("two")).unwrap();
    folder
}

#[test]
fn a_candidate_is_compared_and_promoted() {
    let folder = tried("shadow");
    let server = serve(&folder);
    for _ in 0..5 {
        assert_eq!(model(&server, "urgent"), "large");
    }
    let shadow = format!("{KEYWORD}/shadow");
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let report = loop {
        let report = get(server.api, &shadow).json();
        if report["answers"]["agreed"] == 5 {
            break report;
        }
        assert!(std::time::Instant::now() < patience, "{report:#}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    assert_eq!((&report["answers"]["differed"], &report["answers"]["agreement"]), (&0.into(), &1.0.into()));
    assert_eq!(report["active"], listed(&server, "keyword")["digest"]);
    let candidate = report["candidate"].clone();
    assert_ne!(candidate, report["active"]);
    let metrics = get(server.metrics, "/metrics").body;
    assert!(metrics.contains(r#"trackside_shadow_total{component="keyword",outcome="agreed"} 5"#), "{metrics}");
    let api = server.api.to_string();
    let told = run(&["component", "shadow", "keyword", "--api", &api]);
    assert!(String::from_utf8(told.stdout).unwrap().contains("agreement   100.00 %"));

    let promoted = run(&["component", "promote", "keyword", "--api", &api]);
    let told = String::from_utf8(promoted.stdout).unwrap();
    assert!(promoted.status.success() && told.starts_with("generation 2 serves\n"), "{told}");
    assert_eq!(listed(&server, "keyword")["digest"], candidate);
    assert_eq!(fs::read(folder.join("wasm/keyword.wasm")).unwrap(), keyword("two"), "it stays");
    let history = get(server.api, "/api/v1/generations/2").json();
    assert_eq!(history["cause"], serde_json::json!({ "kind": "promotion", "of": "keyword" }));
}

#[test]
fn what_nobody_tries_cannot_be_promoted() {
    let folder = folder("nobody", &router(URGENT));
    let server = serve(&folder);
    for path in ["/api/v1/components/keyword", "/api/v1/components/nothing"] {
        assert_eq!(get(server.api, &format!("{path}/shadow")).status, 404, "{path}");
        let (status, _, problems) = refusal(&ask(&server, &format!("{path}/promote")));
        assert_eq!((status, problems[0]["code"].as_str()), (404, Some("E0439")), "{path}");
    }
    let output = run(&["component", "promote", "keyword", "--api", &server.api.to_string()]);
    assert_eq!(output.status.code(), Some(64), "{}", String::from_utf8_lossy(&output.stderr));
}

fn validate(folder: &Path, format: &str) -> String {
    let output = run(&["validate", "--format", format, folder.join("router.yaml").to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn validate_tells_what_candidates_would_do() {
    let folder = tried("validate");
    let told = validate(&folder, "text");
    assert!(
        told.contains("next.wasm runs beside the active keyword on 100 % of its requests, and decides none"),
        "{told}"
    );
    let json: Value = serde_json::from_str(&validate(&folder, "json")).unwrap();
    let [candidate] = json["candidates"].as_array().unwrap().as_slice() else { panic!("{json:#}") };
    assert_eq!(
        (&candidate["type"], &candidate["percent"], &candidate["canary"]),
        (&"keyword".into(), &100.0.into(), &0.0.into())
    );

    fs::write(folder.join("next.wasm"), keyword("one")).unwrap();
    let json: Value = serde_json::from_str(&validate(&folder, "json")).unwrap();
    assert_eq!(json["diagnostics"][0]["code"], "W0432", "{json:#}");
}

#[test]
fn every_change_wants_the_token() {
    let token = crate::process::file("changes/the-token", "a-token-of-the-tests\n");
    let folder = folder("token", &router(URGENT));
    let config = folder.join("router.yaml");
    let arguments =
        ["--config", config.to_str().unwrap(), "--watch", "off", "--api-token-file", token.to_str().unwrap()];
    let server = Server::start(&arguments);
    for (method, path) in [
        ("GET", "/api/v1/generations"),
        ("GET", "/api/v1/generations/1"),
        ("POST", "/api/v1/generations/1/rollback"),
        ("POST", "/api/v1/reload"),
        ("GET", "/api/v1/components"),
        ("PUT", KEYWORD),
        ("GET", "/api/v1/components/keyword/shadow"),
        ("POST", "/api/v1/components/keyword/promote"),
        ("GET", "/config/router"),
        ("PUT", "/config/router"),
        ("POST", "/config/router/validate"),
    ] {
        for header in ["", "authorization: Bearer a-token-of-somebody\r\n"] {
            assert_eq!(send(server.api, method, path, header, "x").status, 401, "{method} {path}");
        }
    }
    let known = "authorization: Bearer a-token-of-the-tests\r\n";
    assert_eq!(send(server.api, "GET", "/config/router", known, "").status, 200);
    assert_eq!(send(server.api, "PUT", KEYWORD, known, keyword("one")).status, 200);
    let api = server.api.to_string();
    let output = run(&["generations", "--api", &api]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(64) && errors.contains("--api-token-file"), "{errors}");
    let output = run(&["generations", "--api", &api, "--api-token-file", token.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_page_in_a_browser_changes_nothing() {
    let folder = folder("page", &router(URGENT));
    let server = serve(&folder);
    let reload = |origin: &str| send(server.api, "POST", "/api/v1/reload", &format!("origin: {origin}\r\n"), "");
    let refused = reload("https://evil.example");
    assert_eq!((refused.status, refused.json()["error"]["code"].as_str()), (403, Some("CROSS_ORIGIN")));
    assert_eq!(reload("http://localhost:3000").status, 200);
}
