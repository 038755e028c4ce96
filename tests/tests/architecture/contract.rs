//! Every item of the contract tells what it obliges to.

use crate::{assert_none, files, read};
use std::path::Path;

/// Beginnings of items that carry a version.
const ITEMS: [&str; 5] = ["interface ", "world ", "record ", "variant ", "type "];
/// Beginnings of lines that declare nothing of their own.
const PLUMBING: [&str; 6] = ["package ", "use ", "include ", "import ", "export ", "}"];

#[test]
fn every_item_is_documented_and_says_since_when_it_is_there() {
    let mut faults = Vec::new();
    for path in files("wit").into_iter().filter(|path| path.extension().is_some_and(|end| end == "wit")) {
        faults.extend(undocumented(&path, &read(&path)));
    }
    assert_none(&faults, "items without a doc comment or without @since");
}

fn undocumented(path: &Path, text: &str) -> Vec<String> {
    let (mut documented, mut versioned) = (false, false);
    let mut faults = Vec::new();
    for (number, line) in text.lines().map(str::trim).enumerate() {
        if line.starts_with("///") {
            documented = true;
        } else if line.starts_with("@since") {
            versioned = true;
        } else if !line.is_empty() {
            let plumbing = PLUMBING.iter().any(|start| line.starts_with(start));
            let item = ITEMS.iter().any(|start| line.starts_with(start)) || line.contains(": func(");
            if !plumbing && (!documented || item && !versioned) {
                faults.push(format!("{}:{}: {line}", path.display(), number + 1));
            }
            (documented, versioned) = (false, false);
        }
    }
    faults
}

#[test]
fn an_item_without_a_comment_or_a_version_is_found() {
    let text = "package a:b;\n\n/// A.\n@since(version = 0.1.0)\ninterface a {\n  use b.{c};\n  /// B.\n  b: func();\n  record c {\n    /// D.\n    d: u8,\n    e: u8,\n  }\n}\n";
    let faults = undocumented(Path::new("a.wit"), text);
    let lines: Vec<_> = faults.iter().map(|fault| fault.split(':').nth(1).unwrap_or_default()).collect();
    assert_eq!(lines, ["8", "9", "12"], "{faults:?}");
}
