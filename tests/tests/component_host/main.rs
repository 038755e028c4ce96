//! The component host, from outside: components that misbehave, and what becomes of the calls beside them.

mod apart;
mod cache;
mod compare;
mod contract;
#[path = "../../misbehaving/forge.rs"]
mod forge;
mod identity;
mod limits;
mod load;
mod measure;
mod pool;
mod world;
