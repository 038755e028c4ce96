//! One plain HTTP request, for the pages that processes show about themselves.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// Gets a page: its status and body. Blocks, so that it also serves in a `Drop`.
///
/// # Errors
/// When nobody answers, or with something else than HTTP.
pub fn get(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    ask(address, "GET", path, "")
}

/// Sends a body, and reads the status and the body of the answer.
///
/// # Errors
/// As [`get`].
pub fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let length = body.len();
    // Envoy refuses HTTP/1.0, so the answer may come in chunks.
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    read(&answer).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))
}

fn read(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let chunked = head.to_ascii_lowercase().contains("\r\ntransfer-encoding: chunked");
    Some((status, if chunked { join(body)? } else { body.to_owned() }))
}

fn join(mut chunks: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (size, rest) = chunks.split_once("\r\n")?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.push_str(rest.get(..size)?);
        chunks = rest.get(size..)?.strip_prefix("\r\n")?;
    }
}

/// The sum of all series of one metric whose labels contain every one of `labels`, each written `name="value"`.
pub fn metric(page: &str, name: &str, labels: &[&str]) -> f64 {
    page.lines()
        .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])))
        .filter(|line| labels.iter().all(|label| line.contains(label)))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::{metric, read};

    #[test]
    fn an_answer_is_read_whole_or_in_chunks() {
        let whole = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab";
        assert_eq!(read(whole), Some((200, "ab".to_owned())));
        let chunked =
            "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n11\r\n\r\n34567890abcdefg\r\n0\r\n\r\n";
        assert_eq!(read(chunked), Some((503, "ab\r\n34567890abcdefg".to_owned())));
        assert_eq!(read("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nab"), None);
    }

    #[test]
    fn a_metric_is_summed_over_the_series_that_carry_the_labels() {
        let page = "# TYPE calls_total counter\ncalls_total{role=\"a\",end=\"ok\"} 3\ncalls_total{role=\"b\",end=\"ok\"} 4\n\
                    calls_total{role=\"a\",end=\"trap\"} 1\ncalls_total_created 9\nidle 2\n";
        assert_eq!(metric(page, "calls_total", &[]), 8.0);
        assert_eq!(metric(page, "calls_total", &["role=\"a\"", "end=\"ok\""]), 3.0);
        assert_eq!(metric(page, "idle", &[]), 2.0);
        assert_eq!(metric(page, "absent", &[]), 0.0);
    }
}
