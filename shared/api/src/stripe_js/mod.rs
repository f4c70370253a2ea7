//! The options of Stripe.js, as `@stripe/stripe-js` 10 types them and in the form of JSON.
//!
//! What the types do not allow cannot be built here: a mode without its amount, two of Apple's
//! requests at once, a week as an interval. `tests/contract` holds what is built against the types
//! themselves. A member whose name ends in `Date` is RFC 3339, which a page turns into a `Date`.

mod apple_pay;
mod elements;
mod express_checkout;

pub use apple_pay::{
    ApplePay, ApplePayError, AutomaticReloadPaymentRequest, Deferred, DeferredPaymentRequest,
    FreeCancellation, RecurringPaymentRequest, Reload, TimeZone,
};
pub use elements::{Capture, Elements};
pub use express_checkout::ExpressCheckout;
