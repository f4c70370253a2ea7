//! HTTP on a developer's machine: whom a port answers, for how long it waits, how many it serves.
//!
//! A port on loopback is open to more than its developer. Every website that they visit can make their
//! browser call it, directly or by a name that it points to this machine (DNS rebinding), and so can
//! every other account of the machine. [`Door`] refuses the former by what a browser says of a request;
//! [`is_same`] compares the key that the latter do not have.

mod door;
mod serve;

pub use door::{Door, Refusal, Way, own_origins};
pub use serve::{Limits, Refuse, serve};

use subtle::ConstantTimeEq as _;

/// Whether the given secret is the right one, in a time that does not tell how much of it is right.
pub fn is_same(given: &str, right: &str) -> bool {
    given.as_bytes().ct_eq(right.as_bytes()).into()
}
