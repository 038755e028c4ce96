//! A router whose files change, and the ways in which people and programs change files.

use crate::{
    bootstrap::Backends,
    envoy::Envoy,
    load::Load,
    mirror::Mirror,
    mode::Mode,
    place,
    router::Trackside,
    scrape::{self, metric},
    stamp::{self, Deed},
};
use bytes::Bytes;
use serde_json::Value;
use std::{
    ffi::OsString,
    fs::{self, File},
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;

/// Fifteen keyword rules and a decision for each.
const KEYWORDS: &str = include_str!("../benches/roundtrip/keywords.yaml");
/// In the decision that [`body`] leads to.
const DECIDED: &str = "name: k09}, {type: keyword, name: k11}]}, modelRefs: [{model: large}]";
/// A rule that compares meaning, and a decision by it.
const MEANING: &str = "    embeddings:
      - {name: m01, threshold: 0.2, candidates: [two companies become one, a bid for a company]}
  decisions:
    - {name: d16, priority: 2, rules: {operator: OR, conditions: [{type: embedding, name: m01}]}, modelRefs: [{model: small}]}
";
/// Components that a request meets. They get more time than usual: these tests are not about how fast the machine is.
const PATIENT: [&str; 7] = ["ask", "embedding", "header_mutation", "keyword", "priority", "stamp", "static"];
/// The listener of [`Gateway`]: headers and body of requests, headers of answers.
const LISTENER: &str = "buffered";

/// A router with a folder of its own: `router.yaml`, and `components/stamp.wasm`.
#[derive(Debug)]
pub struct Site {
    pub router: Trackside,
    folder: TempDir,
}

/// How attempts to make a generation have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub published: u64,
    pub refused: u64,
    pub unchanged: u64,
}

/// A real Envoy in front of a router, and a model server behind it.
#[derive(Debug)]
pub struct Gateway {
    pub envoy: Envoy,
    _mirror: Mirror,
}

/// The configuration: what decides about [`body`] runs the plugin `stamp`, and sets `x-config` to this.
pub fn config(marker: &str) -> String {
    let set = format!("{{type: header_mutation, configuration: {{add: [{{name: x-config, value: {marker}}}]}}}}");
    let routing = KEYWORDS
        .replace("  decisions:\n", MEANING)
        .replace(DECIDED, &format!("{DECIDED}, plugins: [{{type: stamp}}, {set}]"));
    let patient = PATIENT.map(|serves| format!("    - {{type: {serves}, limits: {{deadline: 15s}}}}\n")).concat();
    format!("{routing}components:\n  directory: ./components\n  use:\n{patient}")
}

/// A chat completion that the configuration has the stamp put on.
pub fn body() -> Bytes {
    Bytes::from_static(
        b"{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"Walk me through how to structure a business merger \
        proposal.\"}]}",
    )
}

impl Site {
    /// Starts a router with version 0 of everything, and no other router beside it.
    pub async fn start(flags: &[&str]) -> Site {
        let folder = Site::folder();
        Site::with(folder, &Site::flags(flags)).await
    }

    /// The same in front of which a link to a folder with a model lies, `model`.
    pub async fn start_with_model(model: &Path, flags: &[&str]) -> Site {
        let folder = Site::folder();
        let link = folder.path().join("model");
        symlink(model, &link).expect("a link can be made");
        let mut flags = Site::flags(flags);
        flags.extend(["--model".into(), link.into()]);
        Site::with(folder, &flags).await
    }

    async fn with(folder: TempDir, flags: &[OsString]) -> Site {
        let router = Trackside::start_with(&folder.path().join("router.yaml"), flags).await;
        let site = Site { router, folder };
        if !flags.iter().any(|flag| flag == "off") {
            // The first look at files that may have changed while they were read.
            site.until(|now| now.unchanged > 0).await;
        }
        site
    }

    fn folder() -> TempDir {
        let folder = TempDir::new().expect("a temporary folder can be made");
        fs::create_dir(folder.path().join("components")).expect("a folder can be made");
        fs::write(folder.path().join("components/stamp.wasm"), stamp::wasm(Deed::Stamps, 0))
            .expect("it can be written");
        fs::write(folder.path().join("router.yaml"), config("c0")).expect("it can be written");
        folder
    }

