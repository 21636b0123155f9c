//! All tasks of a node, so that they end with it.

use std::sync::{Mutex, PoisonError};
use tokio::task::JoinSet;

/// The tasks; whatever still runs is aborted by [`Tasks::stop`] and on drop.
pub(crate) struct Tasks(Mutex<Option<JoinSet<()>>>);

impl Tasks {
    /// Room for tasks.
    pub fn new() -> Self {
        Self(Mutex::new(Some(JoinSet::new())))
    }

    /// Starts one, unless the node has stopped.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tasks) = tasks.as_mut() {
            while tasks.try_join_next().is_some() {}
            tasks.spawn(task);
        }
    }

    /// Aborts all and starts none any more.
    pub fn stop(&self) {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(tasks);
    }
}
