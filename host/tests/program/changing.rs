//! A router that runs, and what the tests of its changes share: a folder with a configuration and components.

use crate::process::{Answer, Server, file, post, send};
use serde_json::Value;
use std::path::{Path, PathBuf};
use trackside_guests::BUILT_IN;

/// Requests with this word go to the large model.
pub(crate) const URGENT: &str = "urgent";

/// A small configuration in which a word decides, and components come from a directory.
pub(crate) fn router(word: &str) -> String {
    include_str!("changing.yaml").replace(URGENT, word)
}

/// A component inside the program.
pub(crate) fn built_in(name: &str) -> &'static [u8] {
    BUILT_IN.iter().find(|built_in| built_in.name == name).unwrap().wasm
}

/// The same component with another digest: it has one more section, which nobody runs.
pub(crate) fn with_section(component: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    let number = |mut n: usize| {
        let mut bytes = Vec::new();
        loop {
            let byte = u8::try_from(n & 0x7f).unwrap();
            n >>= 7;
            bytes.push(if n > 0 { byte | 0x80 } else { byte });
            if n == 0 {
                return bytes;
            }
        }
    };
    let section = [number(name.len()), name.as_bytes().to_vec(), content.to_vec()].concat();
    [component.to_vec(), vec![0], number(section.len()), section].concat()
}

/// A component that serves `keyword`, of a version of its own.
pub(crate) fn keyword(version: &str) -> Vec<u8> {
    with_section(built_in("signal-keyword"), "version", version.as_bytes())
}

/// A folder with a configuration and an empty directory for components, left by nobody else.
pub(crate) fn folder(name: &str, config: &str) -> PathBuf {
    let path = file(&format!("changes/{name}/router.yaml"), config);
    let folder = path.parent().unwrap().to_owned();
    let _ = std::fs::remove_dir_all(folder.join("wasm"));
    std::fs::create_dir_all(folder.join("wasm")).unwrap();
    folder
}

/// A server of that configuration which looks at its files only when it is asked to.
pub(crate) fn serve(folder: &Path) -> Server {
    Server::start(&["--config", folder.join("router.yaml").to_str().unwrap(), "--watch", "off"])
}

/// Which model a prompt goes to.
pub(crate) fn model(server: &Server, prompt: &str) -> String {
    let answer = post(server.api, "/classify", format!(r#"{{"text": "{prompt}"}}"#));
    answer.json()["recommended_model"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
}

/// Asks for a change without a body.
pub(crate) fn ask(server: &Server, path: &str) -> Answer {
    post(server.api, path, "")
}

/// Sends what is to be kept under a path.
pub(crate) fn put(server: &Server, path: &str, headers: &str, body: impl AsRef<[u8]>) -> Answer {
    send(server.api, "PUT", path, headers, body)
}

/// The error of an answer: status, code, and the problems behind it.
pub(crate) fn refusal(answer: &Answer) -> (u16, String, Vec<Value>) {
    let error = &answer.json()["error"];
    let problems = error["problems"].as_array().cloned().unwrap_or_default();
    (answer.status, error["code"].as_str().unwrap().to_owned(), problems)
}
