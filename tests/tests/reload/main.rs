//! Files change while traffic flows: nothing fails, nothing is mixed, what is good serves and what is bad is refused.

mod example;
mod rollback;
mod storm;
mod watched;
mod witness;
