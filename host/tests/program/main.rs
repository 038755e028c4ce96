//! The program as its users meet it: the command line, the ports, the log, the end.

mod cli;
mod components;
mod process;
mod serve;
