//! Work on numbered frames by several threads, with results in order and bounded memory.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::PayloadError;
use super::limits::MAX_THREADS;
use crate::digest::{Hasher, Sha256Digest};

/// The threads to use: as many as asked for, else one for each processor; never more than
/// [`MAX_THREADS`].
pub(super) fn threads(wanted: Option<NonZeroUsize>) -> usize {
    let found = wanted.or_else(|| std::thread::available_parallelism().ok());
    found.map_or(1, NonZeroUsize::get).min(MAX_THREADS)
}

/// Does `work` for the numbers 0 to `count` - 1 on `threads` threads and gives the results to
/// `deliver` on this one, in order.
///
/// Each thread has its own state, made by `prepare`. Results wait for their turn, but no work begins
/// on a number that is more than two rounds ahead of what was delivered. The first error in the
/// order of the numbers ends it all; `stop` is called to wake threads that wait for each other.
pub(super) fn in_order<State, Done: Send>(
    count: usize,
    threads: usize,
    prepare: impl Fn() -> Result<State, PayloadError> + Sync,
    work: impl Fn(&mut State, usize) -> Result<Done, PayloadError> + Sync,
    stop: impl Fn() + Sync,
    mut deliver: impl FnMut(Done) -> Result<(), PayloadError>,
) -> Result<(), PayloadError> {
    let threads = threads.min(count).max(1);
    let queue = Queue {
        state: Mutex::new(QueueState {
            next: 0,
            delivered: 0,
            workers: threads,
            stopped: false,
            done: BTreeMap::new(),
        }),
        moved: Condvar::new(),
        count,
        ahead: threads * 2,
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let leaving = Leaving {
                    queue: &queue,
                    stop: &stop,
                };
                let mut state = prepare();
                while let Some(number) = queue.claim() {
                    let result = match &mut state {
                        Ok(state) => work(state, number),
                        Err(_) => break,
                    };
                    let failed = result.is_err();
                    queue.hand_in(number, result);
                    if failed {
                        break;
                    }
                }
                if let Err(error) = state {
                    queue.fail(error);
                }
                drop(leaving);
            });
        }
        let mut result = Ok(());
        for number in 0..count {
            result = queue.collect(number).and_then(&mut deliver);
            if result.is_err() {
                break;
            }
            queue.delivered();
        }
        queue.stop();
        stop();
        result
    })
}

struct Queue<Done> {
    state: Mutex<QueueState<Done>>,
    moved: Condvar,
    count: usize,
    ahead: usize,
}

struct QueueState<Done> {
    /// The lowest number nobody has claimed.
    next: usize,
    delivered: usize,
    workers: usize,
    stopped: bool,
    done: BTreeMap<usize, Result<Done, PayloadError>>,
}

impl<Done> Queue<Done> {
    /// The next number to work on, once it is near enough; `None` when there is no more to do.
    fn claim(&self) -> Option<usize> {
        let mut state = lock(&self.state);
        loop {
            if state.stopped || state.next == self.count {
                return None;
            }
            if state.next < state.delivered + self.ahead {
                state.next += 1;
                return Some(state.next - 1);
            }
            state = wait(&self.moved, state);
        }
    }

    fn hand_in(&self, number: usize, result: Result<Done, PayloadError>) {
        lock(&self.state).done.insert(number, result);
        self.moved.notify_all();
    }

    /// A worker could not begin: whatever is collected next fails with this error.
    fn fail(&self, error: PayloadError) {
        let mut state = lock(&self.state);
        let number = state.delivered;
        state.done.entry(number).or_insert(Err(error));
        state.stopped = true;
        self.moved.notify_all();
    }

    fn collect(&self, number: usize) -> Result<Done, PayloadError> {
        let mut state = lock(&self.state);
        loop {
            if let Some(result) = state.done.remove(&number) {
                return result;
            }
            // A worker that panicked: the panic goes on when the threads are joined.
            if state.workers == 0 {
                return Err(PayloadError::Cancelled);
            }
            state = wait(&self.moved, state);
        }
    }

    fn delivered(&self) {
        lock(&self.state).delivered += 1;
        self.moved.notify_all();
    }

    fn stop(&self) {
        lock(&self.state).stopped = true;
        self.moved.notify_all();
    }
}

/// Counts a worker out, however it ends.
struct Leaving<'a, Done, Stop: Fn()> {
    queue: &'a Queue<Done>,
    stop: &'a Stop,
}

