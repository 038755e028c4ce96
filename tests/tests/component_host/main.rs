//! The component host, from outside: components that misbehave, and what becomes of the calls beside them.

mod cache;
mod compare;
mod contract;
mod limits;
mod load;
mod measure;
mod pool;
mod world;
