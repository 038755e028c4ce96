//! Clients of both HTTP versions.

use bytes::Bytes;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

/// What came back: the status, and whether the headers tell of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) decided: bool,
}

/// A request, sent piece by piece.
#[derive(Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) http2: bool,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) body: &'static [&'static str],
    pub(crate) trailers: bool,
    /// The kind of answer that the upstream shall give.
    pub(crate) want: &'static str,
}

impl Sent {
    /// Sends it, reads the whole answer, and returns what came back.
    pub(crate) async fn to(self, address: SocketAddr) -> Got {
        if self.http2 { self.http2(address).await } else { self.http1(address) }
    }

    fn want(self) -> &'static str {
        if self.trailers { "trailers" } else { self.want }
    }

    fn http1(self, address: SocketAddr) -> Got {
        let head = format!("{} {} HTTP/1.1\r\nhost: gateway.test\r\nconnection: close", self.method, self.path);
        let length = match self.body {
            [] => String::new(),
            [only] if !self.trailers => format!("content-length: {}\r\n", only.len()),
            _ => "transfer-encoding: chunked\r\n".to_owned(),
        };
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        write!(stream, "{head}\r\nx-selected-model: mine\r\nx-want: {}\r\n{length}\r\n", self.want()).unwrap();
        if let ([only], false) = (self.body, self.trailers) {
            stream.write_all(only.as_bytes()).unwrap();
        } else if !self.body.is_empty() {
            for piece in self.body {
                write!(stream, "{:x}\r\n{piece}\r\n", piece.len()).unwrap();
            }
            stream.write_all(if self.trailers { b"0\r\nx-checksum: 1\r\n\r\n" } else { b"0\r\n\r\n" }).unwrap();
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let status = answer["HTTP/1.1 ".len()..][..3].parse().unwrap();
        Got { status, decided: answer.contains("\r\nx-decided: chosen\r\n") }
    }

    async fn http2(self, address: SocketAddr) -> Got {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let (mut send, connection) = h2::client::handshake(stream).await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(connection);
        let request = http::Request::builder()
            .method(self.method)
            .uri(format!("http://gateway.test{}", self.path))
            .header("x-selected-model", "mine")
            .header("x-want", self.want())
            .body(())
            .unwrap();
        let (response, mut body) = send.send_request(request, self.body.is_empty()).unwrap();
        for (i, piece) in self.body.iter().enumerate() {
            let last = i + 1 == self.body.len() && !self.trailers;
            body.send_data(Bytes::from_static(piece.as_bytes()), last).unwrap();
        }
        if self.trailers {
            body.send_trailers([("x-checksum".parse().unwrap(), "1".parse().unwrap())].into_iter().collect()).unwrap();
        }
        let (head, mut body) = response.await.unwrap().into_parts();
        while let Some(piece) = body.data().await {
            body.flow_control().release_capacity(piece.unwrap().len()).unwrap();
        }
        let decided = head.headers.get("x-decided").is_some_and(|value| value == "chosen");
        Got { status: head.status.as_u16(), decided }
    }
}