impl<Done, Stop: Fn()> Drop for Leaving<'_, Done, Stop> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.queue.stop();
            (self.stop)();
        }
        lock(&self.queue.state).workers -= 1;
        self.queue.moved.notify_all();
    }
}

/// Hashes files whose contents are spread over several frames, piece after piece.
///
/// Threads hold the pieces in any order; each waits for its turn. That cannot lock up, because
/// frames are claimed in order and a piece only waits for pieces of frames before its own.
#[derive(Debug, Default)]
pub(super) struct Relay {
    state: Mutex<RelayState>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct RelayState {
    stopped: bool,
    /// For each file begun: how much is hashed, and the hash, unless a thread is at work on it.
    files: HashMap<usize, (u64, Option<Hasher>)>,
}

impl Relay {
    /// Adds `bytes`, which begin at `offset` of file `number`; gives the digest when they end it.
    ///
    /// Fails as cancelled when the work was stopped while it waited.
    pub(super) fn update(
        &self,
        number: usize,
        offset: u64,
        bytes: &[u8],
        size: u64,
    ) -> Result<Option<Sha256Digest>, PayloadError> {
        let mut hasher = self.take(number, offset)?;
        hasher.update(bytes);
        let end = offset + super::convert::wide(bytes.len());
        let mut state = lock(&self.state);
        let digest = if end == size {
            state.files.remove(&number);
            Some(hasher.finish())
        } else {
            state.files.insert(number, (end, Some(hasher)));
            None
        };
        drop(state);
        self.moved.notify_all();
        Ok(digest)
    }

    /// Wakes all who wait, and lets nobody wait again.
    pub(super) fn stop(&self) {
        lock(&self.state).stopped = true;
        self.moved.notify_all();
    }

    fn take(&self, number: usize, offset: u64) -> Result<Hasher, PayloadError> {
        let mut state = lock(&self.state);
        loop {
            if state.stopped {
                return Err(PayloadError::Cancelled);
            }
            if offset == 0 {
                return Ok(Hasher::new());
            }
            match state.files.get_mut(&number) {
                Some((done, hasher)) if *done == offset => {
                    if let Some(hasher) = hasher.take() {
                        return Ok(hasher);
                    }
                }
                _ => {}
            }
            state = wait(&self.moved, state);
        }
    }
}

/// Buffers that are used again instead of being allocated anew.
#[derive(Debug, Default)]
pub(super) struct Spare(Mutex<Vec<Vec<u8>>>);

impl Spare {
    pub(super) fn take(&self) -> Vec<u8> {
        lock(&self.0).pop().unwrap_or_default()
    }

    pub(super) fn give(&self, buffer: Vec<u8>) {
        lock(&self.0).push(buffer);
    }
}

/// A panic elsewhere does not make the state wrong: it is changed in single steps.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition
        .wait(guard)
        .unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_from_any_number_of_threads() {
        for threads in 1..6 {
            let mut seen = Vec::new();
            let relay = Relay::default();
            let digests = Mutex::new(Vec::new());
            let work = |(): &mut (), number: usize| {
                let offset = super::super::convert::wide(number) * 3;
                let digest = relay.update(0, offset, b"abc", 300)?;
                lock(&digests).extend(digest);
                Ok(number)
            };
            let deliver = |number| {
                seen.push(number);
                Ok(())
            };
            in_order(100, threads, || Ok(()), work, || relay.stop(), deliver).unwrap();
            assert_eq!(seen, (0..100).collect::<Vec<_>>());
            let whole = Sha256Digest::of(&b"abc".repeat(100));
            assert_eq!(*lock(&digests), [whole]);
        }
    }

    #[test]
    fn the_first_error_in_order_ends_everything() {
        let relay = Relay::default();
        let work = |(): &mut (), number: usize| {
            if number == 7 {
                return Err(PayloadError::Level {
                    found: 7,
                    highest: 0,
                });
            }
            // All behind the failed piece wait for it.
            let offset = super::super::convert::wide(number);
            relay.update(0, offset, b"x", 100).map(drop)
        };
        let result = in_order(100, 4, || Ok(()), work, || relay.stop(), Ok);
        assert_eq!(result.unwrap_err().code(), "E_LEVEL");
        let unprepared = || Err::<(), _>(PayloadError::Cancelled);
        let result = in_order(3, 2, unprepared, |(), _| Ok(()), || (), Ok);
        assert_eq!(result.unwrap_err().code(), "E_CANCELLED");
    }
}
