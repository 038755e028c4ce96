//! Stands between Envoy and the service, passes every byte on, and picks the messages out of the HTTP/2 frames.

use crate::recording::Recorded;
use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

pub(crate) struct Tap {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Recorded>>>,
}

impl Tap {
    pub(crate) fn start(service: SocketAddr) -> Tap {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Recorded>>> = Arc::default();
        let all = Arc::clone(&seen);
        thread::spawn(move || {
            for envoy in listener.incoming() {
                let (envoy, service) = (envoy.unwrap(), TcpStream::connect(service).unwrap());
                for (from, to, mark) in [(&envoy, &service, b'>'), (&service, &envoy, b'<')] {
                    let (from, to, seen) = (from.try_clone().unwrap(), to.try_clone().unwrap(), Arc::clone(&all));
                    thread::spawn(move || pass(from, to, mark, &seen));
                }
            }
        });
        Tap { address, seen }
    }

    /// The messages since the last call.
    pub(crate) fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, mark: u8, seen: &Mutex<Vec<Recorded>>) {
    let preface = if mark == b'>' { b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len() } else { 0 };
    let mut frames = Frames { skip: preface, ..Frames::default() };
    let mut buffer = [0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        // Noted before it is passed on, so that an answer never stands before its question.
        frames.read(&buffer[..length], |message| seen.lock().unwrap().push((mark, message)));
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    drop((from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both)));
}

/// One direction of a connection: bytes not yet understood, and the open messages of its streams.
#[derive(Default)]
struct Frames {
    skip: usize,
    bytes: Vec<u8>,
    streams: HashMap<u32, Vec<u8>>,
}

impl Frames {
    fn read(&mut self, bytes: &[u8], mut found: impl FnMut(Vec<u8>)) {
        self.bytes.extend_from_slice(bytes);
        let skipped = self.skip.min(self.bytes.len());
        self.bytes.drain(..skipped);
        self.skip -= skipped;
        // Length (3), kind, flags, stream (4), payload.
        while self.bytes.len() >= 9 {
            let length = u32::from_be_bytes([0, self.bytes[0], self.bytes[1], self.bytes[2]]) as usize;
            if self.bytes.len() < 9 + length {
                break;
            }
            let frame: Vec<u8> = self.bytes.drain(..9 + length).collect();
            let (kind, flags) = (frame[3], frame[4]);
            if kind == 0 {
                assert_eq!(flags & 8, 0, "padded frames are not understood");
                let stream = u32::from_be_bytes([frame[5], frame[6], frame[7], frame[8]]);
                let open = self.streams.entry(stream).or_default();
                open.extend_from_slice(&frame[9..]);
                // Compressed or not (1), length (4), message.
                while open.len() >= 5 {
                    let length = u32::from_be_bytes([open[1], open[2], open[3], open[4]]) as usize;
                    if open.len() < 5 + length {
                        break;
                    }
                    found(open.drain(..5 + length).skip(5).collect());
                }
            }
        }
    }
}
