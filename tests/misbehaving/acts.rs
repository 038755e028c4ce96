//! What every component can do at every stage.

use std::hint::black_box;

/// Does it, and comes back only from a word that is none of these.
pub(crate) fn act(does: &str) {
    match does {
        "trap" => trap(),
        "panic" => panic!("on purpose"),
        "recurse" => drop(black_box(recurse(1))),
        "spin" => spin(),
        "allocate" => allocate(),
        _ => {}
    }
}

/// Executes `unreachable`.
pub(crate) fn trap() -> ! {
    #[cfg(target_arch = "wasm32")]
    std::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    unreachable!("this component runs as wasm")
}

/// Never returns.
pub(crate) fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Calls itself without end.
#[allow(unconditional_recursion, reason = "that is the point")]
pub(crate) fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth + 1)) + depth)
}

/// Allocates without end.
pub(crate) fn allocate() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}
