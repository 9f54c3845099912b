//! PEM (RFC 7468): every block of a file with its label, or an error.

use data_encoding::BASE64;

/// One block of a PEM file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// The word between `BEGIN` and the dashes.
    pub(super) label: String,
    /// What the base64 says; empty where the block has headers, as old encrypted keys do.
    pub(super) der: Vec<u8>,
}

/// Text that is not PEM, with the number of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PemFault {
    pub(super) line: usize,
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Reads all blocks; text between them is left alone, as `openssl x509 -text` writes it there.
pub(super) fn blocks(text: &[u8]) -> Result<Vec<Block>, PemFault> {
    let text = String::from_utf8_lossy(text);
    let mut found = Vec::new();
    let mut open: Option<(String, String)> = None;
    let mut line = 0;
    for content in text.lines() {
        line += 1;
        let content = content.trim_end();
        let fault = PemFault { line };
        let begins = marked(content, BEGIN);
        let ends = marked(content, END);
        match (&mut open, begins, ends) {
            (None, Some(label), _) => open = Some((label.to_owned(), String::new())),
            (None, None, None) => {}
            (Some((label, body)), None, Some(end)) if label == end => {
                let der = if body.contains(':') {
                    Vec::new()
                } else {
                    BASE64.decode(body.as_bytes()).map_err(|_| fault)?
                };
                found.push(Block {
                    label: end.to_owned(),
                    der,
                });
                open = None;
            }
            (Some((_, body)), None, None) => body.push_str(content),
            _ => return Err(fault),
        }
    }
    match open {
        None => Ok(found),
        Some(_) => Err(PemFault { line }),
    }
}

fn marked<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    line.strip_prefix(mark)?.strip_suffix(DASHES)
}

/// One block as text, in lines of 64.
pub(super) fn encode(label: &str, der: &[u8]) -> String {
    let body = BASE64.encode(der);
    let mut out = format!("{BEGIN}{label}{DASHES}\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out + END + label + DASHES + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_with_text_around_it() {
        let one = encode("ONE", &[1; 100]);
        let two = encode("TWO", &[]);
        let text = format!("subject=x\r\n{one}between\n{two}");
        let read = blocks(text.as_bytes()).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(
            (read[0].label.as_str(), read[0].der.as_slice()),
            ("ONE", &[1; 100][..])
        );
        assert_eq!(read[1].label, "TWO");
        assert_eq!(blocks(b"no block\n"), Ok(Vec::new()));
    }

    #[test]
    fn what_is_broken_is_an_error_and_names_the_line() {
        for (text, line) in [
            ("-----BEGIN A-----\nAAAA\n", 2),
            ("-----END A-----\n", 1),
            ("-----BEGIN A-----\nAAAA\n-----END B-----\n", 3),
            ("-----BEGIN A-----\n-----BEGIN A-----\n", 2),
            ("-----BEGIN A-----\nA*AA\n-----END A-----\n", 3),
        ] {
            assert_eq!(blocks(text.as_bytes()), Err(PemFault { line }), "{text}");
        }
    }
}
