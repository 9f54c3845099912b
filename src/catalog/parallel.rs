use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::CatalogError;

/// Does the same with every item on all cores; the answers are in the order of the items.
///
/// The first error ends the work.
pub(super) fn map<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, CatalogError> + Sync,
) -> Result<Vec<R>, CatalogError> {
    let next = AtomicUsize::new(0);
    let done = items.iter().map(|_| Mutex::default()).collect::<Vec<_>>();
    let run = || -> Result<(), CatalogError> {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let (Some(item), Some(slot)) = (items.get(index), done.get(index)) else {
                return Ok(());
            };
            match work(item) {
                Ok(result) => *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(result),
                Err(error) => {
                    next.store(items.len(), Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(items.len()))
            .map(|_| scope.spawn(run))
            .collect();
        let own = run();
        let others = others.into_iter().map(|thread| {
            let ended = thread.join();
            // A thread that is gone has panicked, which it cannot.
            ended.unwrap_or(Err(CatalogError::Cancelled))
        });
        others.fold(own, Result::and)
    })?;
    let results = done.into_iter().filter_map(|slot| {
        let result = slot.into_inner();
        result.unwrap_or_else(PoisonError::into_inner)
    });
    Ok(results.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_order_and_the_first_error_ends_the_work() {
        let items: Vec<u32> = (0..1000).collect();
        let doubled = map(&items, |item| Ok(item * 2)).unwrap();
        assert_eq!(
            doubled,
            items.iter().map(|item| item * 2).collect::<Vec<_>>()
        );
        assert!(map(&items[..0], |item| Ok(*item)).unwrap().is_empty());
        let done = AtomicUsize::new(0);
        let error = map(&items, |_| -> Result<(), _> {
            done.fetch_add(1, Ordering::Relaxed);
            Err(CatalogError::Cancelled)
        });
        assert_eq!(error.unwrap_err().code(), "E_CANCELLED");
        // Each thread may have begun with one before it heard of the error.
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        assert!(done.into_inner() <= threads);
    }
}
