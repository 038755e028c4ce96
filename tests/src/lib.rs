//! The harness of the black-box tests: the real `trackside` executable behind a real Envoy, a model server that keeps what
//! it gets, and clients that send exact bytes.
//!
//! [`Stage`] starts all of it; [`Way`] names one way through; [`Trackside`] alone serves tests that speak to it without a
//! gateway. Nothing of the product's own code runs in here save the generated messages of [`direct`].

mod bootstrap;
mod client;
pub mod direct;
mod envoy;
pub mod mode;
pub mod place;
pub mod process;
mod router;
pub mod scrape;
mod stage;
pub mod upstream;

pub use bootstrap::{Backends, DENY, REFUSE};
pub use client::{Message, Reply, Upload};
pub use envoy::Envoy;
pub use mode::{Http, Way};
pub use router::Trackside;
pub use stage::{Exchange, Stage};
