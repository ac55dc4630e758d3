//! Printing: tables, fields and JSON, and nothing that a document wrote for a terminal.
//!
//! Titles, paths and sentences come from documents, and a terminal obeys what it is shown. Whatever
//! is printed for people goes through [`safe`] or [`safe_lines`], which take control characters out.

use std::io::{ErrorKind, Write};

use anyhow::Result;
use serde_json::Value;

/// Writes to the standard output, with a line end where there is none.
pub(super) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.is_empty() && !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}

/// Writes a piece of a line at once: sentences are shown as they come.
pub(super) fn print_piece(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Whether printing failed because nobody reads any more, as in `vouch audit | head`.
pub(super) fn reader_left(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// A document that a person can read as well. Escaped by JSON's own rules.
pub(super) fn json(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("a JSON value can always be written")
}

/// The text on one line, without control characters.
pub(super) fn safe(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The text without control characters, in the lines it has.
pub(super) fn safe_lines(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

/// A field of a JSON object as somebody would write it; nothing there is `-`.
pub(super) fn cell(object: &Value, key: &str) -> String {
    match &object[key] {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => safe(text),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(_) => safe(&object[key].to_string()),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| safe(&value.to_string()), safe)
}

/// The objects of an array; nothing where there is no array.
pub(super) fn items<'a>(body: &'a Value, key: &str) -> &'a [Value] {
    body[key].as_array().map_or(&[], Vec::as_slice)
}

/// A number of things: `1 document`, `2 documents`.
pub(super) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Rows under their heads, in columns. Each column is a head and the key of its field.
pub(super) fn table(rows: &[Value], columns: &[(&str, &str)]) -> String {
    let heads = columns.iter().map(|(head, _)| (*head).to_owned()).collect();
    let cells = rows.iter().map(|row| columns.iter().map(|(_, key)| cell(row, key)).collect());
    aligned(&std::iter::once(heads).chain(cells).collect::<Vec<_>>())
}

/// Named fields of one object, below each other. Fields that hold nothing are left out.
pub(super) fn fields(object: &Value, named: &[(&str, &str)]) -> String {
    let row = |(name, key): &(&str, &str)| vec![(*name).to_owned(), cell(object, key)];
    aligned(&named.iter().map(row).filter(|row| row[1] != "-").collect::<Vec<_>>())
}

/// Rows of cells with each column as wide as its widest cell.
pub(super) fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_are_aligned_and_documents_write_nothing_to_the_terminal() {
        let rows = [json!({"id": "hr", "n": 12}), json!({"id": "a\u{1b}[2Jé\nb", "n": null})];
        let text = table(&rows, &[("ID", "id"), ("N", "n")]);
        assert_eq!(text, "ID        N\nhr        12\na [2Jé b  -\n");
    }
}
