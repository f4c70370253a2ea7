//! Payments that the shop's own servers ask for: now, later, held and taken, given back.
//!
//! API Gateway lets only requests through that AWS Signature Version 4 signs, and this function
//! refuses those that did not pass there.

mod answer;
mod ask;
mod asked;
mod page;

use perennial_api::{SignedLinks, api_url};
use perennial_config::{Api, Env, Shop, Start, StartError, all, link_secret};
use perennial_flows::{
    Clients, Flows,
    payments::{Asked, PaymentOperation},
};
use perennial_http::{ApiError, Handler, Request, Response, read_json};
use perennial_types::{Clock, PaymentIntentId, PaymentMethodId};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use url::Url;

use answer::{payment_error, unknown_payment};
use ask::{CancelAsk, CaptureAsk, IncrementAsk, MigrateAsk, PayAsk, RefundAsk};
use page::Page;

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    clients: Clients,
    api: Api,
    shop: Shop,
    links: SignedLinks,
    clock: Clock,
}

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let own = all((Api::read(env), Shop::read(env), link_secret(env)));
        let (clients, (api, shop, links)) = Clients::connect(env, clock.clone(), own).await?;
        Ok(Self {
            clients,
            api,
            shop,
            links: SignedLinks::fetch(links).await?,
            clock,
        })
    }
}

impl App {
    async fn pay(&self, flows: &Flows, request: &Request) -> Result<Response, ApiError> {
        let (asked, ask): (_, PayAsk) = read_asked(request)?;
        let base = self.base(request)?;
        let (operation, page) = if ask.saved_method().is_some() {
            (PaymentOperation::Charge(ask.charge()?), None)
        } else {
            let number = match ask.apple_pay {
                Some(_) => flows
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
        let answer = flows.payment_request(&asked, &operation).await;
        let answer = answer.map_err(|error| match &page {
            Some(page) => page.explain(payment_error(error)),
            None => payment_error(error),
        })?;
        let body = self.describe(flows, &base, answer.payment.clone()).await?;
        match page {
            Some(page) => {
                let key = &self.api.publishable_key;
                let body = page.add_to(body, &answer.payment, key);
                Ok(Response::json(created(answer.created), &body))
            }
            None => answer::charged(&answer, body),
        }
    }

    async fn change(
        &self,
        flows: &Flows,
        request: &Request,
        id: &str,
        action: &str,
    ) -> Result<Response, ApiError> {
        let payment = parse_payment(id)?;
        let base = self.base(request)?;
        let (asked, operation) = match action {
            "increment" => {
                let (asked, ask): (_, IncrementAsk) = read_asked(request)?;
                let amount = ask.amount;
                (asked, PaymentOperation::Increment { payment, amount })
            }
            "capture" => {
                let (asked, ask): (_, CaptureAsk) = read_asked(request)?;
                let amount = ask.amount;
                (asked, PaymentOperation::Capture { payment, amount })
            }
            "cancel" => {
                let (asked, _): (_, CancelAsk) = read_asked(request)?;
                (asked, PaymentOperation::Cancel { payment })
            }
            "refunds" => {
                let (asked, ask): (_, RefundAsk) = read_asked(request)?;
                let operation = PaymentOperation::Refund {
                    payment,
                    amount: ask.amount,
                    reason: ask.reason,
                };
                (asked, operation)
            }
            _ => return Err(unknown_route()),
        };
        let answer = flows.payment_request(&asked, &operation).await;
        let answer = answer.map_err(payment_error)?;
        let mut body = self.describe(flows, &base, answer.payment).await?;
        let mut status = 200;
        if let Some(refund) = &answer.refund {
            body.insert("refund".to_owned(), json!(refund));
            status = created(answer.created);
        }
        Ok(Response::json(status, &body))
    }

    async fn show(&self, flows: &Flows, request: &Request, id: &str) -> Result<Response, ApiError> {
        let base = self.base(request)?;
        let payment = flows.payment(&parse_payment(id)?).await;
        let payment = payment.map_err(payment_error)?;
        let body = self.describe(flows, &base, payment).await?;
        Ok(Response::json(200, &body))
    }

    async fn migrate(&self, flows: &Flows, request: &Request) -> Result<Response, ApiError> {
        let (asked, ask): (_, MigrateAsk) = read_asked(request)?;
        let ask = ask.parse(self.shop.page(None))?;
        let migrated = flows.migrate_token(&asked, &ask).await;
        answer::migrated(&migrated.map_err(payment_error)?)
    }

    async fn diagnose(
        &self,
        flows: &Flows,
        request: &Request,
        id: &str,
    ) -> Result<Response, ApiError> {
        let user = request.query.get("user").ok_or_else(|| {
            let message =
                "Say whose method it is: /payment-methods/{payment_method}/diagnosis?user=<user>.";
            ApiError::new(400, "missing_field", message)
        })?;
        let unknown = answer::unknown_method;
        let user = user.parse().map_err(|_| unknown())?;
        let method: PaymentMethodId = id.parse().map_err(|_| unknown())?;
        let diagnosis = flows.diagnose(&user, &method).await;
        Ok(Response::json(200, &diagnosis.map_err(payment_error)?))
    }

    /// The address of this API, below which the links lie.
    fn base(&self, request: &Request) -> Result<Url, ApiError> {
        api_url(&self.api, request, "")
    }
}

impl Handler for App {
    async fn handle(&self, request: &Request) -> Result<Response, ApiError> {
        request.check_server()?;
        // None of these is about plans.
        let flows = &self.clients.begin_without_plans();
        let payment = request.parameter("payment");
        match request.route.as_str() {
            "POST /payments" => Box::pin(self.pay(flows, request)).await,
            "GET /payments/{payment}" => self.show(flows, request, payment).await,
            "POST /payment-methods/migrate" => Box::pin(self.migrate(flows, request)).await,
            "GET /payment-methods/{payment_method}/diagnosis" => {
                let method = request.parameter("payment_method");
                Box::pin(self.diagnose(flows, request, method)).await
            }
            route => match route.strip_prefix("POST /payments/{payment}/") {
                Some(action) => Box::pin(self.change(flows, request, payment, action)).await,
                None => Err(unknown_route()),
            },
        }
    }
}

/// The body and the key under which it is carried out.
fn read_asked<T: DeserializeOwned + Serialize>(request: &Request) -> Result<(Asked, T), ApiError> {
    let key = asked::key(request)?;
    let ask: T = read_json(request)?;
    let fingerprint = asked::fingerprint(request, &ask)?;
    let asked = Asked {
        key,
        fingerprint,
        caller: request.caller().unwrap_or_default().to_owned(),
    };
    Ok((asked, ask))
}

fn parse_payment(id: &str) -> Result<PaymentIntentId, ApiError> {
    id.parse().map_err(|_| unknown_payment())
}

fn created(created: bool) -> u16 {
    if created { 201 } else { 200 }
}

fn unknown_route() -> ApiError {
    ApiError::new(404, "unknown_route", "There is no such route.")
}
