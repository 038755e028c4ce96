//! Real files, really changed, by every way that people and programs have.

use super::arguments::interval;
use super::*;
use std::fs::{self, File};
use std::future::Future;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

/// Longer than any quiet, and shorter than the time to the next sweep: what is noticed within it was told by an event.
const SOON: Duration = Duration::from_secs(3);

const POLLING: WatchBy = WatchBy::Poll(Duration::from_millis(50));
const WAYS: [WatchBy; 2] = [WatchBy::Events, POLLING];

/// A folder, and a watch over paths in it.
struct Place {
    _folder: TempDir,
    root: PathBuf,
    watch: Watch,
    watched: Watched,
}

impl Place {
    fn new(by: WatchBy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        Self { _folder: folder, root, watch: Watch::start(by), watched: Watched::default() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Covers paths, and takes the first look that follows.
    async fn cover(&mut self, files: &[&str], directories: &[&str]) {
        let paths = |names: &[&str]| names.iter().map(|name| self.at(name)).collect();
        self.watched = Watched { files: paths(files), directories: paths(directories) };
        self.watch.cover(&self.watched);
        timeout(SOON, self.watch.changed()).await.expect("what is new is looked at once");
    }

    /// What a reader sees of a file who reads it whenever something has changed, while something is done to it and until
    /// nothing changes any more. States that equal the one before are left out.
    async fn states(&mut self, name: &str, doing: impl Future<Output = ()>) -> Vec<String> {
        let path = self.at(name);
        let read = || fs::read_to_string(&path).unwrap_or_else(|_| "absent".to_owned());
        let (mut states, mut done) = (vec![read()], false);
        tokio::pin!(doing);
        loop {
            let quiet = sleep(Duration::from_secs(1));
            tokio::select! {
                biased;
                () = &mut doing, if !done => done = true,
                _ = self.watch.changed() => {
                    let now = read();
                    if states.last() != Some(&now) {
                        states.push(now);
                    }
                    self.watch.cover(&self.watched);
                }
                () = quiet, if done => return states.split_off(1),
            }
        }
    }

    /// Waits for a change that an event tells.
    async fn change(&mut self) -> Vec<PathBuf> {
        timeout(SOON, self.watch.changed()).await.expect("the change is noticed")
    }
}

fn exchange(link: &Path, target: &str) {
    let new = link.with_file_name("..new-link");
    symlink(target, &new).unwrap();
    fs::rename(new, link).unwrap();
}

#[tokio::test]
async fn a_mounted_config_map_that_is_swapped_is_read_once() {
    for by in WAYS {
        let mut place = Place::new(by);
        place.write("..2024_1/router.yaml", "one");
        symlink("..2024_1", place.at("..data")).unwrap();
        symlink("..data/router.yaml", place.at("router.yaml")).unwrap();
        place.cover(&["router.yaml"], &[]).await;
        let root = place.root.clone();
        let swap = async move {
            fs::create_dir(root.join("..2024_2")).unwrap();
            fs::write(root.join("..2024_2/router.yaml"), "two").unwrap();
            exchange(&root.join("..data"), "..2024_2");
            fs::remove_dir_all(root.join("..2024_1")).unwrap();
        };
        assert_eq!(place.states("router.yaml", swap).await, ["two"], "{by:?}");
        // The watch has followed.
        let behind = place.at("..2024_2/router.yaml");
        let states = place.states("router.yaml", async { fs::write(behind, "three").unwrap() }).await;
        assert_eq!(states, ["three"], "{by:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_written_aside_and_renamed_is_read_once() {
    for by in WAYS {
        let mut place = Place::new(by);
        let path = place.write("router.yaml", "one");
        place.cover(&["router.yaml"], &[]).await;
        let aside = place.write("router.yaml.new", "two");
        let states = place.states("router.yaml", async { fs::rename(aside, path).unwrap() }).await;
        assert_eq!(states, ["two"], "{by:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_written_in_place_piece_by_piece_is_read_once() {
    for by in WAYS {
        let mut place = Place::new(by);
        let path = place.write("router.yaml", "one");
        place.cover(&["router.yaml"], &[]).await;
        let whole: String = (0..100).map(|piece| format!("{piece} ")).collect();
        let one_handle = async {
            let mut file = File::create(&path).unwrap();
            for piece in 0..100 {
                write!(file, "{piece} ").unwrap();
                sleep(Duration::from_millis(20)).await;
            }
        };
        assert_eq!(place.states("router.yaml", one_handle).await, [whole.as_str()], "{by:?}");
        place.write("router.yaml", "");
        place.change().await;
        let reopened = async {
            for piece in 0..100 {
                let mut file = File::options().append(true).open(&path).unwrap();
                write!(file, "{piece} ").unwrap();
                drop(file);
                sleep(Duration::from_millis(20)).await;
            }
        };
        assert_eq!(place.states("router.yaml", reopened).await, [whole.as_str()], "{by:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_touched_or_whose_rights_change_is_looked_at_and_is_the_same() {
    for by in WAYS {
        let mut place = Place::new(by);
        let path = place.write("router.yaml", "one");
        place.cover(&["router.yaml"], &[]).await;
        let touched = File::options().append(true).open(&path).unwrap();
        touched.set_modified(std::time::SystemTime::now() + Duration::from_secs(9)).unwrap();
        drop(touched);
        assert_eq!(place.change().await, std::slice::from_ref(&path), "{by:?}");
        let mut rights = fs::metadata(&path).unwrap().permissions();
        rights.set_readonly(true);
        let change = async { fs::set_permissions(&path, rights).unwrap() };
        assert_eq!(place.states("router.yaml", change).await, [""; 0], "{by:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_deleted_and_made_again_is_found_again() {
    for by in WAYS {
        let mut place = Place::new(by);
        let path = place.write("router.yaml", "one");
        place.cover(&["router.yaml"], &[]).await;
        let again = async {
            fs::remove_file(&path).unwrap();
            fs::write(&path, "two").unwrap();
        };
        assert_eq!(place.states("router.yaml", again).await, ["two"], "{by:?}");
        assert_eq!(place.states("router.yaml", async { fs::remove_file(&path).unwrap() }).await, ["absent"], "{by:?}");
        assert_eq!(
            place.states("router.yaml", async { fs::write(&path, "three").unwrap() }).await,
            ["three"],
            "{by:?}"
        );
    }
}

#[tokio::test]
async fn folders_that_vanish_and_come_back_are_watched_again() {
    for by in WAYS {
        let mut place = Place::new(by);
        let path = place.write("a/b/router.yaml", "one");
        place.cover(&["a/b/router.yaml"], &[]).await;
        let (top, aside) = (place.at("a"), place.at("aside"));
        let gone = async { fs::remove_dir_all(&top).unwrap() };
        assert_eq!(place.states("a/b/router.yaml", gone).await, ["absent"], "{by:?}");
        let back = async {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "two").unwrap();
        };
        assert_eq!(place.states("a/b/router.yaml", back).await, ["two"], "{by:?}");
        place.write("other/router.yaml", "three");
        let other = place.at("other");
        let exchange = async {
            fs::rename(path.parent().unwrap(), &aside).unwrap();
            fs::rename(&other, path.parent().unwrap()).unwrap();
        };
        assert_eq!(place.states("a/b/router.yaml", exchange).await, ["three"], "{by:?}");
        let write = async { fs::write(&path, "four").unwrap() };
        assert_eq!(place.states("a/b/router.yaml", write).await, ["four"], "{by:?}");
    }
}

#[tokio::test]
async fn a_flood_of_changes_is_read_now_and_then_and_its_last_state_at_last() {
    let mut place = Place::new(WatchBy::Events);
    let path = place.write("components/a.wasm", "begin");
    place.cover(&[], &["components"]).await;
    let aside = place.at("aside");
    let flood = async {
        for turn in 0..2000 {
            fs::write(&aside, format!("{turn}")).unwrap();
            fs::rename(&aside, &path).unwrap();
            fs::write(path.with_file_name(format!("{turn}.wasm")), "x").unwrap();
            if turn % 50 == 0 {
                sleep(Duration::from_millis(10)).await;
            }
        }
    };
    let states = place.states("components/a.wasm", flood).await;
    assert_eq!(states.last().map(String::as_str), Some("1999"));
    assert!(states.len() < 20, "{}", states.len());
}

#[tokio::test]
async fn every_entry_of_a_folder_counts_but_not_work_in_hand() {
    let mut place = Place::new(WatchBy::Events);
    place.write("components/a.wasm", "one");
    place.write("models/one/config.json", "{}");
    place.write("models/one/1_Pooling/config.json", "{}");
    place.write("models/two/config.json", "{}");
    symlink("one", place.at("models/now")).unwrap();
    place.cover(&[], &["components", "models/now"]).await;
    place.write("components/.b.wasm.partial", "half");
    place.write("components/b.wasm", "two");
    assert_eq!(place.change().await, [place.at("components/b.wasm")]);
    let pooling = place.write("models/one/1_Pooling/config.json", "{\"a\": 1}");
    assert_eq!(place.change().await, [pooling]);
    exchange(&place.at("models/now"), "two");
    assert!(place.change().await.contains(&place.at("models/now")));
    let config = place.write("models/two/config.json", "{\"a\": 2}");
    assert!(place.change().await.contains(&config));
}

#[tokio::test]
async fn a_file_that_is_awaited_is_noticed_when_it_comes() {
    for by in WAYS {
        let mut place = Place::new(by);
        place.cover(&["not/yet/there.wasm"], &["nor/this"]).await;
        place.write("not/yet/there.wasm", "now");
        place.change().await;
        place.write("nor/this/a.wasm", "now");
        place.change().await;
    }
}

#[tokio::test]
async fn what_a_file_becomes_before_it_is_covered_is_not_lost() {
    let mut place = Place::new(WatchBy::Events);
    place.write("a", "one");
    place.cover(&["a"], &[]).await;
    let files = BTreeSet::from([place.at("a"), place.write("b", "two")]);
    place.watch.cover(&Watched { files, ..Watched::default() });
    assert_eq!(place.change().await, [place.at("b")]);
}

#[tokio::test]
async fn an_overflow_has_everything_looked_at() {
    let mut place = Place::new(WatchBy::Events);
    let path = place.write("router.yaml", "one");
    place.cover(&["router.yaml"], &[]).await;
    let lost = notify::Event::new(notify::EventKind::Other).set_flag(notify::event::Flag::Rescan);
    place.watch.shared.hear(Ok(lost));
    assert_eq!(place.change().await, [path]);
}

#[tokio::test]
async fn waiting_may_be_broken_off_at_any_time() {
    let mut place = Place::new(WatchBy::Events);
    let path = place.write("router.yaml", "one");
    place.cover(&["router.yaml"], &[]).await;
    fs::write(&path, "two").unwrap();
    let begun = Instant::now();
    loop {
        if timeout(Duration::from_micros(300), place.watch.changed()).await.is_ok() {
            break;
        }
        assert!(begun.elapsed() < SOON, "the change is lost");
    }
}

#[tokio::test]
async fn what_no_event_tells_is_found_by_looking() {
    let mut place = Place::new(WatchBy::Events);
    let path = place.write("a/b/c/router.yaml", "one");
    place.write("other/b/c/router.yaml", "two");
    place.cover(&["a/b/c/router.yaml"], &[]).await;
    // Far above the folders that are watched.
    fs::rename(place.at("a"), place.at("aside")).unwrap();
    fs::rename(place.at("other"), place.at("a")).unwrap();
    let changed = timeout(SWEEP + SOON, place.watch.changed()).await.expect("it is found");
    assert_eq!(changed, [path]);
}

#[test]
fn intervals_are_bounded() {
    assert_eq!(interval("250ms"), Ok(Duration::from_millis(250)));
    assert!(["", "0s", "1ms", "2h", "5"].iter().all(|text| interval(text).is_err()));
}
