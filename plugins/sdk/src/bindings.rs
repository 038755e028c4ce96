//! The contract in Rust, generated from `wit/`.
//!
//! What the host offers is generated once, and every exported interface by itself on top of those types: a `Match` is
//! one type in all roles, and a component exports exactly what [`crate::export!`] names.

#![allow(unsafe_code, reason = "the canonical ABI reads and writes linear memory")]
#![allow(unreachable_pub, missing_debug_implementations, reason = "generated code")]

wit_bindgen::generate!({
    inline: "
        package trackside:sdk;
        world imports {
            include trackside:router/capabilities@0.1.0;
            import trackside:router/types@0.1.0;
            import trackside:router/current@0.1.0;
            import trackside:router/log@0.1.0;
            import trackside:router/metrics@0.1.0;
            import trackside:router/clock@0.1.0;
            import trackside:router/random@0.1.0;
            import trackside:router/artefact@0.1.0;
        }
    ",
    path: "../../wit",
    world: "trackside:sdk/imports",
    generate_all,
    generate_unused_types: true,
});

macro_rules! exports {
    ($($module:ident: $world:literal,)*) => {$(
        pub mod $module {
            wit_bindgen::generate!({
                inline: $world,
                path: "../../wit",
                with: { "trackside:router/types@0.1.0": crate::bindings::trackside::router::types },
                generate_all,
                pub_export_macro: true,
                default_bindings_module: "trackside_sdk::bindings",
            });
        }
    )*};
}

exports! {
    lifecycle: "package trackside:sdk; world lifecycle { export trackside:router/lifecycle@0.1.0; }",
    ask: "package trackside:sdk; world ask { export trackside:router/ask-extraction@0.1.0; }",
    signal: "package trackside:sdk; world signal { export trackside:router/signal-evaluation@0.1.0; }",
    ranking: "package trackside:sdk; world ranking { export trackside:router/decision-ranking@0.1.0; }",
    selector: "package trackside:sdk; world selector { export trackside:router/model-selection@0.1.0; }",
    request_plugin: "package trackside:sdk; world request-plugin { export trackside:router/request-processing@0.1.0; }",
    response_plugin: "package trackside:sdk; world response-plugin { export trackside:router/response-processing@0.1.0; }",
    response_stream: "package trackside:sdk; world response-stream { export trackside:router/response-streaming@0.1.0; }",
}
