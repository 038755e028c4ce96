//! Keeps components free of WASI while their authors use ordinary `std`.
//!
//! In every Rust program the panic machinery of `std` can reach the C library's output, environment and process
//! functions, and through them about fourteen `wasi:` interfaces that a component would then import without ever
//! calling. The linker prefers a definition in the program to one in the C library, so the three functions at the root
//! are defined here: what is printed goes to the host's log, and the rest does what the sandbox would do anyway.

#![allow(unsafe_code, reason = "these are the C library's symbols, called with its pointers")]

use std::ffi::{c_char, c_int};

#[unsafe(no_mangle)]
extern "C" fn write(_descriptor: c_int, bytes: *const u8, length: usize) -> isize {
    // SAFETY: callers of `write` pass `length` readable bytes.
    let bytes = unsafe { std::slice::from_raw_parts(bytes, length) };
    crate::log::write(3, String::from_utf8_lossy(bytes).trim_end());
    length.cast_signed()
}

#[unsafe(no_mangle)]
extern "C" fn getenv(_name: *const c_char) -> *mut c_char {
    std::ptr::null_mut()
}

#[unsafe(no_mangle)]
extern "C" fn abort() -> ! {
    std::arch::wasm32::unreachable()
}
