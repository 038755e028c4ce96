//! The program under test as its users meet it: a command line, two HTTP ports and a gRPC port.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Once;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Long enough for a cold start, which compiles every component, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Wrong in two ways: a decision names a model that nothing defines, and a rule names a domain that is not declared.
pub(crate) const BROKEN: &str = "\
version: v0.3
providers:
  models:
    - name: qwen3-32b
      backend_refs: [{endpoint: \"qwen:8000\"}]
routing:
  modelCards: [{name: qwen3-32b}]
  signals:
    domains: [{name: math, description: Mathematics}]
  decisions:
    - name: math
      priority: 10
      rules: {type: domain, name: maths}
      modelRefs: [{model: qwen3-32}]
";

/// The program with none of the caller's `TRACKSIDE_*` and `OTEL_*` variables, and with a cache of the tests' own.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trackside"));
    let ours = |name: &[u8]| name.starts_with(b"TRACKSIDE_") || name.starts_with(b"OTEL_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| ours(name.as_encoded_bytes())) {
        command.env_remove(name);
    }
    command.env("XDG_CACHE_HOME", cache());
    command
}

/// Where the program keeps what it may lose. Models of an earlier run are removed once.
pub(crate) fn cache() -> PathBuf {
    static CLEARED: Once = Once::new();
    let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cache");
    CLEARED.call_once(|| drop(std::fs::remove_dir_all(cache.join("trackside/models"))));
    cache
}

/// Runs it to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    command().args(arguments).output().unwrap()
}

/// Writes a file of this test run and returns its path.
pub(crate) fn file(name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    path
}

/// A server that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    log: Receiver<String>,
    /// The line of the log that tells what is served.
    pub(crate) starting: Value,
    pub(crate) extproc: SocketAddr,
    pub(crate) api: SocketAddr,
    pub(crate) metrics: SocketAddr,
}

impl Server {
    /// Starts it on free ports and waits until it listens.
    pub(crate) fn start(arguments: &[&str]) -> Server {
        Server::launch(command().args(["serve", "--api", "127.0.0.1:0"]).args(arguments))
    }

    /// The same with a command that says where the API listens.
    pub(crate) fn launch(command: &mut Command) -> Server {
        let free = ["--extproc", "127.0.0.1:0", "--metrics", "127.0.0.1:0"];
        let mut child = command.args(free).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, log) = channel();
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let starting = find(&log, "starting");
        let listening = find(&log, "listening");
        let address = |name: &str| listening[name].as_str().unwrap().parse().unwrap();
        Server { extproc: address("extproc"), api: address("api"), metrics: address("metrics"), starting, child, log }
    }

    /// Waits for an event of the log.
    pub(crate) fn event(&self, name: &str) -> Value {
        find(&self.log, name)
    }

    /// Ends it, and tells what else it logged.
    pub(crate) fn end(mut self) -> String {
        self.signal("-TERM");
        self.wait();
        self.log.iter().collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end of the process.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let patience = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < patience, "the server does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn find(log: &Receiver<String>, name: &str) -> Value {
    let patience = Instant::now() + PATIENCE;
    let mut seen = Vec::new();
    while let Ok(line) = log.recv_timeout(patience.saturating_duration_since(Instant::now())) {
        match serde_json::from_str::<Value>(&line) {
            Ok(event) if event["event"] == name => return event,
            _ => seen.push(line),
        }
    }
    panic!("no event {name} among\n{}", seen.join("\n"));
}

/// What an HTTP server answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// A header of the answer, by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    get_with(address, path, &format!("host: {address}\r\n"))
}

/// The same with these headers, each with its line end.
pub(crate) fn get_with(address: SocketAddr, path: &str, headers: &str) -> Answer {
    http(address, &format!("GET {path} HTTP/1.1\r\n{headers}connection: close\r\n\r\n"), b"")
}

pub(crate) fn post(address: SocketAddr, path: &str, body: impl AsRef<[u8]>) -> Answer {
    send(address, "POST", path, "x-request-id: r-1\r\n", body)
}

/// Any request, with these headers, each with its line end.
pub(crate) fn send(address: SocketAddr, method: &str, path: &str, headers: &str, body: impl AsRef<[u8]>) -> Answer {
    let body = body.as_ref();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n"
    );
    http(address, &head, body)
}

fn http(address: SocketAddr, head: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    // A server that refuses a body need not read it to its end.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP answer: {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}
