//! The harness of the black-box tests: the real `trackside` executable behind a real Envoy, a model server that keeps what
//! it gets, and clients that send exact bytes.
//!
//! [`Stage`] gives a test all of it, of its own or shared with others; [`Way`] names one way through; [`Trackside`] alone
//! serves tests that speak to it without a gateway. Nothing of the product's own code runs in here save the generated
//! messages of [`direct`] and of the gateway's plugin.

mod answer;
mod bootstrap;
pub mod client;
pub mod direct;
mod envoy;
mod house;
pub mod load;
pub mod mirror;
pub mod mode;
pub mod place;
mod plugin;
pub mod process;
mod router;
pub mod routes;
pub mod scrape;
pub mod site;
mod stage;
pub mod stamp;
pub mod upstream;

pub use answer::{Answer, Own};
pub use bootstrap::{Backends, DENY};
pub use client::{Message, Reply, Upload};
pub use envoy::Envoy;
pub use house::{House, Plan};
pub use mode::{Http, Mode, Way};
pub use plugin::PLUGIN_SAW;
pub use router::Trackside;
pub use stage::{Exchange, Shared, Stage};
