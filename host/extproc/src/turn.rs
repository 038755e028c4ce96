//! A task's own way to let others go first. What stands behind a stream may ask it again for its next answer within the same
//! turn of the task, and to ask twice is all that the runtime's way waits for; the answers go out only when the turn is over.

use futures_util::task::AtomicWaker;
use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// The runtime's call, however often it is asked for meanwhile.
#[derive(Debug, Default)]
struct Turn {
    come: AtomicBool,
    waiting: AtomicWaker,
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.come.store(true, Ordering::Release);
        self.waiting.wake();
    }
}

/// Is ready when all that this thread had to do has been done once. Needs a tokio runtime.
pub(crate) async fn others_first() {
    let turn = Arc::new(Turn::default());
    let called = Waker::from(Arc::clone(&turn));
    // The first time it takes a waker along. To ask again would make it ready.
    let _ = pin!(tokio::task::yield_now()).poll(&mut Context::from_waker(&called));
    poll_fn(|context| {
        turn.waiting.register(context.waker());
        if turn.come.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::JoinSet;

    #[tokio::test]
    async fn whoever_asks_twice_in_one_turn_waits_for_the_others_all_the_same() {
        let done = Arc::new(AtomicBool::default());
        let (mut others, other) = (JoinSet::new(), Arc::clone(&done));
        others.spawn(async move { other.store(true, Ordering::Relaxed) });
        let mut turn = pin!(others_first());
        poll_fn(|context| match turn.as_mut().poll(context) {
            Poll::Pending => turn.as_mut().poll(context),
            ready => ready,
        })
        .await;
        assert!(done.load(Ordering::Relaxed));
    }
}
