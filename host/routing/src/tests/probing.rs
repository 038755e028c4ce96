//! What a probe finds, and what it leaves alone.

use super::*;
use trackside_config::Severity;

/// Codes and messages, with the lines that they point at.
fn errors(report: &Report) -> Vec<(&str, &str, Option<usize>)> {
    let errors = report.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    errors.map(|error| (error.code.0, error.message.as_str(), error.span.map(|span| span.line))).collect()
}

/// The line of the configuration with this text.
fn line(house: &House, text: &str) -> Option<usize> {
    house.config.lines().position(|line| line.contains(text)).map(|at| at + 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_snapshot_passes_and_nothing_counts() {
    let house = House::new();
    let before = house.metrics.encode();
    let (snapshot, report) = house.probe().await;
    assert!(report.is_ok(), "{report:?}");
    assert_eq!(house.metrics.encode(), before, "no metric moves");
    assert!(snapshot.components().iter().all(|component| component.breaker.failures == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_fails_on_every_request_is_told_with_its_place() {
    let mut house = House::new();
    house.config = house.config.replace("[large]}", "[large, order]}");
    house.change(Role::Signal, "keyword", gag);
    let (snapshot, report) = house.probe().await;
    let expected = "signal component \"keyword\" failed on a request made up to try it: handed the host more than 1 bytes \
                    at once, or malformed ones";
    assert_eq!(errors(&report), [("E0431", expected, line(&house, "keywords: [large"))]);
    assert_eq!(report_of(&snapshot, "keyword").breaker.failures, 0);
    // What failed is not taken for proven, though another snapshot carries it over.
    let (_, again) = house.probe().await;
    assert_eq!(errors(&again).len(), 1, "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_is_tried_too() {
    let mut house = House::new();
    let mut candidate = entry(twin("plugin-header-mutation"));
    gag(&mut candidate);
    house.registry.add_candidate(candidate, crate::Share { shadow: 1.0, canary: 0.0 });
    let (_, report) = house.probe().await;
    let [(code, message, _)] = errors(&report)[..] else { panic!("{report:?}") };
    assert_eq!(code, "E0431");
    assert!(message.starts_with("the candidate for request-plugin component \"header_mutation\""), "{message}");
}

/// Cases of the keyword signal: one that holds, and one that does not.
const CASES: &str = r#"[
  {"name": "found", "settings": {"rules": [{"name": "a", "operator": "OR", "keywords": ["x"]}]},
   "request": {"text": "x"}, "expect": {"matches": [{"rule": "a"}]}},
  {"name": "wrong", "settings": {"rules": [{"name": "a", "operator": "OR", "keywords": ["x"]}]},
   "request": {"text": "y"}, "expect": {"matches": [{"rule": "a"}]}}
]"#;

#[tokio::test(flavor = "multi_thread")]
async fn cases_inside_a_component_and_beside_it_have_to_hold() {
    let inside = with_section("signal-keyword", "trackside:cases", CASES.as_bytes());
    let expected = "signal component \"keyword\": its case \"wrong\" fails: out came no match";
    for beside in [false, true] {
        let mut house = House::new();
        house.change(Role::Signal, "keyword", |entry| {
            if beside {
                entry.cases = Some(CASES.as_bytes().into());
            } else {
                entry.component = inside.clone();
            }
        });
        let (_, report) = house.probe().await;
        assert_eq!(errors(&report), [("E0432", expected, line(&house, "keywords: [large"))]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_that_are_none_are_told() {
    let mut house = House::new();
    house.change(Role::Signal, "keyword", |entry| entry.cases = Some(b"[{\"name\": 7}]".as_slice().into()));
    let (_, report) = house.probe().await;
    let [(code, message, _)] = errors(&report)[..] else { panic!("{report:?}") };
    assert_eq!(code, "E0433");
    assert!(message.contains("invalid type: integer `7`, expected a string at line 1"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_run_again_only_when_they_or_their_component_change() {
    let mut house = House::new();
    let cases = |count: usize| {
        let case = json!({"name": "x", "settings": {"rules": []}, "expect": {"matches": []}});
        Some(Arc::from(json!(vec![case; count]).to_string().as_bytes()))
    };
    let proven = |house: &House, entry: &Entry| {
        let identity = entry.component.identity(&entry.setup(&serde_json::Value::Null, &(Arc::new(NoModel) as _)));
        let key = [identity.to_string().as_bytes(), entry.own_cases().unwrap()].concat();
        house.carried.has_proven(Digest::of(&key))
    };
    house.change(Role::Signal, "keyword", |entry| entry.cases = cases(1));
    let keyword = |house: &House| house.registry.get(Role::Signal, "keyword").unwrap().clone();
    assert!(!proven(&house, &keyword(&house)));
    let (first, report) = house.probe().await;
    assert!(report.is_ok() && proven(&house, &keyword(&house)), "{report:?}");
    // Another rule of the file is no other component.
    house.config = house.config.replace("[large]}", "[large, huge]}");
    let second = house.build().await;
    assert!(proven(&house, &keyword(&house)));
    house.change(Role::Signal, "keyword", |entry| entry.cases = cases(2));
    assert!(!proven(&house, &keyword(&house)));
    house.change(Role::Signal, "keyword", |entry| entry.cases = cases(1));
    house.change(Role::Signal, "keyword", |entry| entry.limits.memory_bytes *= 2);
    assert!(!proven(&house, &keyword(&house)));
    drop((first, second));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cases_of_built_in_components_hold() {
    let mut ran = 0;
    for built_in in BUILT_IN {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins").join(built_in.name);
        let Ok(cases) = std::fs::read(folder.join("cases.json")) else { continue };
        let faults = crate::probe::run_cases(&entry(component(built_in.name)), &cases, &(Arc::new(NoModel) as _)).await;
        assert!(faults.is_empty(), "{}: {faults:?}", built_in.name);
        ran += 1;
    }
    assert!(ran >= 6, "{ran} components have cases: one of each role at least");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_expects_otherwise_fails_whatever_its_role() {
    for (name, case, came) in [
        ("ask", json!({"request": {"text": "why"}, "expect": {"ask": "what"}}), "the ask None"),
        (
            "ranking-priority",
            json!({"matched": [{"name": "a"}, {"name": "b", "priority": 1}], "expect": {"order": ["a", "b"]}}),
            "the order b, a",
        ),
        (
            "selector-static",
            json!({"candidates": [{"model": "a"}, {"model": "b"}], "expect": {"choice": "b"}}),
            "the choice a",
        ),
        (
            "plugin-header-mutation",
            json!({"settings": {"delete": ["x"]}, "expect": {"edits": [{"remove_header": "y"}]}}),
            "the edits [Edit::RemoveHeader(\"x\")]",
        ),
        (
            "plugin-fast-response",
            json!({"settings": {"message": "m"}, "expect": {"reply": {"status": 201}}}),
            "the reply Reply { status: 200",
        ),
        ("signal-keyword", json!({"expect": {"failure": "internal"}}), "Signals([])"),
        ("signal-keyword", json!({"expect": {"order": []}}), "Signals([])"),
    ] {
        let mut case = case;
        case["name"] = json!("odd");
        let cases = json!([case]).to_string();
        let faults =
            crate::probe::run_cases(&entry(component(name)), cases.as_bytes(), &(Arc::new(NoModel) as _)).await;
        let [fault] = &faults[..] else { panic!("{name}: {faults:?}") };
        assert!(fault.contains(came), "{name}: {fault}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_is_cut_and_of_many_failures_a_few_are_told() {
    let settings = json!({"delete": vec!["x".repeat(200); 20]});
    let case = json!({"name": "odd", "settings": settings, "expect": {"edits": []}});
    let cases = json!(vec![case; 8]).to_string();
    let entry = entry(component("plugin-header-mutation"));
    let faults = crate::probe::run_cases(&entry, cases.as_bytes(), &(Arc::new(NoModel) as _)).await;
    assert_eq!((faults.len(), faults[5].as_str()), (6, "3 more of its cases fail"));
    assert!(faults.iter().all(|fault| fault.len() < 600), "{faults:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_can_only_refuse_is_told() {
    let mut house = House::new();
    house.config = house.config.replace("[large]}", "[large, order]}");
    let snapshot = house.build().await;
    let (config, mut report) = (house.config(), Report::default());
    snapshot.probe(&config, &mut report).await;
    assert!(report.is_ok(), "{report:?}");
    // The plugin fails with what this snapshot's decision edits, and its policy is to refuse.
    house.change(Role::RequestPlugin, "header_mutation", |entry| {
        gag(entry);
        entry.on_failure = Some("closed".parse().unwrap());
    });
    let snapshot = house.build().await;
    snapshot.seats().for_each(|seat| seat.stage.guarded.prove());
    snapshot.probe(&config, &mut report).await;
    let expected = "profile \"default\" refuses a request made up to try it: header_mutation: output";
    assert_eq!(errors(&report), [("E0434", expected, None)]);
}
