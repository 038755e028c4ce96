//! The ways in which a file changes, and how many generations each of them makes.

use std::fs;
use trackside_tests::{
    site::{Counts, Site, config},
    stamp::{self, Deed},
};

const WATCHED: [&[&str]; 2] = [&[], &["--watch", "poll", "--watch-interval", "100ms"]];

/// How many attempts there were since, when those that found nothing new are left out.
fn since(site: &Site, before: Counts) -> [u64; 2] {
    let now = site.counts();
    [now.published - before.published, now.refused - before.refused]
}

/// Waits until a change has been dealt with, has it be followed by another one, and tells how many generations the first
/// made and how many attempts were refused: were there a straggler, it would come before the second.
async fn made(site: &Site, before: Counts, marker: &str, dealt_with: impl Fn(Counts) -> bool) -> [u64; 2] {
    let between = site.until(|now| dealt_with(now) || now.refused > before.refused).await;
    site.rename_into("router.yaml", config(marker).as_bytes());
    site.until(|now| now.published > between.published).await;
    let [published, refused] = since(site, before);
    [published - 1, refused]
}

/// Lays the configuration out as a mounted ConfigMap: a folder for each version, a link to the present one, and a link to
/// the file through it.
fn mount(site: &Site) {
    lay_out(site, "..1", "mounted");
    site.turn("..data", "..1".as_ref());
    site.turn("router.yaml", "..data/router.yaml".as_ref());
}

fn lay_out(site: &Site, version: &str, marker: &str) {
    let new = site.at(version);
    fs::create_dir(&new).expect("a folder can be made");
    // Relative paths would count from the version's folder.
    let components = site.at("components").display().to_string();
    fs::write(new.join("router.yaml"), config(marker).replace("./components", &components)).expect("it can be written");
}

/// What the kubelet does when a ConfigMap changes.
fn swap(site: &Site) {
    lay_out(site, "..2", "swapped");
    site.turn("..data", "..2".as_ref());
    fs::remove_dir_all(site.at("..1")).expect("it can be removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swapped_config_map_makes_one_generation() {
    for flags in WATCHED {
        let site = Site::start(flags).await;
        let before = site.counts();
        mount(&site);
        assert_eq!(made(&site, before, "between", |now| now.published > before.published).await, [1, 0], "{flags:?}");
        // The last file was put in the place of the link.
        let before = site.counts();
        site.turn("router.yaml", "..data/router.yaml".as_ref());
        site.until(|now| now.published > before.published).await;
        let before = site.counts();
        swap(&site);
        assert_eq!(made(&site, before, "end", |now| now.published > before.published).await, [1, 0], "{flags:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_renamed_into_its_place_makes_one_generation() {
    for flags in WATCHED {
        let site = Site::start(flags).await;
        let before = site.counts();
        site.rename_into("router.yaml", config("c1").as_bytes());
        assert_eq!(made(&site, before, "c2", |now| now.published > before.published).await, [1, 0], "{flags:?}");
        let before = site.counts();
        site.rename_into("components/stamp.wasm", &stamp::wasm(Deed::Stamps, 1));
        assert_eq!(made(&site, before, "c3", |now| now.published > before.published).await, [1, 0], "{flags:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_written_in_a_hundred_slow_pieces_makes_one_generation() {
    for flags in WATCHED {
        let site = Site::start(flags).await;
        let before = site.counts();
        site.write_slowly("router.yaml", config("c1").as_bytes()).await;
        assert_eq!(made(&site, before, "c2", |now| now.published > before.published).await, [1, 0], "{flags:?}");
        let before = site.counts();
        site.write_slowly("components/stamp.wasm", &stamp::wasm(Deed::Stamps, 1)).await;
        assert_eq!(made(&site, before, "c3", |now| now.published > before.published).await, [1, 0], "{flags:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_touched_makes_none() {
    for flags in WATCHED {
        let site = Site::start(flags).await;
        for name in ["router.yaml", "components/stamp.wasm"] {
            let before = site.counts();
            let file = fs::File::options().append(true).open(site.at(name)).expect("it can be opened");
            file.set_modified(std::time::SystemTime::now()).expect("it has a time");
            drop(file);
            assert_eq!(
                made(&site, before, &name[..3], |now| now.unchanged > before.unchanged).await,
                [0, 0],
                "{name} {flags:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_deleted_is_missed_and_taken_up_again() {
    let site = Site::start(&[]).await;
    let before = site.counts();
    fs::remove_file(site.at("router.yaml")).expect("it can be removed");
    site.until(|now| now.refused > before.refused).await;
    assert_eq!(site.generation(), 1, "what was served goes on");
    let between = site.counts();
    site.write("router.yaml", config("again").as_bytes());
    site.until(|now| now.published > between.published).await;
    fs::remove_dir_all(site.at("components")).expect("it can be removed");
    site.until(|now| now.refused > before.refused + 1).await;
    let between = site.counts();
    fs::create_dir(site.at("components")).expect("a folder can be made");
    site.write("components/stamp.wasm", &stamp::wasm(Deed::Stamps, 2));
    site.until(|now| now.published > between.published).await;
    assert_eq!(site.generation(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_watch_a_signal_reloads() {
    let site = Site::start(&["--watch", "off"]).await;
    let before = site.counts();
    site.rename_into("router.yaml", config("c1").as_bytes());
    site.router.signal("HUP");
    site.until(|now| now.published > before.published).await;
    site.router.signal("HUP");
    let now = site.until(|now| now.unchanged > before.unchanged).await;
    assert_eq!(now.published - before.published, 1);
    assert_eq!(site.history()[0]["cause"]["kind"], "signal");
}
