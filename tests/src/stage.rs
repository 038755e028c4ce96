//! What one test stands on: all processes, its own or shared with other tests.

use crate::{
    answer::Answer,
    client::{self, Message, Reply},
    house::{House, Plan},
    mode::Way,
    router::{self, Trackside},
    upstream::{CASE, Seen},
};
use bytes::Bytes;
use http::HeaderMap;
use std::{
    collections::BTreeSet,
    ffi::OsString,
    ops::Deref,
    path::Path,
    sync::{LazyLock, Mutex},
};
use tokio::{runtime::Runtime, sync::RwLockReadGuard};

/// A house that the tests of a process share: it stands from the first visit on. `None` when something is not installed.
pub type Shared = LazyLock<Option<House>>;

/// Everything that one test needs. Dropping it fails the test if Envoy counted a mistake of the processor on a listener that
/// the test used, and ends all processes that it does not share.
#[derive(Debug)]
pub struct Stage {
    house: Tenancy,
    used: Mutex<BTreeSet<&'static str>>,
    forgiven: Mutex<BTreeSet<&'static str>>,
    _visit: Option<RwLockReadGuard<'static, ()>>,
}

#[derive(Debug)]
enum Tenancy {
    Alone(Box<House>),
    Guest(&'static House),
}

/// What became of one request.
#[derive(Debug)]
pub struct Exchange {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// What came behind the body.
    pub trailers: Option<HeaderMap>,
    /// What the model server got last, and by which route: the model that the route belongs to, or `default`. `None` when
    /// the request ended before.
    pub upstream: Option<(Seen, String)>,
}

impl Stage {
    /// Starts all of it. Every model of `routes` gets a route and a model server of its own. `None` when something is not
    /// installed and the test is to be skipped.
    pub async fn start(config: &Path, routes: &[&'static str]) -> Option<Stage> {
        Stage::build(&Plan::new(config, routes)).await
    }

    /// The same with more flags for the router.
    pub async fn start_with(config: &Path, flags: &[OsString], routes: &[&'static str]) -> Option<Stage> {
        Stage::build(&Plan::new(config, routes).with_flags(flags.iter().cloned())).await
    }

    /// Starts what a plan says.
    pub async fn build(plan: &Plan) -> Option<Stage> {
        let trackside = Trackside::start_with(&plan.config, &plan.flags).await;
        let house = House::around(trackside, plan).await?;
        Some(Stage::on(Tenancy::Alone(Box::new(house)), None))
    }

    /// Visits a shared house.
    pub async fn visit(house: &'static Shared) -> Option<Stage> {
        let visit = router::visit().await;
        Some(Stage::on(Tenancy::Guest((*house).as_ref()?), Some(visit)))
    }

    /// Builds a house to share. Its servers run on threads of its own, since those of a test end with it.
    pub fn share(plan: impl FnOnce() -> Option<Plan> + Send + 'static) -> Option<House> {
        let build = || {
            let plan = plan()?;
            let runtime: &'static Runtime = Box::leak(Box::new(Runtime::new().expect("a runtime can be made")));
            runtime.block_on(async {
                let trackside = Trackside::start_beside(&plan.config, &plan.flags, "127.0.0.1:0").await;
                House::around(trackside, &plan).await
            })
        };
        std::thread::spawn(build).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn on(house: Tenancy, visit: Option<RwLockReadGuard<'static, ()>>) -> Stage {
        Stage { house, used: Mutex::default(), forgiven: Mutex::default(), _visit: visit }
    }

    /// Lets a counter of mistakes rise: the test provokes what it counts.
    pub fn forgive(&self, counter: &'static str) {
        self.forgiven.lock().unwrap().insert(counter);
    }

    /// Sends a message, answered by [`crate::upstream::COMPLETION`], and waits for the whole answer.
    pub async fn send(&self, way: Way, message: Message) -> Exchange {
        self.send_for(way, message, Answer::Json).await
    }

    /// Sends a message that the model server answers like this, and waits for the whole answer.
    pub async fn send_for(&self, way: Way, message: Message, answer: Answer) -> Exchange {
        let (case, reply) = self.open(way, message, answer).await;
        self.close(&case, reply).await
    }

    /// Sends a message and waits for the head of the answer. Also tells the name of the case.
    pub async fn open(&self, way: Way, message: Message, answer: Answer) -> (String, Reply) {
        let (case, reply) = self.try_open(way, message, answer).await;
        (case, reply.expect("the gateway answers"))
    }

    /// The same where the connection may break.
    pub async fn try_open(&self, way: Way, message: Message, answer: Answer) -> (String, hyper::Result<Reply>) {
        let case = self.case(way, answer);
        let message = message.with(CASE, &case);
        let reply = client::attempt(self.envoy.listener(way.mode.name), way.http, &message).await;
        (case, reply)
    }

    /// Makes a case for a request that the test sends by itself, with [`CASE`] as a header.
    pub fn case(&self, way: Way, answer: Answer) -> String {
        self.used.lock().unwrap().insert(way.mode.name);
        let case = self.house.case();
        self.upstream.answer(&case, answer);
        case
    }

    /// Reads an answer to its end and finds what the model server got.
    pub async fn close(&self, case: &str, mut reply: Reply) -> Exchange {
        let body = reply.read(usize::MAX).await;
        let (status, headers, trailers) = (reply.status, reply.headers.clone(), reply.trailers.take());
        reply.finish().await;
        let upstream = self.upstream.take(case).map(|seen| {
            let route = self.house.route(&seen);
            (seen, route)
        });
        Exchange { status, headers, body, trailers, upstream }
    }
}

impl Deref for Stage {
    type Target = House;

    fn deref(&self) -> &House {
        &self.house
    }
}

impl Deref for Tenancy {
    type Target = House;

    fn deref(&self) -> &House {
        match self {
            Tenancy::Alone(house) => house,
            Tenancy::Guest(house) => house,
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let forgiven = self.forgiven.lock().unwrap();
        let mut mistakes = Vec::new();
        for mode in self.used.lock().unwrap().iter() {
            // Asked even if the test failed already, so that what it did is not blamed on the next one.
            let new = self.house.new_mistakes(mode).into_iter().filter(|(counter, _)| !forgiven.contains(counter));
            mistakes.extend(new.map(|(counter, count)| format!("{mode}: {counter} {count}")));
        }
        if std::thread::panicking() {
            eprintln!("mistakes that envoy counted: {mistakes:?}");
        } else {
            assert!(mistakes.is_empty(), "envoy counted mistakes: {mistakes:?}");
        }
    }
}

impl Exchange {
    /// A header of the answer, if it came once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        client::only(&self.headers, name)
    }

    /// What the model server got. Fails the test if it got nothing.
    pub fn seen(&self) -> &Seen {
        let (seen, _) = self.upstream.as_ref().unwrap_or_else(|| panic!("nothing went upstream: {self:?}"));
        seen
    }

    /// The route by which it got it.
    pub fn route(&self) -> &str {
        self.upstream.as_ref().map_or("", |(_, route)| route)
    }

    /// The answer, which must be JSON.
    pub fn json(&self) -> serde_json::Value {
        client::json(&self.body)
    }
}
