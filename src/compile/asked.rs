//! What the compiler was asked already. A run builds for several targets, and the compiler's answers are the same for all of
//! them as long as the question is: it is the environment's, which does not change while a run lasts.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The answers to one kind of question, by the question.
pub(super) struct Asked<Q, A>(Mutex<BTreeMap<Q, A>>);

impl<Q: Ord, A: Clone> Asked<Q, A> {
    pub(super) const fn new() -> Self {
        Asked(Mutex::new(BTreeMap::new()))
    }

    /// The answer to `question`, asked once. Whoever asks meanwhile waits; what failed is asked again.
    pub(super) fn once<E>(&self, question: Q, ask: impl FnOnce() -> Result<A, E>) -> Result<A, E> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answers.get(&question) {
            return Ok(answer.clone());
        }
        let answer = ask()?;
        answers.insert(question, answer.clone());
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_asked_once_unless_it_failed() {
        let asked: Asked<&str, u32> = Asked::new();
        assert_eq!(asked.once("a", || Err("not now")), Err("not now"));
        assert_eq!(asked.once("a", || Ok::<_, &str>(1)), Ok(1));
        assert_eq!(asked.once("a", || Ok::<_, &str>(2)), Ok(1));
        assert_eq!(asked.once("b", || Ok::<_, &str>(3)), Ok(3));
    }
}
