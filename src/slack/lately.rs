//! What was read lately, so that it is not asked for again at once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Values by name, each for a while.
pub(crate) struct Lately<T> {
    kept_for: Duration,
    most: usize,
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    /// How often something was forgotten.
    forgotten: u64,
    values: HashMap<String, (Instant, T)>,
}

/// When reading began. What was forgotten since is not kept: it may have been read before it changed.
#[derive(Clone, Copy)]
pub(crate) struct Began {
    at: Instant,
    forgotten: u64,
}

impl<T: Clone> Lately<T> {
    /// Nothing yet; more values than `most` are forgotten rather than kept.
    pub(crate) fn new(kept_for: Duration, most: usize) -> Self {
        let inner = Inner { forgotten: 0, values: HashMap::new() };
        Self { kept_for, most, inner: Mutex::new(inner) }
    }

    /// The value, if it was read lately.
    pub(crate) fn get(&self, name: &str) -> Option<T> {
        let inner = self.lock();
        let (at, value) = inner.values.get(name)?;
        (at.elapsed() < self.kept_for).then(|| value.clone())
    }

    /// Before something is read.
    pub(crate) fn begin(&self) -> Began {
        Began { at: Instant::now(), forgotten: self.lock().forgotten }
    }

    /// Keeps what was read. `false`: something was forgotten meanwhile, so it may be old already.
    pub(crate) fn keep(&self, began: Began, name: &str, value: T) -> bool {
        let mut inner = self.lock();
        if inner.forgotten != began.forgotten {
            return false;
        }
        if inner.values.len() >= self.most {
            inner.values.clear();
        }
        inner.values.insert(name.to_owned(), (began.at, value));
        true
    }

    /// Forgets a value, and lets no reading that has begun bring it back.
    pub(crate) fn forget(&self, name: &str) {
        let mut inner = self.lock();
        inner.forgotten += 1;
        inner.values.remove(name);
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_while_it_was_read_is_not_kept() {
        let lately = Lately::new(Duration::from_secs(60), 2);
        assert!(lately.keep(lately.begin(), "a", 1) && lately.get("a") == Some(1));
        let began = lately.begin();
        lately.forget("a");
        assert!(!lately.keep(began, "a", 1) && lately.get("a").is_none());
        let none = Lately::new(Duration::ZERO, 2);
        assert!(none.keep(none.begin(), "a", 1) && none.get("a").is_none());
    }
}
