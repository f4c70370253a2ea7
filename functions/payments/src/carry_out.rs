//! From a request to what is done about it.

use perennial_api::{api_url, request_fingerprint, request_key};
use perennial_flows::{
    Context,
    payments::{PaymentOperation, RequestKey},
};
use perennial_http::{ApiError, Request, Response, read_json};
use perennial_types::{PaymentIntentId, PaymentMethodId};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use url::Url;

use crate::answer::{self, created, payment_error, unknown_payment};
use crate::app::App;
use crate::ask::{CancelAsk, CaptureAsk, IncrementAsk, MigrateAsk, PayAsk, RefundAsk};
use crate::page::Page;

/// What is asked for, and the key under which it is carried out.
type Asking = Result<(RequestKey, PaymentOperation), ApiError>;

impl App {
    pub(crate) async fn pay(
        &self,
        context: &Context,
        request: &Request,
    ) -> Result<Response, ApiError> {
        let (asked, ask): (_, PayAsk) = read_asked(request)?;
        let base = self.base(request)?;
        let (operation, page) = if ask.saved_method().is_some() {
            (PaymentOperation::Charge(ask.charge()?), None)
        } else {
            let number = match ask.apple_pay {
                Some(_) => context
                    .customers()
                    .link_number(&ask.user)
                    .await
                    .map_err(perennial_api::failure)?,
                None => 0,
            };
            let management = self.links.manage_saved(&base, &ask.user, number);
            let page = Page::new(&ask, &management, self.clock.now())?;
            let start = ask.start(page.can_be_shown())?;
            (PaymentOperation::Start(start), Some(page))
        };
        let answer = context.payments().request(&asked, &operation).await;
        let answer = answer.map_err(|error| match &page {
            Some(page) => page.explain(payment_error(error)),
            None => payment_error(error),
        })?;
        let body = self
            .describe(context, &base, answer.payment.clone())
            .await?;
        match page {
            Some(page) => {
                let key = &self.api.publishable_key;
                let body = page.add_to(body, &answer.payment, key);
                Ok(Response::json(created(answer.created), &body))
            }
            None => answer::charged(&answer, body),
        }
    }

    pub(crate) async fn change(
        &self,
        context: &Context,
        request: &Request,
        read: fn(&Request, PaymentIntentId) -> Asking,
    ) -> Result<Response, ApiError> {
        let payment = payment_of(request)?;
        let base = self.base(request)?;
        let (asked, operation) = read(request, payment)?;
        let answer = context.payments().request(&asked, &operation).await;
        let answer = answer.map_err(payment_error)?;
        let mut body = self.describe(context, &base, answer.payment).await?;
        let mut status = 200;
        if let Some(refund) = &answer.refund {
            body.insert("refund".to_owned(), json!(refund));
            status = created(answer.created);
        }
        Ok(Response::json(status, &body))
    }

    pub(crate) async fn show(
        &self,
        context: &Context,
        request: &Request,
    ) -> Result<Response, ApiError> {
        let base = self.base(request)?;
        let payment = context.payments().report_of(&payment_of(request)?).await;
        let payment = payment.map_err(payment_error)?;
        let body = self.describe(context, &base, payment).await?;
        Ok(Response::json(200, &body))
    }

    pub(crate) async fn migrate(
        &self,
        context: &Context,
        request: &Request,
    ) -> Result<Response, ApiError> {
        let (asked, ask): (_, MigrateAsk) = read_asked(request)?;
        let ask = ask.parse(self.shop.page(None))?;
        let migrated = context.payments().migrate_token(&asked, &ask).await;
        answer::migrated(&migrated.map_err(payment_error)?)
    }

    pub(crate) async fn diagnose(
        &self,
        context: &Context,
        request: &Request,
    ) -> Result<Response, ApiError> {
        let user = request.query.get("user").ok_or_else(|| {
            let message =
                "Say whose method it is: /payment-methods/{payment_method}/diagnosis?user=<user>.";
            ApiError::new(400, "missing_field", message)
        })?;
        let unknown = answer::unknown_method;
        let user = user.parse().map_err(|_| unknown())?;
        let method = request.parameter("payment_method");
        let method: PaymentMethodId = method.parse().map_err(|_| unknown())?;
        let diagnosis = context.payments().diagnose(&user, &method).await;
        Ok(Response::json(200, &diagnosis.map_err(payment_error)?))
    }

    /// The address of this API, below which the links lie.
    fn base(&self, request: &Request) -> Result<Url, ApiError> {
        api_url(&self.api, request, "")
    }
}

pub(crate) fn increment(request: &Request, payment: PaymentIntentId) -> Asking {
    let (asked, IncrementAsk { amount }) = read_asked(request)?;
    Ok((asked, PaymentOperation::Increment { payment, amount }))
}

pub(crate) fn capture(request: &Request, payment: PaymentIntentId) -> Asking {
    let (asked, CaptureAsk { amount }) = read_asked(request)?;
    Ok((asked, PaymentOperation::Capture { payment, amount }))
}

pub(crate) fn cancel(request: &Request, payment: PaymentIntentId) -> Asking {
    let (asked, CancelAsk {}) = read_asked(request)?;
    Ok((asked, PaymentOperation::Cancel { payment }))
}

pub(crate) fn refund(request: &Request, payment: PaymentIntentId) -> Asking {
    let (asked, RefundAsk { amount, reason }) = read_asked(request)?;
    Ok((
        asked,
        PaymentOperation::Refund {
            payment,
            amount,
            reason,
        },
    ))
}

/// The body and the key under which it is carried out.
fn read_asked<T: DeserializeOwned + Serialize>(
    request: &Request,
) -> Result<(RequestKey, T), ApiError> {
    let key = request_key(request)?;
    let ask: T = read_json(request)?;
    let fingerprint = request_fingerprint(request, request.parameter("payment"), &ask)?;
    let asked = RequestKey {
        key,
        fingerprint,
        caller: request.caller().unwrap_or_default().to_owned(),
    };
    Ok((asked, ask))
}

fn payment_of(request: &Request) -> Result<PaymentIntentId, ApiError> {
    let id = request.parameter("payment").parse();
    id.map_err(|_| unknown_payment())
}
