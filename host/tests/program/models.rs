//! `trackside model`: pulled models, what goes wrong on the way, and that they serve.

use crate::hub::{COMMIT, Conduct, Hub, WEIGHTS, hex, tiny};
use crate::process::{Server, cache, command, file, get, post, run};
use serde_json::Value;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Output;

fn pull(name: &str, endpoint: &str, more: &[&str]) -> Output {
    let mut command = command();
    command.args(["model", "pull", name]).args(more);
    command.env("HF_ENDPOINT", endpoint).env("HF_TOKEN", "secret").env("NO_PROXY", "*").output().unwrap()
}

fn folder(name: &str) -> PathBuf {
    cache().join("trackside/models").join(name)
}

fn weights(name: &str) -> Vec<u8> {
    std::fs::read(folder(name).join(WEIGHTS)).unwrap()
}

fn original() -> Vec<u8> {
    std::fs::read(tiny().join(WEIGHTS)).unwrap()
}

fn assert_pulled(output: &Output, name: &str) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(weights(name) == original(), "the weights of {name} are others");
}

/// The pull failed with all of these words, and there is no model.
fn assert_refused(output: &Output, name: &str, words: &[&str]) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(69), "{told}");
    assert!(words.iter().all(|word| told.contains(word)), "not all of {words:?} in {told}");
    assert!(!folder(name).exists(), "{name} must not be there");
}

#[test]
fn a_pulled_model_is_listed_and_serves() {
    let name = "tiny/serves";
    let hub = Hub::start(Conduct::Honest);
    let output = pull(name, &hub.endpoint(), &[]);
    assert_pulled(&output, name);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("trackside serve --model tiny/serves"), "{told}");

    let listed = run(&["model", "list"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("(auto)") && listed.contains("all-MiniLM-L6-v2"), "{listed}");
    let row = listed.lines().find(|line| line.contains(name)).unwrap();
    assert!(row.contains("bert") && row.contains("32 dimensions") && row.contains("MB"), "{row}");
    let listed: Value = serde_json::from_slice(&run(&["model", "list", "--format", "json"]).stdout).unwrap();
    let pulled = listed["pulled"].as_array().unwrap().iter().find(|model| model["name"] == name).unwrap();
    assert_eq!((&pulled["architecture"], &pulled["dimensions"]), (&"bert".into(), &32.into()));
    assert!(pulled["bytes"].as_u64().unwrap() > original().len() as u64);
    assert_eq!(listed["auto"], listed["engines"][0]);

    let server = Server::start(&["--model", name, "--precision", "fp32"]);
    let starting = &server.starting;
    assert_eq!((&starting["model"], &starting["precision"]), (&"serves".into(), &"fp32".into()), "{starting}");
    assert!(starting["architecture"] == "bert" && starting["instructions"].is_string(), "{starting}");
    let models = get(server.api, "/api/v1/embeddings/models").json();
    assert_eq!((&models["models"][0]["name"], &models["models"][0]["dimension"]), (&"serves".into(), &32.into()));
    let answer = post(server.api, "/api/v1/embeddings", r#"{"texts": ["a"]}"#).json();
    assert_eq!(answer["embeddings"][0]["embedding"].as_array().unwrap().len(), 32);
}

#[test]
fn all_files_are_of_one_commit_and_the_token_stays_with_the_hub() {
    let hub = Hub::start(Conduct::Honest);
    assert_pulled(&pull("tiny/commit", &hub.endpoint(), &["--revision", "v1"]), "tiny/commit");
    let asked = hub.asked();
    assert_eq!(asked[0].path, "/tiny/commit/resolve/v1/config.json");
    let (stored, own): (Vec<_>, Vec<_>) = asked.iter().skip(1).partition(|asked| asked.path.starts_with("/store/"));
    assert!(own.iter().all(|asked| asked.path.starts_with(&format!("/tiny/commit/resolve/{COMMIT}/"))), "{own:#?}");
    assert!(own.iter().all(|asked| asked.token.as_deref() == Some("Bearer secret")), "{own:#?}");
    assert!(!stored.is_empty() && stored.iter().all(|asked| asked.token.is_none()), "{stored:#?}");
    assert!(stored.iter().all(|asked| asked.host.starts_with("localhost:")), "{stored:#?}");
}

#[test]
fn a_cut_connection_is_taken_up_where_it_ended() {
    let name = "tiny/cut";
    let piece = original().len() / 3 + 1;
    let hub = Hub::start(Conduct::CutsAfter(piece));
    assert_pulled(&pull(name, &hub.endpoint(), &[]), name);
    let ranges: Vec<_> = hub.asked().into_iter().filter(|a| a.path.starts_with("/store/")).map(|a| a.range).collect();
    assert_eq!(ranges, [None, Some(format!("bytes={piece}-")), Some(format!("bytes={}-", 2 * piece))]);
}

#[test]
fn a_pull_that_was_given_up_goes_on_with_the_next_one() {
    let name = "tiny/resumed";
    let piece = original().len() / 2;
    let hub = Hub::start(Conduct::DiesAfter(piece));
    assert_refused(&pull(name, &hub.endpoint(), &[]), name, &["was cut off", "goes on from there"]);
    let hub = Hub::start(Conduct::Honest);
    assert_pulled(&pull(name, &hub.endpoint(), &[]), name);
    let asked = hub.asked();
    let ranges: Vec<_> = asked.iter().filter(|asked| asked.path.starts_with("/store/")).map(|a| &a.range).collect();
    assert_eq!(ranges, [&Some(format!("bytes={piece}-"))], "the rest alone is asked for");
    let left = std::fs::read_dir(folder(name).parent().unwrap()).unwrap().filter_map(Result::ok);
    let left: Vec<_> =
        left.map(|entry| entry.file_name()).filter(|n| n.to_string_lossy().contains("resumed@")).collect();
    assert!(left.is_empty(), "{left:?} is left over");
}

#[test]
fn weights_with_another_checksum_are_refused_and_not_kept() {
    let hub = Hub::start(Conduct::Lies);
    let name = "tiny/damaged";
    let words = ["came damaged", &hex(&original()), &"0".repeat(64)];
    assert_refused(&pull(name, &hub.endpoint(), &[]), name, &words);
    let hub = Hub::start(Conduct::Honest);
    assert_pulled(&pull(name, &hub.endpoint(), &[]), name);
    assert!(hub.asked().iter().all(|asked| asked.range.is_none()), "nothing damaged is built upon");
}

#[test]
fn what_the_hub_does_not_have_or_show_is_told() {
    let hub = Hub::start(Conduct::Refuses);
    let name = "tiny/private";
    assert_refused(&pull(name, &hub.endpoint(), &[]), name, &["does not show tiny/private", "401", "HF_TOKEN"]);
    let hub = Hub::start(Conduct::Empty);
    let name = "tiny/absent";
    assert_refused(&pull(name, &hub.endpoint(), &[]), name, &["no model tiny/absent", "revision main"]);
    let hub = Hub::start(Conduct::NoWeights);
    let name = "tiny/weightless";
    assert_refused(&pull(name, &hub.endpoint(), &[]), name, &["tiny/weightless has no model.safetensors"]);
}

#[test]
fn without_a_network_the_way_around_it_is_told() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let name = "tiny/offline";
    let words = [&format!("cannot reach {closed}"), "--from DIR"];
    assert_refused(&pull(name, &format!("http://{closed}"), &[]), name, &words);
}

