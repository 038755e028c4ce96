//! Macros that make a named test of each way through the gateway, so that a failure names the way.

/// One test per listener over HTTP/1 and one over HTTP/2, in modules named after the promise and the listener.
macro_rules! each {
    ($house:ident, $promise:ident: $($mode:ident)+) => {
        each! { $house, $promise, $promise: $($mode)+ }
    };
    ($house:ident, $module:ident, $promise:ident: $($mode:ident)+) => {
        mod $module {
            $(mod $mode {
                #[tokio::test]
                async fn over_http1() {
                    if let Some(stage) = crate::$house().await {
                        super::super::$promise(&stage, trackside_tests::Way::http1(stringify!($mode))).await;
                    }
                }

                #[tokio::test]
                async fn over_http2() {
                    if let Some(stage) = crate::$house().await {
                        super::super::$promise(&stage, trackside_tests::Way::http2(stringify!($mode))).await;
                    }
                }
            })+
        }
    };
}

/// In every mode in which Trackside sees whole bodies before headers go on.
macro_rules! routed {
    ($house:ident, $($promise:ident),+) => {
        each! { $house, $($promise),+:
            aibrix buffered buffered_both buffered_streamed buffered_duplex buffered_streamed_override
            partial partial_both
            duplex duplex_buffered duplex_streamed duplex_both duplex_override
            none_override
        }
    };
}

/// In every mode in which bodies come piece by piece behind headers that have gone on.
macro_rules! streamed {
    ($house:ident, $($promise:ident),+) => {
        each! { $house, $($promise),+: streamed streamed_both streamed_override trailers_streamed streamed_early }
    };
}

/// In every mode that shows no request bodies.
macro_rules! bodiless {
    ($house:ident, $($promise:ident),+) => {
        each! { $house, $($promise),+: none none_streamed trailers_none }
    };
}

/// In every pair of body modes.
macro_rules! every {
    ($house:ident, $($promise:ident),+) => {
        each! { $house, $($promise),+:
            aibrix buffered buffered_both buffered_streamed buffered_duplex buffered_streamed_override
            partial partial_both
            duplex duplex_buffered duplex_streamed duplex_both duplex_override duplex_both_override
            streamed streamed_both streamed_override streamed_early
            none none_streamed none_override
            trailers_buffered trailers_partial trailers_streamed trailers_none
            response_headers_skipped response_headers_skipped_duplex
            listed listed_duplex strict hidden hidden_duplex
        }
    };
}

/// One test per row of a table, named by it, whose cells are the arguments of a check.
macro_rules! rows {
    ($house:ident, $check:ident: $($name:ident($($cell:expr),* $(,)?);)+) => {
        mod $check {
            #[allow(unused_imports, reason = "what cells are written with")]
            use super::*;

            $(#[tokio::test]
            async fn $name() {
                if let Some(stage) = crate::$house().await {
                    super::$check(&stage, $($cell),*).await;
                }
            })+
        }
    };
}
