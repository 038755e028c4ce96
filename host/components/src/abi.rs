//! The contracts that this host speaks, one module per frozen version of the WIT package.

pub(crate) mod v0_1;