#[test]
fn a_folder_is_taken_only_if_it_is_a_model() {
    let name = "tiny/folder";
    let from = tiny();
    assert_pulled(&pull(name, "http://127.0.0.1:9", &["--from", from.to_str().unwrap()]), name);
    assert_pulled(&pull(name, "http://127.0.0.1:9", &["--from", from.to_str().unwrap()]), name);

    for broken in ["config.json", "tokenizer.json", WEIGHTS] {
        let mut folder = PathBuf::new();
        for whole in ["config.json", "tokenizer.json", WEIGHTS] {
            let bytes = if whole == broken { b"{}".to_vec() } else { std::fs::read(tiny().join(whole)).unwrap() };
            folder = file(&format!("models/{broken}/{whole}"), bytes).parent().unwrap().to_owned();
        }
        let name = format!("tiny/broken-{broken}");
        let output = pull(&name, "http://127.0.0.1:9", &["--from", folder.to_str().unwrap()]);
        assert_refused(&output, &name, &["is not a model that can be used", broken]);
    }
    assert_refused(
        &pull("tiny/none", "x", &["--from", "/nowhere"]),
        "tiny/none",
        &["cannot copy /nowhere/config.json"],
    );
}

#[test]
fn a_quantised_model_is_smaller_and_can_be_pulled() {
    let target = file("models/int8/note", "").parent().unwrap().to_owned();
    let output = run(&["model", "quantise", tiny().to_str().unwrap(), target.to_str().unwrap()]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && told.contains("matrices of bert"), "{told}");
    let length = target.join(WEIGHTS).metadata().unwrap().len();
    assert!(length < original().len() as u64 / 2, "{length} bytes");
    let output = pull("tiny/int8", "http://127.0.0.1:9", &["--from", target.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn names_and_models_that_make_no_sense_are_told() {
    for name in ["../up", "a/b/c", ".hidden", ""] {
        let output = pull(name, "http://127.0.0.1:9", &[]);
        assert_eq!(output.status.code(), Some(64), "{name:?}");
    }
    let output = run(&["explain", "--model", "tiny/nobody-pulled", "hello"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(69), "{told}");
    assert!(told.contains("trackside model pull tiny/nobody-pulled"), "{told}");
    assert_eq!(run(&["explain", "--precision", "int3", "hello"]).status.code(), Some(64));
}
