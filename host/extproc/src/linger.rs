//! Connections that end with a word of farewell.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, BufReader, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};
use tonic::transport::server::Connected;

/// How long the other side may take to close a connection that is closed here.
const FAREWELL: Duration = Duration::from_millis(500);

/// Bytes that are read at once, where the HTTP/2 layer asks for 8 KiB: a prompt of that size with its frames is a little more.
const READ: usize = 32 << 10;

/// A connection that, once it is shut down, reads until the other side has closed too. A gateway answers the end of a
/// stream with a message of its own; if that met a closed socket, the reset that comes back would take along whatever the
/// gateway has not read yet, which may be the good end of other streams.
pub(crate) struct Lingering<C> {
    connection: BufReader<C>,
    /// When to wait no longer, once this side is shut down.
    until: Option<Pin<Box<Sleep>>>,
}

impl<C: AsyncRead> Lingering<C> {
    pub(crate) fn new(connection: C) -> Lingering<C> {
        Lingering { connection: BufReader::with_capacity(READ, connection), until: None }
    }
}

impl<C: AsyncRead + Unpin> Lingering<C> {
    /// Reads and forgets, until there is nothing more or the time is over.
    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0; 4096];
        while let Some(until) = &mut self.until {
            if until.as_mut().poll(cx).is_ready() {
                break;
            }
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut self.connection).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(())
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for Lingering<C> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_read(cx, buffer)
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<C> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.until.is_none() {
            ready!(Pin::new(&mut self.connection).poll_shutdown(cx))?;
            self.until = Some(Box::pin(sleep_until(Instant::now() + FAREWELL)));
        }
        self.drain(cx).map(Ok)
    }
}

impl<C: AsyncRead + Connected> Connected for Lingering<C> {
    type ConnectInfo = C::ConnectInfo;

    fn connect_info(&self) -> C::ConnectInfo {
        self.connection.get_ref().connect_info()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    #[tokio::test]
    async fn shutting_down_waits_for_the_other_side() {
        let (ours, mut theirs) = duplex(64);
        let mut ours = Lingering::new(ours);
        let other = async {
            assert_eq!(theirs.read(&mut [0; 8]).await.unwrap(), 0);
            theirs.write_all(b"one more word").await.unwrap();
            drop(theirs);
        };
        let started = std::time::Instant::now();
        let (shut, ()) = tokio::join!(ours.shutdown(), other);
        shut.unwrap();
        assert!(started.elapsed() < FAREWELL);
    }

    #[tokio::test]
    async fn nobody_is_waited_for_long() {
        let (ours, theirs) = duplex(64);
        let started = std::time::Instant::now();
        Lingering::new(ours).shutdown().await.unwrap();
        assert!(started.elapsed() >= FAREWELL);
        drop(theirs);
    }
}
