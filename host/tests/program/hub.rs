//! A hub of models on this machine: what it has, what it says about it, and how it fails.

use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// The commit that every revision stands for.
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub(crate) const WEIGHTS: &str = "model.safetensors";

/// How the hub behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conduct {
    Honest,
    /// Every connection ends after this many bytes of weights.
    CutsAfter(usize),
    /// The same, and connections that would go on get nothing.
    DiesAfter(usize),
    /// It says that the weights hash to something else.
    Lies,
    /// It answers 401.
    Refuses,
    /// It has nothing.
    Empty,
    /// It has the model's other files alone.
    NoWeights,
}

/// A request as the hub saw it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) range: Option<String>,
    pub(crate) token: Option<String>,
}

/// A server that has a tiny model under every name.
pub(crate) struct Hub {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// The folder of the tiny model.
pub(crate) fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("inference/tests/reference/bert")
}

impl Hub {
    pub(crate) fn start(conduct: Conduct) -> Hub {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let hub = Hub { address: listener.local_addr().unwrap(), asked: Arc::default() };
        let (address, asked) = (hub.address, Arc::clone(&hub.asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let asked = Arc::clone(&asked);
                // A client that has seen enough closes the connection.
                std::thread::spawn(move || answer(stream, address, conduct, &asked));
            }
        });
        hub
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(stream: TcpStream, address: SocketAddr, conduct: Conduct, log: &Mutex<Vec<Asked>>) -> std::io::Result<()> {
    let asked = read(&stream)?;
    log.lock().unwrap().push(asked.clone());
    let file = asked.path.rsplit('/').next().unwrap_or_default();
    let bytes = std::fs::read(tiny().join(file)).ok();
    let absent = conduct == Conduct::Empty || conduct == Conduct::NoWeights && file == WEIGHTS;
    let Some(bytes) = bytes.filter(|_| !absent) else { return write(&stream, "404 Not Found", &[], b"") };
    if conduct == Conduct::Refuses {
        return write(&stream, "401 Unauthorized", &[], b"");
    }
    let commit = format!("x-repo-commit: {COMMIT}");
    if file != WEIGHTS {
        return write(&stream, "200 OK", &[commit, "etag: \"5d41402abc4b2a76b9719d911017c592\"".to_owned()], &bytes);
    }
    if asked.path.contains("/resolve/") {
        let digest = if conduct == Conduct::Lies { "0".repeat(64) } else { hex(&bytes) };
        // Another name of the same address: to a client it is another host.
        let store = format!("location: http://localhost:{}/store/{WEIGHTS}", address.port());
        return write(&stream, "302 Found", &[commit, format!("x-linked-etag: \"{digest}\""), store], b"");
    }
    let from = asked.range.as_deref().and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let from: usize = from.unwrap_or(0);
    let (status, range) = match from {
        0 => ("200 OK", Vec::new()),
        _ => ("206 Partial Content", vec![format!("content-range: bytes {from}-{}/{}", bytes.len() - 1, bytes.len())]),
    };
    let rest = &bytes[from..];
    let most = match conduct {
        Conduct::CutsAfter(most) => most,
        Conduct::DiesAfter(most) if from == 0 => most,
        Conduct::DiesAfter(_) => 0,
        _ => rest.len(),
    };
    head(&stream, status, &range, rest.len())?;
    (&stream).write_all(&rest[..most.min(rest.len())])
}

fn read(stream: &TcpStream) -> std::io::Result<Asked> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let mut asked = Asked { path: first.split(' ').nth(1).unwrap_or_default().to_owned(), ..Asked::default() };
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "host" => asked.host = value.to_owned(),
            "range" => asked.range = Some(value.to_owned()),
            "authorization" => asked.token = Some(value.to_owned()),
            _ => {}
        }
    }
    Ok(asked)
}

fn write(stream: &TcpStream, status: &str, headers: &[String], body: &[u8]) -> std::io::Result<()> {
    head(stream, status, headers, body.len())?;
    let mut stream = stream;
    stream.write_all(body)
}

fn head(mut stream: &TcpStream, status: &str, headers: &[String], length: usize) -> std::io::Result<()> {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
