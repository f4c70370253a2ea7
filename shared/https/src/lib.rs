//! The one TLS setup, for Stripe, AWS and CloudFormation.
//!
//! Left to themselves, the AWS SDK and reqwest each read the machine's certificate store and decode all of it:
//! three quarters of what a function did before its first request.

mod trust;

pub use trust::{HttpsError, Trust};
