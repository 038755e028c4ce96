//! The built-in components, as the bytes that anybody's component would be. They are built from `plugins/` when this
//! crate is, and take the same way into the host as a stranger's.
//!
//! [`BUILT_IN`] lists them. This crate depends on nothing: it is a table.

/// A component that comes with the program.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// Its folder in `plugins/`, such as `signal-keyword`.
    pub name: &'static str,
    /// The component.
    pub wasm: &'static [u8],
}

/// All of them, by name.
pub static BUILT_IN: &[BuiltIn] = include!(concat!(env!("OUT_DIR"), "/built_in.rs"));

impl BuiltIn {
    /// The capabilities that it is granted, by the names of their interfaces.
    #[must_use]
    pub fn grants(&self) -> &'static [&'static str] {
        match self.name {
            "signal-domain" => &["embeddings", "neighbours"],
            "plugin-tool-selection"
            | "plugin-tools"
            | "signal-complexity"
            | "signal-embedding"
            | "signal-preference"
            | "signal-reask" => &["embeddings"],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_is_a_component() {
        const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
        for built_in in BUILT_IN {
            assert!(built_in.wasm.starts_with(COMPONENT), "{} is not a component", built_in.name);
        }
    }

    #[test]
    fn grants_go_to_components_that_exist() {
        let granted = BUILT_IN.iter().filter(|built_in| !built_in.grants().is_empty()).map(|built_in| built_in.name);
        let expected = [
            "plugin-tool-selection",
            "plugin-tools",
            "signal-complexity",
            "signal-domain",
            "signal-embedding",
            "signal-preference",
            "signal-reask",
        ];
        assert_eq!(granted.collect::<Vec<_>>(), expected);
    }
}
