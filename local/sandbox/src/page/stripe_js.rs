//! The script that stands for Stripe.js where the Stripe sandbox stands for Stripe.
//!
//! It has the calls that a checkout with a wallet makes, refuses what the real one refuses, sends the browser to the
//! sandbox's page in place of the wallet's, and opens a dialog in place of its sheet.

/// One script of several files. They share a scope of their own, so that the page sees `Stripe` and nothing else.
pub(super) const SCRIPT: &str = concat!(
    "(() => {\n\"use strict\";\n",
    include_str!("stripe_js/request.js"),
    include_str!("stripe_js/redirect.js"),
    include_str!("stripe_js/apple_request.js"),
    include_str!("stripe_js/apple_style.js"),
    include_str!("stripe_js/apple_sheet.js"),
    include_str!("stripe_js/express_checkout.js"),
    include_str!("stripe_js/elements.js"),
    include_str!("stripe_js/confirm.js"),
    include_str!("stripe_js/stripe.js"),
    "})();\n",
);
