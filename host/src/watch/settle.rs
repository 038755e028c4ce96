//! When changes may be acted on: never while a file is half-written, and never late.
//!
//! Every path has its own state, and what happened to it last decides: a file that was renamed into place is whole at
//! once, one that was closed after writing probably is, one that is being written is not. Nothing here reads a clock or a
//! disk: instants and happenings come in, the instant at which to act comes out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Quiet behind a rename: it comes whole, but rarely alone.
const AFTER_MOVE: Duration = Duration::from_millis(10);
/// Quiet behind a close after writing. The same file may be opened again for its next piece.
const AFTER_CLOSE: Duration = Duration::from_millis(60);
/// A file that is closed again and again is written in pieces; each close makes the quiet longer, up to this many times.
const PATIENT_CLOSES: u32 = 5;
/// Quiet behind the end of a file: whoever removes one often puts the next in its place.
const AFTER_END: Duration = Duration::from_millis(100);
/// Quiet behind a difference that was seen, of which nobody tells whether it is the last.
const AFTER_SIGHT: Duration = Duration::from_millis(100);
/// A file that is being written and whose writer is silent for this long will not be closed any more.
const SILENCE: Duration = Duration::from_secs(10);
/// Renames that never pause are acted on this long after the first.
const FLOOD: Duration = Duration::from_millis(250);
/// What is finished waits no longer than this for other files that are still being written.
const PATIENCE: Duration = Duration::from_secs(10);

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// It is new, and nothing is in it yet.
    Created,
    /// Bytes were written.
    Written,
    /// It was closed by somebody who could write.
    Closed,
    /// Something whole has taken this name.
    Moved,
    /// Nothing has this name any more.
    Ended,
    /// Its rights or times are others.
    Touched,
    /// It differs from what was seen before; how that came is not known.
    Differs,
}

/// What is known about one path since it was last acted on.
#[derive(Debug)]
struct Change {
    last: Happening,
    at: Instant,
    closes: u32,
    /// Whether nothing had this name before.
    new: bool,
    /// When it was first in a state that could have been acted on.
    whole_since: Option<Instant>,
}

/// Changes that were not acted on yet.
#[derive(Debug, Default)]
pub(super) struct Settling(BTreeMap<PathBuf, Change>);

impl Settling {
    /// Takes note.
    pub(super) fn tell(&mut self, path: &Path, happening: Happening, at: Instant) {
        let Some(change) = self.0.get_mut(path) else {
            self.0.insert(path.to_owned(), Change::first(happening, at));
            return;
        };
        match happening {
            // Rights and times change while a file is being written, too.
            Happening::Touched => {}
            // It came and went: work in hand, with a name that does not say so.
            Happening::Ended if change.new => drop(self.0.remove(path)),
            _ => change.next(happening, at),
        }
    }

    /// Whether a change of this path waits already.
    pub(super) fn knows(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    /// When to act if nothing else happens; nothing when there is nothing to act on.
    pub(super) fn due(&self) -> Option<Instant> {
        let written = self.0.values().filter(|change| change.is_written()).map(Change::settled).max();
        let renamed = self.0.values().filter(|change| !change.is_written());
        let quiet = renamed.clone().map(Change::settled).max();
        let flooded = renamed.filter_map(|change| change.whole_since).min().map(|first| first + FLOOD);
        let settled = written.max(quiet.map(|quiet| flooded.map_or(quiet, |flooded| quiet.min(flooded))))?;
        let patience = self.0.values().filter_map(|change| change.whole_since).min().map(|first| first + PATIENCE);
        Some(patience.map_or(settled, |end| settled.min(end)))
    }

    /// What to act on; from here on only what happens anew is waited for. Files that are still being written stay.
    pub(super) fn take(&mut self, now: Instant) -> Vec<PathBuf> {
        let unfinished = self.0.extract_if(.., |_, change| change.is_open() && now < change.settled());
        let unfinished: BTreeMap<_, _> =
            unfinished.map(|(path, change)| (path, Change { whole_since: None, ..change })).collect();
        std::mem::replace(&mut self.0, unfinished).into_keys().collect()
    }
}

impl Change {
    fn first(happening: Happening, at: Instant) -> Self {
        let new = happening == Happening::Created;
        let mut change = Self { last: happening, at, closes: 0, new, whole_since: None };
        change.next(happening, at);
        change
    }

    fn next(&mut self, happening: Happening, at: Instant) {
        (self.last, self.at) = (happening, at);
        self.closes += u32::from(happening == Happening::Closed);
        if !self.is_open() {
            self.whole_since.get_or_insert(at);
        }
    }

    /// Whether it is half-written.
    fn is_open(&self) -> bool {
        matches!(self.last, Happening::Created | Happening::Written)
    }

    /// Whether somebody writes into the file, and may write more.
    fn is_written(&self) -> bool {
        self.is_open() || matches!(self.last, Happening::Closed | Happening::Differs)
    }

