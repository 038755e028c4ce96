//! Requests through a gateway at a steady rate, whatever becomes of them.
//!
//! The rate does not give way to slow answers: each request has an instant at which it is due, and its time counts from
//! there. Connections are kept, and a request waits for one if all are busy.

use bytes::Bytes;
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, sync::Semaphore, task::JoinSet, time::timeout};

use crate::client::PATIENCE;

/// Most failures whose reason is kept.
const TOLD: usize = 20;

/// What is sent, and how.
#[derive(Clone, Debug)]
pub struct Load {
    /// The gateway's listener.
    pub to: SocketAddr,
    /// Requests a second.
    pub rate: f64,
    /// Connections that are kept.
    pub connections: usize,
    /// A chat completion.
    pub body: Bytes,
}

/// An answer.
#[derive(Debug)]
pub struct Answered<'a> {
    /// When its request was due.
    pub due: Instant,
    /// When it left the client.
    pub sent: Instant,
    pub headers: &'a HeaderMap,
}

/// Judges an answer: what is wrong with it, if anything.
type Judge = dyn Fn(&Answered<'_>) -> Result<(), String> + Send + Sync;

/// A load that goes on until it is ended. It ends also with its value.
#[derive(Debug)]
pub struct Running {
    pace: Arc<Pace>,
    pacer: Option<JoinHandle<()>>,
    connections: JoinSet<Vec<u32>>,
}

/// What became of a load.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// From being due to the last byte of the answer, microseconds, the shortest first.
    pub times: Vec<u32>,
    pub failed: u64,
    /// Why some of them failed.
    pub reasons: Vec<String>,
    /// Since its begin.
    pub lasted: Duration,
}

#[derive(Debug)]
struct Pace {
    begun: Instant,
    every: Duration,
    next: AtomicU64,
    /// One permit for each request that is due and not taken up.
    due: Semaphore,
    ended: AtomicBool,
    failed: AtomicU64,
    reasons: Mutex<Vec<String>>,
}

impl Load {
    /// Begins. Every answer is shown to `judge`.
    pub fn start(self, judge: impl Fn(&Answered<'_>) -> Result<(), String> + Send + Sync + 'static) -> Running {
        let pace = Arc::new(Pace {
            begun: Instant::now(),
            every: Duration::from_secs_f64(1.0 / self.rate),
            next: AtomicU64::new(0),
            due: Semaphore::new(0),
            ended: AtomicBool::new(false),
            failed: AtomicU64::new(0),
            reasons: Mutex::default(),
        });
        let judge: Arc<Judge> = Arc::new(judge);
        let mut connections = JoinSet::new();
        for _ in 0..self.connections {
            connections.spawn(connection(self.to, self.body.clone(), Arc::clone(&pace), Arc::clone(&judge)));
        }
        // The runtime's own clock is too coarse for thousands of requests a second.
        let pacer = std::thread::spawn({
            let pace = Arc::clone(&pace);
            move || pace.keep()
        });
        Running { pace, pacer: Some(pacer), connections }
    }
}

impl Running {
    /// How many requests have failed so far.
    pub fn failed(&self) -> u64 {
        self.pace.failed.load(Ordering::Relaxed)
    }

    /// Why some of them did.
    pub fn reasons(&self) -> Vec<String> {
        self.pace.reasons.lock().unwrap().clone()
    }

    /// Lets what is due be answered, and tells what became of all.
    pub async fn end(mut self) -> Outcome {
        self.pace.ended.store(true, Ordering::Relaxed);
        let lasted = self.pace.begun.elapsed();
        let patience = Instant::now() + PATIENCE;
        while self.pace.due.available_permits() > 0 && Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.pace.due.close();
        let mut times = Vec::new();
        while let Some(answered) = self.connections.join_next().await {
            times.extend(answered.expect("a connection does not panic"));
        }
        times.sort_unstable();
        Outcome { times, failed: self.failed(), reasons: self.reasons(), lasted }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.pace.ended.store(true, Ordering::Relaxed);
        if let Some(pacer) = self.pacer.take() {
            let _ = pacer.join();
        }
    }
}

impl Outcome {
    /// The time that this share of the answers came within, milliseconds; 50 is the median.
    pub fn percentile(&self, percent: f64) -> f64 {
        let index = (self.times.len() as f64 * percent / 100.0) as usize;
        self.times.get(index.min(self.times.len().saturating_sub(1))).map_or(0.0, |micros| f64::from(*micros) / 1e3)
    }

    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.times.len() as f64 / self.lasted.as_secs_f64()
    }
}

impl Pace {
    fn keep(&self) {
        let mut released = 0;
        while !self.ended.load(Ordering::Relaxed) {
            let now = self.begun.elapsed();
            let due = (now.as_secs_f64() / self.every.as_secs_f64()) as usize + 1;
            self.due.add_permits(due - released);
            released = due;
            std::thread::sleep(self.at(due as u64).saturating_duration_since(Instant::now()));
        }
    }

    fn at(&self, request: u64) -> Instant {
        self.begun + self.every.mul_f64(request as f64)
    }

    fn failed(&self, reason: String) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let mut reasons = self.reasons.lock().unwrap();
        if reasons.len() < TOLD {
            reasons.push(reason);
        }
    }
}

/// One kept connection: takes up what is due, one request at a time.
async fn connection(to: SocketAddr, body: Bytes, pace: Arc<Pace>, judge: Arc<Judge>) -> Vec<u32> {
    let mut times = Vec::new();
    let mut kept = None;
    while let Ok(permit) = pace.due.acquire().await {
        permit.forget();
        let due = pace.at(pace.next.fetch_add(1, Ordering::Relaxed));
        let answered = timeout(PATIENCE, ask(&mut kept, to, &body, due, &*judge)).await;
        match answered.unwrap_or_else(|_| Err("no answer in time".to_owned())) {
            Ok(()) => times.push(u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX)),
            Err(reason) => {
                pace.failed(reason);
                kept = None;
            }
        }
    }
    times
}

/// A connection and the task that drives it.
struct Kept {
    sender: SendRequest<Full<Bytes>>,
    _driver: JoinSet<hyper::Result<()>>,
}

async fn ask(kept: &mut Option<Kept>, to: SocketAddr, body: &Bytes, due: Instant, judge: &Judge) -> Result<(), String> {
    let told = |error: hyper::Error| error.to_string();
    let connection = match kept.take() {
        Some(connection) => connection,
        None => connect(to).await.map_err(|error| error.to_string())?,
    };
    let Kept { sender, .. } = kept.insert(connection);
    let request = Request::post("/v1/chat/completions")
        .header(header::HOST, "load")
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-vsr-debug", "true")
        .body(Full::new(body.clone()))
        .expect("a valid request");
    sender.ready().await.map_err(told)?;
    let sent = Instant::now();
    let (head, body) = sender.send_request(request).await.map_err(told)?.into_parts();
    let body = body.collect().await.map_err(told)?.to_bytes();
    if head.status != 200 {
        return Err(format!("{}: {}", head.status, String::from_utf8_lossy(&body)));
    }
    judge(&Answered { due, sent, headers: &head.headers })
}

async fn connect(to: SocketAddr) -> Result<Kept, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    Ok(Kept { sender, _driver: driver })
}
