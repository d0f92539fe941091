//! The same work for many things, on all cores.

use std::io;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use fs_err::File;

/// What `work` makes of each item, in the items' order.
pub(crate) fn map<I, R>(items: I, work: impl Fn(I::Item) -> R + Sync) -> Vec<R>
where
    I: IntoIterator<IntoIter: ExactSizeIterator + Send>,
    R: Send,
{
    // To ask takes reading files of the kernel's.
    static CORES: OnceLock<usize> = OnceLock::new();
    let cores = CORES.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get));
    on(*cores, items.into_iter(), work)
}

/// Two things at once.
pub(crate) fn both<A: Send, B>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        (one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), other)
    })
}

/// As [`map`], for work that waits more than it computes.
pub(crate) fn each<I, R>(items: I, work: impl Fn(I::Item) -> R + Sync) -> Vec<R>
where
    I: IntoIterator<IntoIter: ExactSizeIterator + Send>,
    R: Send,
{
    on(WAITING, items.into_iter(), work)
}

/// Waits until files or folders are on disk. All at once: one commit of the file system's journal does for all.
///
/// # Errors
/// One of them cannot be opened, or not be written to disk.
pub(crate) fn sync(paths: &[PathBuf]) -> io::Result<()> {
    each(paths, |path| File::open(path)?.sync_all()).into_iter().collect()
}

/// How many wait at once.
const WAITING: usize = 8;

fn on<I, R>(threads: usize, items: I, work: impl Fn(I::Item) -> R + Sync) -> Vec<R>
where
    I: ExactSizeIterator + Send,
    R: Send,
{
    let threads = threads.min(items.len());
    if threads <= 1 {
        return items.map(work).collect();
    }
    let items = Mutex::new(items.enumerate());
    let next = || items.lock().unwrap_or_else(PoisonError::into_inner).next();
    let one = || {
        let mut made = Vec::new();
        while let Some((number, item)) = next() {
            made.push((number, work(item)));
        }
        made
    };
    let mut made: Vec<(usize, R)> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(one)).collect();
        let mut made = one();
        for other in others {
            made.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        made
    });
    made.sort_unstable_by_key(|(number, _)| *number);
    made.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..1000).collect();
        let twice: Vec<usize> = items.iter().map(|item| item * 2).collect();
        assert_eq!(super::map(&items, |item| item * 2), twice);
        assert_eq!(super::each(items, |item| item * 2), twice);
        assert!(super::map(&[] as &[u8], |item| *item).is_empty());
        assert_eq!(super::both(|| 1, || 'a'), (1, 'a'));
    }
}
