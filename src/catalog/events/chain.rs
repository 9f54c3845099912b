use rusqlite::Transaction;

use super::{Head, START, head, stored};

/// What is wrong with the log.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "problem", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ChainFinding {
    /// An entry is missing.
    Gap {
        /// Where one was expected.
        expected: u64,
        /// Where the next one is.
        found: u64,
    },
    /// An entry's content does not have the hash it carries.
    Changed {
        /// The entry.
        sequence: u64,
    },
    /// An entry does not follow from the one before it.
    Unlinked {
        /// The entry.
        sequence: u64,
    },
    /// The mirror beside the database says something else; what it lacks at its end is no finding.
    Mirror {
        /// The line, counted from 1.
        line: u64,
    },
    /// The log ends elsewhere than it should.
    End {
        /// The end on record.
        expected: Head,
        /// The end found.
        found: Head,
    },
}

impl std::fmt::Display for ChainFinding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gap { expected, found } => {
                write!(f, "entry {expected} is missing: the next one is {found}")
            }
            Self::Changed { sequence } => {
                write!(f, "entry {sequence} was changed after it was written")
            }
            Self::Unlinked { sequence } => {
                write!(f, "entry {sequence} does not follow from the one before it")
            }
            Self::Mirror { line } => {
                write!(
                    f,
                    "line {line} of events.jsonl is not the event in the database"
                )
            }
            Self::End { expected, found } => write!(
                f,
                "the log ends with entry {}: expected entry {} with hash {}",
                found.sequence, expected.sequence, expected.hash
            ),
        }
    }
}

/// Follows the chain from its first entry to its last; an empty answer means nothing was found wrong.
pub(in crate::catalog) fn verify(
    transaction: &Transaction<'_>,
) -> rusqlite::Result<Vec<ChainFinding>> {
    let mut statement = transaction.prepare(
        "SELECT sequence, time, kind, subject, actor, details, previous, hash
         FROM event ORDER BY sequence",
    )?;
    let mut rows = statement.query([])?;
    let mut findings = Vec::new();
    let mut last = START;
    while let Some(row) = rows.next()? {
        let event = stored(row)?;
        let expected = last.sequence.saturating_add(1);
        if event.sequence != expected {
            let found = event.sequence;
            findings.push(ChainFinding::Gap { expected, found });
        } else if event.previous != last.hash {
            findings.push(ChainFinding::Unlinked {
                sequence: event.sequence,
            });
        }
        if !event.is_intact() {
            findings.push(ChainFinding::Changed {
                sequence: event.sequence,
            });
        }
        last = event.place();
    }
    let expected = head(transaction)?;
    if expected != last {
        let found = last;
        findings.push(ChainFinding::End { expected, found });
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::super::testing::log;
    use super::*;
    use crate::catalog::database::Database;

    fn tamper(database: &mut Database, statement: &str) -> Vec<ChainFinding> {
        database
            .write("test", |transaction| {
                transaction.execute_batch(
                    "DROP TRIGGER event_keeps_its_past; DROP TRIGGER event_stays;",
                )?;
                transaction.execute_batch(statement)
            })
            .unwrap();
        database.read("test", verify).unwrap()
    }

    #[test]
    fn an_untouched_log_has_no_findings_and_reads_back() {
        let (_home, mut database) = log(5);
        assert_eq!(database.read("test", verify).unwrap(), []);
        let all = read(&mut database, None).unwrap();
        let last = read(&mut database, Some(2)).unwrap();
        assert_eq!(read(&mut database, Some(0)).unwrap(), []);
        assert_eq!(all.len(), 5);
        assert_eq!(last, all[3..]);
        assert_eq!(all[4].details["number"], 5);
        assert_eq!(all[1].previous, all[0].hash);
        let head = database.read("test", head).unwrap();
        assert_eq!((head.sequence, head.hash), (5, all[4].hash));
        let (_home, mut empty) = log(0);
        assert_eq!(empty.read("test", verify).unwrap(), []);
    }

    #[test]
    fn every_way_to_tamper_is_found() {
        for column in [
            "time = time + 1",
            "kind = 'x'",
            "subject = 'x'",
            "actor = 'x'",
            "details = '[]'",
        ] {
            let (_home, mut database) = log(4);
            let statement = format!("UPDATE event SET {column} WHERE sequence = 2");
            let findings = tamper(&mut database, &statement);
            assert_eq!(
                findings,
                [ChainFinding::Changed { sequence: 2 }],
                "{column}"
            );
        }
        let (_home, mut database) = log(4);
        let findings = tamper(&mut database, "DELETE FROM event WHERE sequence = 2");
        assert_eq!(
            findings,
            [ChainFinding::Gap {
                expected: 2,
                found: 3
            }]
        );
        let (_home, mut database) = log(4);
        let findings = tamper(&mut database, "DELETE FROM event WHERE sequence = 4");
        assert!(
            matches!(findings[..], [ChainFinding::End { .. }]),
            "{findings:?}"
        );
        let (_home, mut database) = log(4);
        let statement = "UPDATE event SET hash = zeroblob(32) WHERE sequence = 2";
        let findings = tamper(&mut database, statement);
        assert_eq!(
            findings,
            [
                ChainFinding::Changed { sequence: 2 },
                ChainFinding::Unlinked { sequence: 3 }
            ]
        );
        let (_home, mut database) = log(4);
        let statement = "UPDATE event SET previous = zeroblob(32) WHERE sequence = 3";
        let findings = tamper(&mut database, statement);
        assert_eq!(
            findings,
            [
                ChainFinding::Unlinked { sequence: 3 },
                ChainFinding::Changed { sequence: 3 }
            ]
        );
    }
}
