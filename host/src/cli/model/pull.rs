//! `trackside model pull`.

use super::download::{Found, Version};
use super::hub::{Endpoint, Hub};
use crate::assemble::{HubName, PulledModels};
use crate::cli::print;
use crate::exit::{Exit, Failure, Outcome};
use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use trackside_inference::{Classifier, Encoder, Options, TokenClassifier};

const MODULES: &str = "modules.json";
/// The files without which there is no model.
const NEEDED: [&str; 3] = ["config.json", "tokenizer.json", "model.safetensors"];
/// Files that say how vectors are made of what the network gives, and that not every model has.
const USEFUL: [&str; 2] = [MODULES, "sentence_bert_config.json"];

/// Get a model from a hub, or from a folder.
///
/// A pull that was cut off goes on where it stopped. Only a model that has come whole, matches the hub's checksums and can
/// be loaded gets its place in the cache.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The model's name on the hub, such as sentence-transformers/all-MiniLM-L12-v2.
    #[arg(value_name = "NAME")]
    name: HubName,
    /// Branch, tag or commit.
    #[arg(long, value_name = "REVISION", default_value = "main")]
    revision: String,
    /// Take the files from a folder instead of the hub.
    #[arg(long, value_name = "DIR", conflicts_with = "revision")]
    from: Option<PathBuf>,
    #[command(flatten)]
    endpoint: Endpoint,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let folder = pull(arguments).map_err(Failure::unavailable)?;
    let name = &arguments.name;
    print(&format!("{name} is in {}\nserve it with: trackside serve --model {name}\n", folder.display()))?;
    Ok(Exit::Ok)
}

fn pull(arguments: &Arguments) -> anyhow::Result<PathBuf> {
    let name = &arguments.name;
    let models = PulledModels::of_user()?;
    let staging = match &arguments.from {
        Some(folder) => {
            let staging = models.staging(name, "folder");
            remove(&staging)?;
            copy(folder, &staging)?;
            staging
        }
        None => {
            let hub = arguments.endpoint.connect()?;
            let commit = commit(&hub, name, &arguments.revision)?;
            let version = Version { hub: &hub, name, revision: commit.as_deref().unwrap_or(&arguments.revision) };
            let staging = models.staging(name, version.revision);
            if commit.is_none() {
                // What an earlier pull left may be of another version.
                remove(&staging)?;
            }
            fetch(&version, &staging)?;
            staging
        }
    };
    if let Err(error) = loads(&staging) {
        remove(&staging)?;
        return Err(error.context(format!("{name} is not a model that can be used")));
    }
    models.publish(name, &staging)
}

/// The commit that a revision stands for, so that all files come from one; `None` when the hub does not tell.
fn commit(hub: &Hub<'_>, name: &HubName, revision: &str) -> anyhow::Result<Option<String>> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if revision.is_empty() || !revision.bytes().all(plain) || revision.starts_with('.') {
        bail!("{revision:?} is no revision: expected a branch, a tag or a commit");
    }
    let Some(first) = hub.get(name, revision, "config.json", 0)? else {
        bail!("the hub has no model {name} with a config.json at revision {revision}");
    };
    Ok(first.commit)
}

fn fetch(version: &Version<'_>, staging: &Path) -> anyhow::Result<()> {
    let Version { name, revision, .. } = version;
    for file in NEEDED {
        if version.download(file, staging)? == Found::Nowhere {
            bail!("{name} has no {file} at revision {revision}: it is in a format that cannot be used");
        }
    }
    for file in USEFUL {
        version.download(file, staging)?;
    }
    for file in pooling(staging) {
        version.download(&file, staging)?;
    }
    Ok(())
}

fn copy(from: &Path, staging: &Path) -> anyhow::Result<()> {
    let file = |file: &str| {
        let (from, to) = (from.join(file), staging.join(file));
        let made = to.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::copy(&from, &to)).with_context(|| format!("cannot copy {}", from.display()))
    };
    for needed in NEEDED {
        file(needed)?;
    }
    for useful in USEFUL.into_iter().filter(|useful| from.join(useful).is_file()) {
        file(useful)?;
    }
    for useful in pooling(staging).into_iter().filter(|useful| from.join(useful).is_file()) {
        file(&useful)?;
    }
    Ok(())
}

/// The files that say how the model pools. What leads out of the folder is left out; the model will then not load.
fn pooling(staging: &Path) -> Vec<String> {
    let modules = fs::read(staging.join(MODULES)).unwrap_or_default();
    let modules: Vec<Value> = serde_json::from_slice(&modules).unwrap_or_default();
    let pooling = modules.iter().filter(|m| m["type"].as_str().is_some_and(|kind| kind.ends_with(".Pooling")));
    let paths = pooling.filter_map(|module| module["path"].as_str());
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    paths.filter(|path| path.bytes().all(plain) && !path.is_empty()).map(|path| format!("{path}/config.json")).collect()
}

/// A classifier is a model too; a folder that is neither is told as an encoder would have it.
fn loads(folder: &Path) -> anyhow::Result<()> {
    let options = Options::default();
    let Err(error) = Encoder::load(folder, &options) else { return Ok(()) };
    let classifies = Classifier::load(folder, &options).is_ok() || TokenClassifier::load(folder, &options).is_ok();
    if classifies { Ok(()) } else { Err(error.into()) }
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
