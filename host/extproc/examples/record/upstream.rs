//! A model server that says how a request reached it, and answers in the way it is asked to.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// How a request got here: the model that its header names, and its body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    pub(crate) model: &'static str,
    pub(crate) body: &'static str,
}

impl From<Reached> for (String, String) {
    fn from(reached: Reached) -> (String, String) {
        (reached.model.to_owned(), reached.body.to_owned())
    }
}

type Last = Arc<Mutex<Option<(String, String)>>>;

pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    last: Last,
}

impl Upstream {
    pub(crate) fn start() -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let last = Last::default();
        let all = Arc::clone(&last);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let last = Arc::clone(&all);
                thread::spawn(move || answer(stream.unwrap(), &last));
            }
        });
        Upstream { address, last }
    }

    /// Model and body of the request since the last call, if there was one.
    pub(crate) fn take(&self) -> Option<(String, String)> {
        self.last.lock().unwrap().take()
    }
}

fn answer(mut stream: TcpStream, last: &Mutex<Option<(String, String)>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let (mut length, mut want, mut model) = (Some(0), String::new(), String::new());
    loop {
        let header = line();

        match header.split_once(": ") {
            Some(("content-length", value)) => length = Some(value.parse().unwrap()),
            Some(("transfer-encoding", "chunked")) => length = None,
            Some(("x-want", value)) => want = value.to_owned(),
            Some(("x-selected-model", value)) => model = value.to_owned(),
            Some(_) => {}
            None if header.is_empty() => break,
            None => {}
        }
    }
    let mut body = Vec::new();
    match length {
        Some(length) => {
            body.resize(length, 0);
            reader.read_exact(&mut body).unwrap();
        }
        None => loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let size = usize::from_str_radix(line.trim_end(), 16).unwrap();
            if size == 0 {
                break;
            }
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).unwrap();
            body.extend(&chunk[..size]);
        },
    }
    *last.lock().unwrap() = Some((model, String::from_utf8(body).unwrap()));
    let answer = match &*want {
        "events" => {
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
             9\r\ndata: 1\n\n\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
        }
        "trailers" => {
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
             2\r\n{}\r\n0\r\nx-checksum: 2\r\n\r\n"
        }
        "error" => "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        _ => "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
    };
    stream.write_all(answer.as_bytes()).unwrap();
}
