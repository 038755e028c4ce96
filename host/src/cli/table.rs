//! Text in columns.

use serde_json::Value;
use std::fmt::Write;

/// Appends rows below a title, each cell as wide as the widest of its column; nothing at all when there are no rows.
pub(super) fn table<const N: usize>(out: &mut String, title: &str, rows: &[[String; N]]) {
    if rows.is_empty() {
        return;
    }
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    // Writing to a `String` cannot fail.
    let _ = writeln!(out, "\n{title}");
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "  {cell:width$}");
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// Cuts control characters out, so that no text from outside can move the cursor or colour the terminal.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// A value of somebody else's JSON as a cell: a text without quotes, a dash for nothing.
pub(super) fn word(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => plain(text),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut out = String::new();
        table(&mut out, "Fruit", &[["fig".to_owned(), "1".to_owned()], ["ä".to_owned(), "10".to_owned()]]);
        assert_eq!(out, "\nFruit\n  fig  1\n  ä    10\n");
        table::<2>(&mut out, "Nothing", &[]);
        assert!(!out.contains("Nothing"));
        assert_eq!(plain("a\u{1b}[31m\n"), "a [31m ");
    }
}
