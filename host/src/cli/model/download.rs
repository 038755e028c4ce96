//! One file from a hub into a folder: checked before it gets its name, and taken up where it was cut off.

use super::hub::{Arriving, Hub};
use super::progress::Progress;
use crate::assemble::HubName;
use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// No file of a model is longer.
const MOST_BYTES: u64 = 16 << 30;
/// How often a connection may be cut without a byte in between.
const MOST_CUTS: usize = 3;

/// A version of a model on a hub.
#[derive(Debug)]
pub(super) struct Version<'a> {
    pub(super) hub: &'a Hub<'a>,
    pub(super) name: &'a HubName,
    pub(super) revision: &'a str,
}

/// Whether the hub has a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Here,
    Nowhere,
}

impl Version<'_> {
    /// Puts a file into a folder, unless it is there. What has come so far lies beside it under `FILE.part`.
    pub(super) fn download(&self, file: &str, folder: &Path) -> anyhow::Result<Found> {
        let target = folder.join(file);
        if target.is_file() {
            return Ok(Found::Here);
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        let path = folder.join(format!("{file}.part"));
        let broken = || format!("cannot write {}", path.display());
        let options = OpenOptions::new().read(true).append(true).create(true).clone();
        let mut part = options.open(&path).with_context(broken)?;
        // Two that write one file would make one that is broken.
        part.try_lock().with_context(|| format!("another process is pulling {}", self.name))?;
        let found = self.fill(file, &mut part).inspect_err(|error| {
            if error.is::<Mismatch>() {
                let _ = fs::remove_file(&path);
            }
        })?;
        match found {
            Found::Here => part.sync_all().and_then(|()| fs::rename(&path, &target)).with_context(broken)?,
            Found::Nowhere => fs::remove_file(&path).with_context(broken)?,
        }
        Ok(found)
    }

    /// Reads the file to its end, from where it was cut off, over as many connections as that takes.
    fn fill(&self, file: &str, part: &mut File) -> anyhow::Result<Found> {
        let mut cuts = 0;
        loop {
            let here = part.metadata()?.len();
            let Some(arriving) = self.hub.get(self.name, self.revision, file, here)? else {
                return Ok(Found::Nowhere);
            };
            // Without a checksum nobody could tell whether two halves belong together.
            let goes_on = arriving.from == here && (here == 0 || arriving.sha256.is_some());
            if !goes_on {
                part.set_len(0)?;
                if here == 0 {
                    bail!("the hub does not send {file} from its beginning");
                }
                if arriving.from > 0 {
                    continue;
                }
            }
            match receive(file, part, arriving)? {
                Received::All => return Ok(Found::Here),
                Received::Cut(error) => {
                    cuts = if part.metadata()?.len() > here { 0 } else { cuts + 1 };
                    if cuts == MOST_CUTS {
                        return Err(error).with_context(|| {
                            format!("{file} of {} was cut off; the same command goes on from there", self.name)
                        });
                    }
                }
            }
        }
    }
}

/// What came is not what the hub says it is.
#[derive(Debug, thiserror::Error)]
#[error("{file} came damaged: its sha256 is {found}, and the hub says {expected}")]
struct Mismatch {
    file: String,
    found: String,
    expected: String,
}

enum Received {
    All,
    Cut(io::Error),
}

/// What can be read at once; nothing at the end.
fn some<'a>(from: &mut impl Read, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let count = from.read(buffer)?;
    Ok(buffer.get(..count).unwrap_or_default())
}

/// Appends what comes, and checks the whole.
fn receive(file: &str, part: &mut File, arriving: Arriving) -> anyhow::Result<Received> {
    let Arriving { length, sha256, mut bytes, .. } = arriving;
    let mut hash = Sha256::new();
    part.seek(SeekFrom::Start(0))?;
    let mut here = 0;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let piece = some(part, &mut buffer)?;
        if piece.is_empty() {
            break;
        }
        hash.update(piece);
        here += piece.len() as u64;
    }
    let mut progress = Progress::start(file, here, length);
    loop {
        let piece = match some(&mut bytes, &mut buffer) {
            Ok([]) => break,
            Ok(piece) => piece,
            Err(error) => return Ok(Received::Cut(error)),
        };
        here += piece.len() as u64;
        if here > MOST_BYTES {
            bail!("{file} has more than {MOST_BYTES} bytes");
        }
        part.write_all(piece)?;
        hash.update(piece);
        progress.advance(piece.len() as u64);
    }
    if length.is_some_and(|length| here < length) {
        return Ok(Received::Cut(io::ErrorKind::UnexpectedEof.into()));
    }
    progress.finish();
    let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    match sha256 {
        Some(expected) if expected != found => Err(Mismatch { file: file.to_owned(), found, expected }.into()),
        _ => Ok(Received::All),
    }
}
