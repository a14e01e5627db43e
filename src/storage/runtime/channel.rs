//! Values passed from thread to thread, in the order in which they are sent.
//!
//! Unlike [`std::sync::mpsc`], which combines three kinds of channel and compiles ten times the code for every type
//! sent, this has one kind, and several threads may receive from one channel.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// An unbounded channel.
pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let queue = Queue { waiting: VecDeque::new(), senders: 1, is_received: true };
    let shared = Arc::new(Shared { queue: Mutex::new(queue), changed: Condvar::new() });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

/// The end at which values are sent. The channel closes when its last clone is dropped.
pub(crate) struct Sender<T>(Arc<Shared<T>>);

/// The end at which values arrive.
pub(crate) struct Receiver<T>(Arc<Shared<T>>);

struct Shared<T> {
    queue: Mutex<Queue<T>>,
    changed: Condvar,
}

struct Queue<T> {
    waiting: VecDeque<T>,
    senders: usize,
    is_received: bool,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        // No holder panics.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Sender<T> {
    /// Sends `value`; returns whether a receiver is left. If not, the value is dropped.
    pub(crate) fn send(&self, value: T) -> bool {
        let mut queue = self.0.lock();
        if queue.is_received {
            queue.waiting.push_back(value);
            self.0.changed.notify_one();
        }
        queue.is_received
    }
}

impl<T> Receiver<T> {
    /// Waits for the next value; `None` when all were received and no sender is left.
    pub(crate) fn recv(&self) -> Option<T> {
        let mut queue = self.0.lock();
        while queue.waiting.is_empty() && queue.senders > 0 {
            queue = self.0.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.waiting.pop_front()
    }

    /// The next value, if there is one now.
    pub(crate) fn try_recv(&self) -> Option<T> {
        self.0.lock().waiting.pop_front()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.lock().senders += 1;
        Sender(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.senders -= 1;
        if queue.senders == 0 {
            self.0.changed.notify_all();
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.is_received = false;
        // Dropped after the lock is released: their destructors may do anything.
        let waiting = std::mem::take(&mut queue.waiting);
        drop(queue);
        drop(waiting);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn values_arrive_once_and_in_order() {
        let (sender, receiver) = channel();
        let senders = [sender.clone(), sender.clone(), sender];
        let received: Vec<Vec<(usize, u32)>> = thread::scope(|scope| {
            for (k, sender) in senders.into_iter().enumerate() {
                scope.spawn(move || (0..1000).for_each(|i| assert!(sender.send((k, i)))));
            }
            let receive = || std::iter::from_fn(|| receiver.recv()).collect();
            let receivers = [scope.spawn(receive), scope.spawn(receive)];
            receivers.map(|thread| thread.join().unwrap()).into()
        });
        for values in &received {
            for k in 0..3 {
                assert!(values.iter().filter(|v| v.0 == k).is_sorted());
            }
        }
        let mut all = received.concat();
        all.sort_unstable();
        assert!(all.into_iter().eq((0..3).flat_map(|k| (0..1000).map(move |i| (k, i)))));
    }

    #[test]
    fn each_end_sees_that_the_other_is_gone() {
        let (sender, receiver) = channel();
        assert!(receiver.try_recv().is_none() && sender.send(1));
        drop(sender);
        assert_eq!((receiver.recv(), receiver.recv()), (Some(1), None));
        let (sender, receiver) = channel();
        let waiting = thread::spawn(move || receiver.recv());
        drop(sender);
        assert_eq!(waiting.join().unwrap(), None::<u8>);
        let (sender, receiver) = channel();
        let value = Arc::new(());
        assert!(sender.send(Arc::clone(&value)));
        drop(receiver);
        assert!(Arc::strong_count(&value) == 1 && !sender.send(value));
    }
}
