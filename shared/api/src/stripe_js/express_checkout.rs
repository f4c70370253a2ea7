//! The argument of `elements.create("expressCheckout")`.

use std::collections::BTreeMap;

use perennial_types::{Shown, Wallet};
use serde::Serialize;

use super::ApplePay;

/// Options of an Express Checkout Element that shows one wallet and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExpressCheckout {
    /// By the button's name, whether it is shown. Each that is not named would be shown when Stripe thinks fit.
    payment_methods: BTreeMap<&'static str, &'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    apple_pay: Option<ApplePay>,
}

/// All buttons that the element has
/// (<https://docs.stripe.com/js/elements_object/create_express_checkout_element#express_checkout_element_create-options-paymentMethods>).
const BUTTONS: [&str; 6] = [
    "amazonPay",
    "applePay",
    "googlePay",
    "klarna",
    "link",
    "paypal",
];

impl ExpressCheckout {
    /// The wallet's button, with what Apple's sheet says about later payments. A payment that stands
    /// alone has nothing to say there.
    ///
    /// `always` shows the button before the shopper has set the wallet up. The wallets with a sheet are
    /// those that know it.
    pub fn new(wallet: Wallet, apple_pay: Option<ApplePay>) -> Self {
        let shown = match wallet.row().shown {
            Shown::Sheet { button } => button,
            Shown::Redirect => "",
        };
        let choose = |button| (button, if button == shown { "always" } else { "never" });
        Self {
            payment_methods: BUTTONS.into_iter().map(choose).collect(),
            apple_pay,
        }
    }
}
