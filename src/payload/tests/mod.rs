//! Tests of payloads on real trees and with hostile input.

mod archive;
mod build;
mod member;
mod mtree;
mod table;
mod tools;
mod trees;
mod unpack;

use super::Field;

/// Compares the table between `<!-- fields:NAME -->` and `<!-- /fields -->` with the layout.
pub(super) fn assert_fields(text: &str, name: &str, fields: &[Field]) {
    let begin = format!("<!-- fields:{name} -->");
    let (_, rest) = text.split_once(&begin).expect("the begin marker");
    let (table, _) = rest.split_once("<!-- /fields -->").expect("the end marker");
    let found: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.split('|').skip(1).take(3).map(str::trim).collect())
        .collect();
    let expected: Vec<Vec<String>> = fields
        .iter()
        .map(|field| {
            let numbers = [field.offset.to_string(), field.size.to_string()];
            [&numbers[0], &numbers[1], field.name]
                .map(str::to_owned)
                .into()
        })
        .collect();
    assert_eq!(found, expected, "{name}");
}

/// Compares the hex dump in the section "Example" with `bytes`.
pub(super) fn assert_example(text: &str, bytes: &[u8]) {
    let (_, example) = text.split_once("## Example").expect("the section");
    let dump = example.split("```").nth(1).expect("the dump").trim();
    assert_eq!(dump, hex_dump(bytes));
}

/// `bytes` as `hexdump -C` prints them, without its last line.
fn hex_dump(bytes: &[u8]) -> String {
    let line = |(number, row): (usize, &[u8])| {
        let hex = |part: &[u8]| {
            let bytes = part.iter().map(|byte| format!("{byte:02x}"));
            bytes.collect::<Vec<_>>().join(" ")
        };
        let (left, right) = row.split_at(row.len().min(8));
        let shown = |&byte: &u8| {
            if (32..127).contains(&byte) {
                char::from(byte)
            } else {
                '.'
            }
        };
        let text: String = row.iter().map(shown).collect();
        format!(
            "{:08x}  {:<23}  {:<23}  |{text}|",
            number * 16,
            hex(left),
            hex(right)
        )
    };
    bytes
        .chunks(16)
        .enumerate()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}
