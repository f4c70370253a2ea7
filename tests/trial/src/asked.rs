//! What was bought with a code and asked about a user, as a stage notes it.

use serde_json::Value;

/// What the addresses of the trial end with; none of them may stay anywhere but at Stripe.
pub const MAILBOX: &str = "@mail.example";

/// A promotion code for the first payment.
#[derive(Debug, Clone)]
pub struct Code {
    /// `promo_...`
    pub id: String,
    /// What the first payment is with it, in cents.
    pub first: i64,
    /// Whether the shop has ended it before anything was paid.
    pub is_ended: bool,
}

/// An address that a server has asked for.
#[derive(Debug, Clone)]
pub struct AskedEmail {
    /// Null for none.
    pub address: Value,
    /// Whether it was answered that Stripe has it.
    pub is_sure: bool,
}

/// What has become of a user whom a server has asked to erase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasing {
    /// There was no answer, or that it cannot be done now.
    Asked,
    /// It was answered that the user is erased.
    Sure,
}
