//! Acts on what happens outside: files that change, and the hang-up signal.

use super::{Cause, Reloads};
use crate::shutdown::Hangup;
use crate::watch::{Watch, WatchBy};

/// Makes generations for as long as it is polled.
pub(crate) async fn follow(reloads: Reloads, by: WatchBy, mut hangup: Hangup) {
    let mut watch = Watch::start(by);
    loop {
        watch.cover(&reloads.watched());
        let cause = tokio::select! {
            changed = watch.changed() => Cause::File(changed),
            () = hangup.next() => Cause::Signal,
        };
        reloads.reload(cause).await;
    }
}