    /// When it counts as whole if nothing else happens to it.
    fn settled(&self) -> Instant {
        let quiet = match self.last {
            Happening::Created | Happening::Written => SILENCE,
            Happening::Closed => AFTER_CLOSE * self.closes.clamp(1, PATIENT_CLOSES),
            Happening::Moved | Happening::Touched => AFTER_MOVE,
            Happening::Ended => AFTER_END,
            Happening::Differs => AFTER_SIGHT,
        };
        self.at + quiet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens to files, in milliseconds, and when it is acted on: all of it is played, with nothing between.
    fn acts(happenings: &[(u64, &str, Happening)], until: u64) -> Vec<u64> {
        let start = Instant::now();
        let mut settling = Settling::default();
        let mut acts = Vec::new();
        for elapsed in 0..=until {
            let instant = start + Duration::from_millis(elapsed);
            for (_, path, happening) in happenings.iter().filter(|(at, ..)| *at == elapsed) {
                settling.tell(Path::new(path), *happening, instant);
            }
            if settling.due().is_some_and(|due| due <= instant) {
                settling.take(instant);
                acts.push(elapsed);
            }
        }
        acts
    }

    use Happening::{Closed, Created, Differs, Ended, Moved, Touched, Written};

    #[test]
    fn each_way_to_finish_has_its_own_quiet() {
        assert_eq!(acts(&[(0, "a", Moved)], 1000), [10]);
        assert_eq!(acts(&[(0, "a", Touched)], 1000), [10]);
        assert_eq!(acts(&[(0, "a", Written), (5, "a", Closed)], 1000), [65]);
        assert_eq!(acts(&[(0, "a", Ended)], 1000), [100]);
        assert_eq!(acts(&[(0, "a", Differs)], 1000), [100]);
        assert_eq!(acts(&[(0, "a", Ended), (20, "a", Moved)], 1000), [30]);
        assert_eq!(acts(&[], 1000), [0; 0]);
    }

    #[test]
    fn a_file_that_is_being_written_is_left_alone_until_it_is_closed() {
        let mut slow: Vec<_> = (0..100).map(|piece| (piece * 20, "a", Written)).collect();
        slow.push((2000, "a", Touched));
        slow.push((2300, "a", Closed));
        assert_eq!(acts(&slow, 5000), [2360]);
    }

    #[test]
    fn a_file_that_is_opened_again_for_each_piece_is_acted_on_once() {
        for gap in [5, 20, 50] {
            let pieces = (0..100).flat_map(|piece| [(piece * gap, "a", Written), (piece * gap + 1, "a", Closed)]);
            assert_eq!(acts(&pieces.collect::<Vec<_>>(), 20_000), [99 * gap + 1 + 300], "gap {gap}");
        }
    }

    #[test]
    fn a_name_that_came_and_went_holds_nothing_up() {
        let renamed = [(0, "a.new", Created), (1, "a.new", Written), (2, "a.new", Closed), (3, "a.new", Ended)];
        assert_eq!(acts(&renamed, 20_000), [0; 0]);
        assert_eq!(acts(&[&renamed[..], &[(3, "a", Moved)]].concat(), 20_000), [13]);
    }

    #[test]
    fn a_writer_that_never_closes_is_not_waited_for_for_ever() {
        assert_eq!(acts(&[(0, "a", Written), (500, "a", Written)], 20_000), [10_500]);
    }

    #[test]
    fn renames_without_a_pause_are_acted_on_four_times_a_second() {
        let flood: Vec<_> = (0..200).map(|turn| (turn * 5, ["a", "b", "c"][turn as usize % 3], Moved)).collect();
        assert_eq!(acts(&flood, 2000), [250, 505, 760, 1005]);
    }

    #[test]
    fn a_rename_waits_for_a_file_that_is_half_written_but_not_for_ever() {
        let change = [(0, "a", Moved), (5, "b", Written), (400, "b", Closed)];
        assert_eq!(acts(&change, 2000), [460]);
        let download =
            (0..300).map(|piece| (piece * 100, "b", Written)).chain([(30_000, "b", Closed), (50, "a", Moved)]);
        assert_eq!(acts(&download.collect::<Vec<_>>(), 40_000), [10_050, 30_060]);
    }

    #[test]
    fn what_is_acted_on_is_named_and_what_is_half_written_stays() {
        let now = Instant::now();
        let mut settling = Settling::default();
        settling.tell(Path::new("b"), Written, now);
        settling.tell(Path::new("a"), Moved, now);
        assert_eq!(settling.take(now), [Path::new("a")]);
        assert!(settling.knows(Path::new("b")) && !settling.knows(Path::new("a")));
        assert_eq!(settling.due(), Some(now + SILENCE));
        assert_eq!(settling.take(now + SILENCE), [Path::new("b")]);
        assert_eq!(settling.due(), None);
    }
}
