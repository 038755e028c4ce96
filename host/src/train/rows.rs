//! Labelled texts, a JSON object a line.

use anyhow::{Context as _, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

/// Most faults that are told at once.
const MOST_FAULTS: usize = 20;
/// Labels are numbers of 16 bits in the artefact, and columns of its table of words.
const MOST_LABELS: usize = 1000;

/// One labelled text.
#[derive(Debug)]
pub(crate) struct Row {
    /// Positions of its file and, from 1, of its line.
    pub(crate) file: usize,
    pub(crate) line: usize,
    pub(crate) text: String,
    /// Position of its label.
    pub(crate) label: usize,
}

/// All rows of all files.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) rows: Vec<Row>,
    /// In lower case and in the order of the alphabet.
    pub(crate) labels: Vec<String>,
}

/// A line. Other keys are left to other readers.
#[derive(Deserialize)]
struct Line {
    text: String,
    label: String,
}

impl Rows {
    /// How many rows a file has.
    pub(crate) fn of_file(&self, file: usize) -> usize {
        self.rows.iter().filter(|row| row.file == file).count()
    }

    /// Where a row is, for messages.
    pub(crate) fn place(&self, row: &Row) -> String {
        let file = self.files.get(row.file).map(|file| file.display().to_string()).unwrap_or_default();
        format!("{file}:{}", row.line)
    }
}

/// Reads all files, and tells every line that cannot be used.
///
/// # Errors
/// Names the file that cannot be read, or the lines.
pub(crate) fn read(files: &[PathBuf]) -> anyhow::Result<Rows> {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for (file, path) in files.iter().enumerate() {
        read_file(file, path, &mut found, &mut faults)?;
    }
    if let Some(more) = faults.len().checked_sub(MOST_FAULTS).filter(|more| *more > 0) {
        faults.truncate(MOST_FAULTS);
        faults.push(format!("and {more} more"));
    }
    if !faults.is_empty() {
        bail!("some lines cannot be used\n{}", faults.join("\n"));
    }
    let labels: BTreeMap<String, usize> = found.iter().map(|(_, label)| (label.clone(), 0)).collect();
    let labels: BTreeMap<String, usize> = labels.into_keys().enumerate().map(|(place, label)| (label, place)).collect();
    if labels.len() < 2 || labels.len() > MOST_LABELS {
        bail!("the rows have {} labels; expected 2 to {MOST_LABELS}", labels.len());
    }
    let place = |label: &str| labels.get(label).copied().unwrap_or_default();
    let rows = found.into_iter().map(|(row, label)| Row { label: place(&label), ..row }).collect();
    Ok(Rows { files: files.to_vec(), rows, labels: labels.into_keys().collect() })
}

fn read_file(file: usize, path: &Path, found: &mut Vec<(Row, String)>, faults: &mut Vec<String>) -> anyhow::Result<()> {
    let cannot = || format!("cannot read {}", path.display());
    let before = found.len();
    for (number, line) in BufReader::new(File::open(path).with_context(cannot)?).lines().enumerate() {
        let line = line.with_context(cannot)?;
        if line.trim().is_empty() {
            continue;
        }
        match parse(&line) {
            Ok(Line { text, label }) => found.push((Row { file, line: number + 1, text, label: 0 }, label)),
            Err(fault) => faults.push(format!("{}:{}: {fault}", path.display(), number + 1)),
        }
    }
    if found.len() == before && faults.is_empty() {
        bail!("{} has no rows: expected an object with text and label on each line", path.display());
    }
    Ok(())
}

fn parse(line: &str) -> Result<Line, String> {
    let Line { text, label } = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let label = label.trim().to_lowercase();
    if text.trim().is_empty() {
        return Err("the text is empty".to_owned());
    }
    if label.is_empty() {
        return Err("the label is empty".to_owned());
    }
    Ok(Line { text, label })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn files(contents: &[&str]) -> (Vec<tempfile::NamedTempFile>, Vec<PathBuf>) {
        let files: Vec<_> = contents
            .iter()
            .map(|content| {
                let mut file = tempfile::NamedTempFile::new().unwrap();
                file.write_all(content.as_bytes()).unwrap();
                file
            })
            .collect();
        let paths = files.iter().map(|file| file.path().to_owned()).collect();
        (files, paths)
    }

    #[test]
    fn rows_of_several_files_share_their_labels() {
        let (_files, paths) = files(&[
            "{\"text\":\"1 + 1\",\"label\":\"Math\",\"source\":\"own\"}\n\n{\"text\":\"torts\",\"label\":\"law\"}\n",
            "{\"text\":\"2 + 2\",\"label\":\"math \"}",
        ]);
        let rows = read(&paths).unwrap();
        assert_eq!(rows.labels, ["law", "math"]);
        assert_eq!(
            rows.rows.iter().map(|row| (row.file, row.line, row.label)).collect::<Vec<_>>(),
            [(0, 1, 1), (0, 3, 0), (1, 1, 1)]
        );
        assert_eq!((rows.of_file(0), rows.of_file(1)), (2, 1));
        assert!(rows.place(&rows.rows[1]).ends_with(":3"));
    }

    #[test]
    fn every_line_that_cannot_be_used_is_named() {
        let (_files, paths) =
            files(&["{\"text\":\"a\"}\n[]\n{\"text\":\" \",\"label\":\"x\"}\n{\"text\":\"a\",\"label\":\"\"}\n"]);
        let error = format!("{:#}", read(&paths).unwrap_err());
        for (line, expected) in
            [(1, "missing field `label`"), (2, "invalid"), (3, "the text is empty"), (4, "the label is empty")]
        {
            let place = format!("{}:{line}: ", paths[0].display());
            assert!(error.lines().any(|fault| fault.starts_with(&place) && fault.contains(expected)), "{error}");
        }
    }

    #[test]
    fn too_few_labels_and_files_without_rows_are_refused() {
        for (contents, expected) in
            [("{\"text\":\"a\",\"label\":\"x\"}", "the rows have 1 labels"), ("\n", "has no rows")]
        {
            let (_files, paths) = files(&[contents]);
            let error = read(&paths).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(read(&["absent.jsonl".into()]).is_err());
    }
}
