//! From a mail to a payment that waits for the shopper, such as one that the bank wants them to
//! approve. A saved Apple Pay method is never used while the shopper is there, so they approve the
//! payment in the sheet of its wallet as if it were new; in Apple's, if it had none with a sheet.

use perennial_api::{
    failure,
    stripe_js::{Capture, Elements, ExpressCheckout},
    unknown_link, without,
};
use perennial_flows::FlowError;
use perennial_http::{ApiError, Request, Response};
use perennial_stripe::{PaymentIntent, PaymentIntentStatus, metadata};
use perennial_types::{Money, PaymentIntentId, Shown, UserId, Wallet};
use secrecy::ExposeSecret;
use serde_json::json;
use url::Url;

use crate::{App, is_missing};

impl App {
    pub(crate) async fn authorize(
        &self,
        request: &Request,
        user: &UserId,
        payment: &PaymentIntentId,
    ) -> Result<Response, ApiError> {
        if !request.wants_json() {
            return Ok(Response::see_other(&self.page(request)));
        }
        let payment = self.payment_of(user, payment).await?;
        let waits = match payment.status {
            PaymentIntentStatus::RequiresPaymentMethod
            | PaymentIntentStatus::RequiresConfirmation
            | PaymentIntentStatus::RequiresAction => true,
            PaymentIntentStatus::Succeeded
            | PaymentIntentStatus::RequiresCapture
            | PaymentIntentStatus::Processing => {
                return Err(over(
                    "payment_already_made",
                    "This payment has been made already, so there is nothing left to approve.",
                    &payment,
                ));
            }
            PaymentIntentStatus::Canceled => {
                return Err(over(
                    "payment_canceled",
                    "The shop has canceled this payment. Nothing was charged, and nothing will be.",
                    &payment,
                ));
            }
            PaymentIntentStatus::Other(_) => false,
        };
        let currency = payment.currency.parse().ok();
        let (true, Some(currency), Some(secret)) = (waits, currency, &payment.client_secret) else {
            return Err(failure(FlowError::AnswerLacks("the state of a payment")));
        };
        let money = Money {
            amount: payment.amount,
            currency,
        };
        // The options have to say what the payment says.
        let saves = payment.setup_future_usage.is_some();
        let capture = match payment.capture_method.as_deref() {
            Some("manual") => Capture::Manual,
            _ => Capture::Automatic,
        };
        let body = json!({
            "payment": payment.id,
            "confirm": "payment",
            "client_secret": secret.expose_secret(),
            "publishable_key": self.api.publishable_key,
            "amount": payment.amount,
            "currency": payment.currency,
            "elements": Elements::payment(money, saves, capture),
            "express_checkout": ExpressCheckout::new(sheet_of(&payment), None),
            "return_url": self.shop.url.as_str(),
        });
        Ok(Response::json(200, &body))
    }

    /// The shop's page, which asks again for JSON with the same link.
    fn page(&self, request: &Request) -> Url {
        let mut page = without(self.shop.url.clone(), &["authorize"]);
        let link = request.query.get("link").map_or("", String::as_str);
        page.query_pairs_mut().append_pair("authorize", link);
        page
    }

    /// The payment, if it is one of this user's customer.
    async fn payment_of(
        &self,
        user: &UserId,
        id: &PaymentIntentId,
    ) -> Result<PaymentIntent, ApiError> {
        let customer = self.customer(user).await?.ok_or_else(unknown_link)?;
        let payment = match self.connections.stripe.read_payment(id).await {
            Ok(reply) => reply.value,
            Err(error) if is_missing(&error) => return Err(unknown_link().because(error)),
            Err(error) => return Err(failure(FlowError::Stripe(error))),
        };
        let theirs = payment.customer_id() == Some(&customer);
        if theirs && payment.livemode == self.connections.livemode {
            Ok(payment)
        } else {
            Err(unknown_link())
        }
    }
}

/// The wallet whose sheet the payment is approved in.
fn sheet_of(payment: &PaymentIntent) -> Wallet {
    let noted = payment.metadata.get(metadata::WALLET);
    let noted = noted.and_then(|name| name.parse::<Wallet>().ok());
    let with_sheet = noted.filter(|wallet| wallet.row().shown != Shown::Redirect);
    with_sheet.unwrap_or(Wallet::ApplePay)
}

fn over(code: &'static str, message: &'static str, payment: &PaymentIntent) -> ApiError {
    ApiError::new(409, code, message)
        .with("payment", json!(payment.id))
        .with("status", json!(payment.status.as_str()))
}
