//! Components that misbehave are dropped, one after the other, into the folder of a router that serves: no other request
//! notices, the process goes on, the next good component is published, and each has a line of its own in the report.

mod cases;
mod ends;
#[path = "../../misbehaving/forge.rs"]
mod forge;
mod site;
mod traffic;

use cases::{Case, Then};
use site::Site;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use traffic::{Asked, Traffic};

/// As many as the project promises.
const LEAST: usize = 24;

/// A request that meets a component at its worst, which is stopped after a second, on a machine that does other things too.
const LONGEST: Duration = Duration::from_secs(15);

/// Memory that the router may gain: 40 generations with components of up to 64 MiB come and go.
const GROWTH: u64 = 400 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_misbehaves_harms_nobody_and_is_told() {
    let mut site = Site::start().await;
    let traffic = Traffic::start(site.router.extproc).await;
    site.restore().await;
    let memory = site.router.resident();
    let (mut report, mut wrong) = (BTreeSet::new(), Vec::new());
    let cases = cases::all();
    assert!(cases.len() >= LEAST, "{} cases", cases.len());
    for case in &cases {
        let answered = traffic.answered();
        traffic.excused.store(matches!(case.then, Then::Fails { .. }), Ordering::Relaxed);
        match play(&site, &traffic, case).await {
            Ok(line) if report.insert(line.clone()) => println!("{}: {line}", case.name),
            Ok(line) => wrong.push(format!("{}: told as another one: {line}", case.name)),
            Err(reason) => wrong.push(format!("{}: {reason}", case.name)),
        }
        site.restore().await;
        traffic.excused.store(false, Ordering::Relaxed);
        wrong.extend(traffic.harmed().into_iter().map(|harm| format!("beside {}: {harm}", case.name)));
        // The traffic does not wait for what misbehaves.
        site.router.poll("answers beside it", || (traffic.answered() > answered + 10).then_some(())).await;
    }
    let grown = site.router.resident().saturating_sub(memory);
    println!("{} answers beside {} components that misbehave; {grown} bytes more", traffic.answered(), cases.len());
    wrong.extend(traffic.end().await);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(grown < GROWTH, "the router holds {grown} bytes more than before");
}

/// Drops a component in, and sees what becomes of it. Answers with the line that tells of it, or with what is wrong.
async fn play(site: &Site, traffic: &Traffic, case: &Case) -> Result<String, String> {
    let attempt = site.attempt(case).await;
    let verdict = if matches!(case.then, Then::Refused { .. }) { "refused" } else { "published" };
    ensure(attempt["verdict"] == verdict, || format!("it was to be {verdict}: {attempt}"))?;
    match &case.then {
        Then::Refused { code, says } => {
            let problem = site::refusal(&attempt, code).filter(|problem| problem.contains(says));
            problem.ok_or_else(|| format!("{code} with {says:?} was to be told: {attempt}"))
        }
        Then::Degraded { ask, told, model } | Then::Fails { ask, told, model } => {
            if matches!(case.then, Then::Fails { .. }) {
                // The instance that was there first still works.
                let _ = traffic.ask(ask).await;
            }
            let counted = site.degraded(told);
            for asked in ask_twice(traffic, ask).await? {
                ensure(asked.tells(told), || format!("{told} was to be told: {asked:?}"))?;
                ensure(asked.model().as_deref() == Some(*model), || format!("{model} was to answer: {asked:?}"))?;
            }
            ensure(site.degraded(told) >= counted + 2.0, || format!("{told} is not counted"))?;
            Ok(format!("{told}, {}", case.name))
        }
        Then::Bounded { ask, what, holds } => {
            for asked in ask_twice(traffic, ask).await? {
                ensure(holds(&asked, site), || format!("{what} was to be seen: {asked:?}"))?;
            }
            Ok((*what).to_owned())
        }
    }
}

/// The second request meets another instance, if the first was lost.
async fn ask_twice(traffic: &Traffic, text: &str) -> Result<Vec<Asked>, String> {
    let mut answers = Vec::new();
    for _ in 0..2 {
        let begun = Instant::now();
        let asked = traffic.ask(text).await.map_err(|status| status.to_string())?;
        ensure(begun.elapsed() < LONGEST, || format!("an answer took {:?}", begun.elapsed()))?;
        ensure(asked.unsound().is_none(), || format!("{:?}: {asked:?}", asked.unsound()))?;
        answers.push(asked);
    }
    Ok(answers)
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
