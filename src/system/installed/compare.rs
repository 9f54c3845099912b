use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::attributes::difference;
use super::entry::{Comparer, hidden};
use super::finding::{Aspect, Class, Finding, Present, Report};
use super::place::{Place, Places};
use super::{Expected, Extra, InstalledError, Scope, WORK};
use crate::fsio::Dir;
use crate::payload::{EntryPath, FileKind};
use crate::progress::Progress;

/// How far a comparison goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// Everything but the contents of files: those are taken to be what length and time say.
    Quick,
    /// Every byte.
    #[default]
    Full,
}

/// What is compared, and how.
#[derive(Debug)]
pub struct Comparison {
    /// Which entries.
    pub scope: Scope,
    /// How far.
    pub depth: Depth,
    /// Where to look for what is not in the table.
    pub extra: Extra,
    /// How many threads work; by default one for each processor.
    pub threads: Option<NonZeroUsize>,
}

/// Entries that a thread takes at a time: neighbours, which are often in one directory.
const STRIDE: usize = 32;

/// Bytes read at a time: small enough to stay in a core's own cache.
const BUFFER: usize = 64 << 10;

/// Most threads.
const MAX_THREADS: usize = 64;

/// Compares what is below `root` with what is expected there; changes nothing.
///
/// Memory in use grows with what is found, and is otherwise a buffer for each thread.
pub fn compare(
    root: &Dir,
    expected: &Expected<'_>,
    comparison: &Comparison,
    progress: &dyn Progress,
) -> Result<Report, InstalledError> {
    let entries = expected.table.entries();
    let numbers = comparison.scope.numbers.iter();
    let sizes = numbers.filter_map(|number| Some(entries.get(*number)?.kind.size()));
    progress.begin(
        "compare",
        match comparison.depth {
            Depth::Full => sizes.sum(),
            Depth::Quick => 0,
        },
    );
    let work = Work {
        comparer: Comparer {
            root,
            expected,
            depth: comparison.depth,
            progress,
        },
        comparison,
        next: AtomicUsize::new(0),
        found: Mutex::new(Ok(Report::default())),
    };
    work.leftover()?;
    let available = || std::thread::available_parallelism().ok();
    let threads = comparison.threads.or_else(available);
    let threads = threads.map_or(1, NonZeroUsize::get).min(MAX_THREADS);
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| work.run());
        }
        work.run();
    });
    let found = work.found.into_inner();
    let mut report = found.unwrap_or_else(PoisonError::into_inner)?;
    report.findings.sort_by(|a, b| a.path.cmp(&b.path));
    report.compared = u64::try_from(comparison.scope.numbers.len()).unwrap_or(u64::MAX);
    report.filtered = comparison.scope.filtered;
    Ok(report)
}

/// What the threads share.
struct Work<'a> {
    comparer: Comparer<'a>,
    comparison: &'a Comparison,
    /// Where in the scope the next stride begins.
    next: AtomicUsize,
    found: Mutex<Result<Report, InstalledError>>,
}

impl Work<'_> {
    /// Takes strides until there are no more; hands in what was found, or the first error.
    fn run(&self) {
        let mut report = Report::default();
        let mut places = Places::new(self.comparer.root);
        let mut buffer = vec![0; BUFFER];
        let numbers = &self.comparison.scope.numbers;
        loop {
            let start = self.next.fetch_add(STRIDE, Ordering::Relaxed);
            // The names in the root itself belong to whoever takes the first stride.
            let first = (start == 0).then(|| self.root_itself(&mut report));
            let end = numbers.len().min(start.saturating_add(STRIDE));
            let stride = numbers.get(start..end).unwrap_or_default();
            let mut each = stride.iter();
            let result = first.unwrap_or(Ok(())).and_then(|()| {
                each.try_for_each(|number| self.one(*number, &mut places, &mut buffer, &mut report))
            });
            if let Err(error) = result {
                self.next.store(numbers.len(), Ordering::Relaxed);
                let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
                if found.is_ok() {
                    *found = Err(error);
                }
                return;
            }
            if end == numbers.len() {
                break;
            }
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(all) = &mut *found {
            all.findings.append(&mut report.findings);
            all.bytes = all.bytes.saturating_add(report.bytes);
        }
    }

    fn one(
        &self,
        number: usize,
        places: &mut Places<'_>,
        buffer: &mut [u8],
        report: &mut Report,
    ) -> Result<(), InstalledError> {
        let comparer = &self.comparer;
        if comparer.progress.cancelled() {
            return Err(InstalledError::Cancelled);
        }
        let Some(entry) = comparer.expected.table.entries().get(number) else {
            return Ok(());
        };
        let finding = match places.enter(entry.path.parent()) {
            Place::Missing => comparer.unreached(number, entry),
            Place::Mounted => Some(hidden(number, entry)),
            Place::Unreadable(error) => comparer.unreadable(number, entry, error),
            Place::Root | Place::Open(_) => match places.dir() {
                Some(dir) => comparer.entry(number, dir, buffer, &mut report.bytes)?,
                None => None,
            },
        };
        report.findings.extend(finding);
        let wants = &self.comparison.extra;
        if entry.kind == FileKind::Directory
            && wants.wants(Some(&entry.path), &comparer.expected.local)
        {
            places.enter(Some(entry.path.as_bytes()));
            if let Some(dir) = places.dir() {
                comparer.extra(Some(&entry.path), dir, &mut report.findings)?;
            }
        }
        Ok(())
    }

    fn root_itself(&self, report: &mut Report) -> Result<(), InstalledError> {
        let comparer = &self.comparer;
        let wants = self.comparison.extra.wants(None, &comparer.expected.local);
        if wants && !self.comparison.scope.filtered {
            comparer.extra(None, comparer.root, &mut report.findings)?;
        }
        Ok(())
    }

    /// Finds what an interrupted repair left.
    fn leftover(&self) -> Result<(), InstalledError> {
        let there = self.comparer.root.kind_of(WORK)?.is_some();
        let path = EntryPath::new(WORK.as_bytes()).ok().filter(|_| there);
        let Some(path) = path else { return Ok(()) };
        let aspect = difference(
            Aspect::Extra,
            String::new(),
            "interrupted repair".to_owned(),
        );
        let finding = Finding {
            path,
            class: Class::Leftover,
            differences: vec![aspect],
            number: None,
            present: Present::Directory { full: true },
            surplus: Vec::new(),
        };
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(report) = &mut *found {
            report.findings.push(finding);
        }
        Ok(())
    }
}
