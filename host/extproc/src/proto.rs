//! Envoy's ExtProc v3 messages and stubs, generated from `proto/` when the crate is built.

pub use generated::envoy::{
    config::core::v3::{HeaderMap, HeaderValue, HeaderValueOption, Metadata, header_value_option::HeaderAppendAction},
    extensions::filters::http::ext_proc::v3::{
        ProcessingMode,
        processing_mode::{BodySendMode, HeaderSendMode},
    },
    service::ext_proc::v3::*,
    r#type::v3::HttpStatus,
};

#[allow(clippy::all, clippy::nursery, missing_debug_implementations, rust_2018_idioms, unreachable_pub)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/envoy.rs"));
}
