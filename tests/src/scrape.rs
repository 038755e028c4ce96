//! One plain HTTP GET, for the pages that processes show about themselves.

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
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    match (status, answer.split_once("\r\n\r\n")) {
        (Some(status), Some((_, body))) => Ok((status, body.to_owned())),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP")),
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
    use super::metric;

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
