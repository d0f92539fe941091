//! Answers that are found once.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Answers by what was asked, for as many threads as like. What could not be answered is asked again.
#[derive(Debug)]
pub(crate) struct Memo<Q, A>(Mutex<BTreeMap<Q, A>>);

impl<Q, A> Memo<Q, A> {
    /// Nothing was asked yet.
    pub const fn new() -> Self {
        Memo(Mutex::new(BTreeMap::new()))
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Q, A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Q, A> Default for Memo<Q, A> {
    fn default() -> Self {
        Memo::new()
    }
}

impl<Q: Ord, A: Clone> Memo<Q, A> {
    /// The answer, which `find` finds where nobody has asked before. Two that ask at once may both find it, and get one answer.
    pub fn get<B: Ord + ToOwned<Owned = Q> + ?Sized>(&self, asked: &B, find: impl FnOnce() -> A) -> A
    where
        Q: Borrow<B>,
    {
        match self.try_get(asked, || Ok::<A, Infallible>(find())) {
            Ok(answer) => answer,
        }
    }

    /// As [`Memo::get`].
    ///
    /// # Errors
    /// That of `find`.
    pub fn try_get<B, E>(&self, asked: &B, find: impl FnOnce() -> Result<A, E>) -> Result<A, E>
    where
        Q: Borrow<B>,
        B: Ord + ToOwned<Owned = Q> + ?Sized,
    {
        if let Some(answer) = self.known().get(asked) {
            return Ok(answer.clone());
        }
        // Not under the lock: to find one answer may take another.
        let answer = find()?;
        Ok(self.known().entry(asked.to_owned()).or_insert(answer).clone())
    }

    /// As [`Memo::try_get`], of what is dear: whoever asks meanwhile waits, whatever it is. `find` must not ask here.
    ///
    /// # Errors
    /// That of `find`.
    pub fn once<E>(&self, asked: Q, find: impl FnOnce() -> Result<A, E>) -> Result<A, E> {
        let mut known = self.known();
        if let Some(answer) = known.get(&asked) {
            return Ok(answer.clone());
        }
        let answer = find()?;
        known.insert(asked, answer.clone());
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_once_and_an_error_is_none() {
        let memo = Memo::<String, usize>::default();
        assert_eq!(memo.try_get("a", || Err("not now")), Err("not now"));
        assert_eq!(memo.get("a", || 1), 1);
        assert_eq!(memo.get("a", || 2), 1);
        assert_eq!(memo.try_get("a", || Err("not now")), Ok(1));
        // To find one answer may take another.
        assert_eq!(memo.get("b", || 10 + memo.get("a", || 3)), 11);
        assert_eq!(memo.once("c".to_owned(), || Err("not now")), Err("not now"));
        assert_eq!(memo.once("c".to_owned(), || Ok::<_, &str>(4)), Ok(4));
        assert_eq!(memo.once("a".to_owned(), || Ok::<_, &str>(5)), Ok(1));
    }

    #[test]
    fn what_is_dear_is_found_by_one_while_others_wait() {
        let memo = Memo::<(), usize>::new();
        let found = std::sync::atomic::AtomicUsize::new(0);
        let find = || -> Result<usize, Infallible> {
            std::thread::sleep(std::time::Duration::from_millis(20));
            Ok(found.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
        };
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..4).map(|_| scope.spawn(|| memo.once((), find))).collect();
            assert!(all.into_iter().all(|one| one.join().unwrap() == Ok(0)));
        });
        assert_eq!(found.into_inner(), 1);
    }
}