    fn flags(more: &[&str]) -> Vec<OsString> {
        // One line for each request would be most of the work.
        ["--log", "info,trackside_routing=warn"].iter().chain(more).map(OsString::from).collect()
    }

    /// A path in its folder.
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file in its place as a whole.
    pub fn rename_into(&self, name: &str, content: &[u8]) {
        let aside = self.at("aside");
        fs::write(&aside, content).expect("it can be written");
        fs::rename(aside, self.at(name)).expect("it can be renamed");
    }

    /// Writes into a file where it is.
    pub fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.at(name), content).expect("it can be written");
    }

    /// Writes into a file where it is, in a hundred pieces with a pause behind each.
    pub async fn write_slowly(&self, name: &str, content: &[u8]) {
        let mut file = File::create(self.at(name)).expect("it can be opened");
        for piece in content.chunks(content.len().div_ceil(100)) {
            file.write_all(piece).expect("it can be written");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Has a link lead elsewhere, as a whole.
    pub fn turn(&self, link: &str, target: &Path) {
        let aside = self.at("aside-link");
        symlink(target, &aside).expect("a link can be made");
        fs::rename(aside, self.at(link)).expect("it can be renamed");
    }

    /// Which generation serves.
    pub fn generation(&self) -> u64 {
        metric(&self.router.metrics(), "trackside_generation", &[]) as u64
    }

    /// How attempts have ended so far.
    pub fn counts(&self) -> Counts {
        let page = self.router.metrics();
        let count = |outcome: &str| metric(&page, "trackside_generations_total", &[&format!("outcome=\"{outcome}\"")]);
        let [published, refused, unchanged] =
            ["published", "refused", "unchanged"].map(|outcome| count(outcome) as u64);
        Counts { published, refused, unchanged }
    }

    /// Waits until the counts are as they should be, and tells them.
    pub async fn until(&self, right: impl Fn(Counts) -> bool) -> Counts {
        let found = || Some(self.counts()).filter(|counts| right(*counts));
        self.router.poll("the end of an attempt", found).await
    }

    /// The attempts, newest first.
    pub fn history(&self) -> Vec<Value> {
        let (status, page) = scrape::get(self.router.api, "/api/v1/generations").expect("the API answers");
        assert_eq!(status, 200, "{page}");
        let page: Value = serde_json::from_str(&page).expect("it answers JSON");
        page["generations"].as_array().expect("it lists them").clone()
    }

    /// A gateway in front of it; `None` when none is installed and the test is to be skipped.
    pub async fn gateway(&self) -> Option<Gateway> {
        let mirror = Mirror::start().await;
        let extproc = self.router.extproc;
        let backends = Backends { extproc, plugin: extproc, default: mirror.address, by_model: Vec::new() };
        let envoy = Envoy::start(&backends, &[Mode::named(LISTENER)]).await?;
        Some(Gateway { envoy, _mirror: mirror })
    }
}

impl Gateway {
    /// A load on it: this many requests a second that the configuration has the stamp put on.
    pub fn load(&self, rate: f64) -> Load {
        Load { to: self.envoy.listener(LISTENER), rate, connections: 64, body: body() }
    }

    /// What Envoy holds against the router since it runs.
    pub fn mistakes(&self) -> Vec<(&'static str, u64)> {
        let names = crate::envoy::MISTAKES;
        let counted = self
            .envoy
            .counters(LISTENER, names.map(|name| ["ext_proc.", name].concat()).each_ref().map(String::as_str));
        names.into_iter().zip(counted).filter(|(_, count)| *count > 0).collect()
    }
}

/// A folder with the same model under another fingerprint, for as long as the value lives.
pub fn other_model() -> Option<(PathBuf, TempDir)> {
    let model = place::encoder()?.canonicalize().expect("it is there");
    let folder = TempDir::new().expect("a temporary folder can be made");
    for entry in fs::read_dir(&model).expect("it can be read") {
        let entry = entry.expect("it can be read");
        let copy = folder.path().join(entry.file_name());
        if entry.file_name() == "config.json" {
            let mut text = fs::read(entry.path()).expect("it can be read");
            text.push(b'\n');
            fs::write(copy, text).expect("it can be written");
        } else {
            symlink(entry.path(), copy).expect("a link can be made");
        }
    }
    Some((model, folder))
}
