//! The argument of `elements.create("expressCheckout")`.

use serde::Serialize;

use super::ApplePay;

/// Options of an Express Checkout Element that shows Apple Pay and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExpressCheckout {
    payment_methods: PaymentMethods,
    #[serde(skip_serializing_if = "Option::is_none")]
    apple_pay: Option<ApplePay>,
}

/// Which buttons are shown. Each wallet that is not named would be shown when Stripe thinks fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct PaymentMethods {
    apple_pay: Always,
    amazon_pay: Never,
    google_pay: Never,
    link: Never,
    paypal: Never,
    klarna: Never,
}

/// Only Apple Pay and Google Pay know it: the button is there before the shopper has set the wallet up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Always {
    Always,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Never {
    Never,
}

impl ExpressCheckout {
    /// Apple Pay, with what its sheet says about later payments. A payment that stands alone has
    /// nothing to say there.
    pub fn apple_pay(apple_pay: Option<ApplePay>) -> Self {
        Self {
            payment_methods: PaymentMethods {
                apple_pay: Always::Always,
                amazon_pay: Never::Never,
                google_pay: Never::Never,
                link: Never::Never,
                paypal: Never::Never,
                klarna: Never::Never,
            },
            apple_pay,
        }
    }
}
