//! A plugin that says which version of it is at work, in a header of the request.
//!
//! Tests make as many versions of it as they need, each a component that nobody has seen before, by writing other bytes over
//! [`VERSION`] in the compiled file. The first byte says what a version does.

use std::hint::black_box;
use trackside_sdk::{Component, Edit, Failure, NoSettings, RequestHead, RequestPlugin, Route, Verdict};

/// `v` stamps, `c` traps while it is configured, `e` traps while it is asked about a request.
const VERSION: &str = "v-stamp-version-0000000000000000";

/// The plugin.
#[derive(Debug)]
pub struct Stamp;

impl Component for Stamp {
    type Settings = NoSettings;
    const SERVES: &'static str = "stamp";

    fn configure(NoSettings {}: NoSettings) -> Result<Self, Failure> {
        trap_if(b'c');
        Ok(Self)
    }
}

impl RequestPlugin for Stamp {
    fn on_request(&self, _head: &RequestHead, _route: &Route) -> Result<Verdict, Failure> {
        trap_if(b'e');
        Ok(Verdict::Proceed(vec![Edit::SetHeader(("x-stamp".to_owned(), version().to_owned()))]))
    }
}

trackside_sdk::export!(request-plugin: Stamp);

/// The bytes as they are in the file, not as they were when it was compiled.
fn version() -> &'static str {
    black_box(VERSION)
}

fn trap_if(deed: u8) {
    if version().as_bytes().first() == Some(&deed) {
        #[cfg(target_arch = "wasm32")]
        std::arch::wasm32::unreachable();
    }
}
