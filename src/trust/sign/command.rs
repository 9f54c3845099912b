//! Signing by an outside program: an HSM, a signing service, `openssl cms -sign -engine pkcs11`.

use std::io::{Read, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use super::super::limits;
use super::attach::belongs;
use super::{Sign, SignError};

/// Signs with an outside program: the content on its standard input, CMS DER on its standard output.
///
/// No shell is involved. What the program writes is bounded, must be a signature over the content, and is
/// trusted no more than any other: verification decides.
#[derive(Debug, Clone)]
pub struct CommandSigner {
    program: PathBuf,
    arguments: Vec<String>,
    timeout: Duration,
}

/// Most of a program's complaint that is kept, in bytes.
const MAX_COMPLAINT: usize = 2048;

impl CommandSigner {
    /// Longest time a program may take: somebody may have to touch a token.
    pub const TIMEOUT: Duration = Duration::from_mins(2);

    /// Cuts a command line into words at spaces; quotes keep spaces, a backslash keeps one character.
    pub fn parse(command: &str) -> Result<Self, SignError> {
        let refused = |problem| SignError::Command {
            command: command.to_owned(),
            problem,
        };
        let mut words = split(command).map_err(refused)?.into_iter();
        let program = words.next().ok_or(refused("there is no program"))?;
        Ok(Self {
            program: program.into(),
            arguments: words.collect(),
            timeout: Self::TIMEOUT,
        })
    }

    /// The same with another bound on its time.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn error(&self, operation: &'static str) -> impl FnOnce(std::io::Error) -> SignError {
        let program = self.program.clone();
        move |source| SignError::Program {
            operation,
            program,
            source,
        }
    }

    fn wait(&self, child: &mut Child) -> Result<ExitStatus, SignError> {
        const STEP: Duration = Duration::from_millis(10);
        // Counted, not read from a clock: the bound need not be exact.
        let mut waited = Duration::ZERO;
        loop {
            if let Some(status) = child.try_wait().map_err(self.error("wait for"))? {
                return Ok(status);
            }
            if waited > self.timeout {
                child.kill().map_err(self.error("end"))?;
                child.wait().map_err(self.error("wait for"))?;
                return Err(SignError::ProgramTimeout {
                    program: self.program.clone(),
                    limit: self.timeout,
                });
            }
            thread::sleep(STEP);
            waited += STEP;
        }
    }
}

impl Sign for CommandSigner {
    fn sign(&self, content: &[u8]) -> Result<Vec<u8>, SignError> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(self.error("start"))?;
        let input = child.stdin.take();
        let content_copy = content.to_vec();
        // A program may end without reading its input: what counts is what it wrote.
        let feeder = thread::spawn(move || {
            input.is_some_and(|mut input| input.write_all(&content_copy).is_ok())
        });
        let output = read_bounded(child.stdout.take(), limits::MAX_SIGNATURE_LENGTH);
        let complaint = read_bounded(child.stderr.take(), MAX_COMPLAINT);
        let status = self.wait(&mut child)?;
        let said = complaint.join().unwrap_or_default();
        let written = output.join().unwrap_or_default();
        feeder.join().unwrap_or_default();
        if !status.success() {
            let said: String = String::from_utf8_lossy(&said).trim().chars().collect();
            return Err(SignError::ProgramFailed {
                program: self.program.clone(),
                status: status.to_string(),
                said: said.escape_debug().to_string(),
            });
        }
        if written.len() > limits::MAX_SIGNATURE_LENGTH {
            return Err(SignError::ProgramOutput {
                program: self.program.clone(),
                limit: limits::MAX_SIGNATURE_LENGTH,
            });
        }
        belongs(&written, content).map_err(|refusal| SignError::Foreign(Box::new(refusal)))?;
        Ok(written)
    }
}

/// Reads up to one byte more than the limit, then reads on without keeping anything.
fn read_bounded(
    source: Option<impl Read + Send + 'static>,
    limit: usize,
) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut source) = source {
            let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
            // A broken pipe ends the reading; what is there is judged by what it says.
            source
                .by_ref()
                .take(most)
                .read_to_end(&mut kept)
                .unwrap_or_default();
            std::io::copy(&mut source, &mut std::io::sink()).unwrap_or_default();
        }
        kept
    })
}

/// Words of a command line, by the few rules that shells agree on.
fn split(command: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut rest = command.chars();
    while let Some(character) = rest.next() {
        match (quote, character) {
            (Some(end), _) if character == end => quote = None,
            (Some('\''), _) => word.get_or_insert_default().push(character),
            (_, '\\') => {
                let next = rest.next().ok_or("a backslash at the end")?;
                word.get_or_insert_default().push(next);
            }
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t' | '\n') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    if quote.is_some() {
        return Err("a quote without an end");
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_as_a_shell_would() {
        let words = split(r#"a  'b c' "d \" e" f\ g '' x"y"z"#).unwrap();
        assert_eq!(words, ["a", "b c", "d \" e", "f g", "", "xyz"]);
        assert_eq!(split("  ").unwrap(), [""; 0]);
        for bad in ["'a", "\"a", "a\\"] {
            assert!(split(bad).is_err(), "{bad}");
        }
        assert_eq!(
            CommandSigner::parse(" ").unwrap_err().code(),
            "E_SIGNER_COMMAND"
        );
    }

    #[test]
    fn a_program_that_fails_hangs_or_floods_is_an_error() {
        let signer = |command: &str| CommandSigner::parse(command).unwrap();
        let run = |command: &str| signer(command).sign(b"content").unwrap_err();
        assert_eq!(run("/nonexistent/signer").code(), "E_SIGNER_PROGRAM");
        let failed = run("sh -c 'echo no >&2; exit 3'");
        assert!(failed.to_string().ends_with(": no"), "{failed}");
        let hangs = signer("sh -c 'exec sleep 600'").with_timeout(Duration::from_millis(300));
        let hangs = hangs.sign(b"content").unwrap_err();
        assert_eq!(hangs.code(), "E_SIGNER_TIMEOUT");
        assert_eq!(run("head -c 300000 /dev/zero").code(), "E_TOO_LARGE");
        assert_eq!(run("cat").code(), "E_FORMAT");
    }
}
