//! What the functions reach of a request.

use crate::{Checkouts, Context, Customers, Events, payments::Payments, sweeps::Sweeps};

impl Context {
    /// The checkouts.
    pub fn checkouts(&self) -> Checkouts<'_> {
        Checkouts::of(self)
    }

    /// What the shop's servers ask for.
    pub fn payments(&self) -> Payments<'_> {
        Payments::of(self)
    }

    /// The customers at Stripe.
    pub fn customers(&self) -> Customers<'_> {
        Customers::of(self)
    }

    /// Stripe's events.
    pub fn events(&self) -> Events<'_> {
        Events::of(self)
    }

    /// The sweeps.
    pub fn sweeps(&self) -> Sweeps<'_> {
        Sweeps::of(self)
    }
}
