//! What is done to a subscription that has begun, by its user with a token or by the shop's servers: `POST
//! /subscriptions/{subscription}/cancel` and the like; and `GET /invoices`.
//!
//! Signed links lead a shopper who is not signed in to `/cancel` and `/repair`.
//!
//! A server's route is the shopper's below `/shop`, is guarded by IAM, and names the user. It is carried out by
//! the same code; what differs is what each may do, which `GET /subscriptions` tells as `actions`.

mod ask;
mod cancel_page;
mod details;
mod invoices;
mod payment_method;
mod preview;
mod repair;
mod shop_links;
mod shown_anew;

use perennial_api::{LinkKeys, failure, refused, request_fingerprint, request_key};
use perennial_config::{Api, Env, Shop, Start, StartError, all, consent, link_secret};
use perennial_flows::{
    Clients, Context,
    actions::{ActionError, ActionErrorCode, ActionKey, AskedAction, FrozenChange},
};
use perennial_http::{
    ApiError, Handler, ManagedSubscription, PlanBody, Request, Response, Routes, read_json, routes,
};
use perennial_types::{By, Clock, Consent, Subscription, SubscriptionId, UserId};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use ask::{
    CancelAsk, ChangeAsk, DiscountAsk, OfUser, PauseAsk, PreviewAsk, Previewed, RefundAsk,
    ResumeAsk, TrialAsk, WithdrawAsk,
};

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    clients: Clients,
    api: Api,
    shop: Shop,
    consent: Consent,
    links: LinkKeys,
    clock: Clock,
}

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let own = all((
            Api::read(env),
            Shop::read(env),
            consent(env),
            link_secret(env),
        ));
        let (clients, (api, shop, consent, links)) =
            Clients::start(env, clock.clone(), own).await?;
        Ok(Self {
            clients,
            api,
            shop,
            consent,
            links: LinkKeys::fetch(links).await?,
            clock,
        })
    }
}

routes! {
    Cancel = "POST /subscriptions/{subscription}/cancel",
    WithdrawCancellation = "POST /subscriptions/{subscription}/withdraw-cancellation",
    Preview = "POST /subscriptions/{subscription}/preview",
    Change = "POST /subscriptions/{subscription}/change",
    WithdrawChange = "POST /subscriptions/{subscription}/withdraw-change",
    Pause = "POST /subscriptions/{subscription}/pause",
    Resume = "POST /subscriptions/{subscription}/resume",
    Details = "GET /subscriptions/{subscription}",
    OpenMethod = "POST /subscriptions/{subscription}/payment-method",
    FinishMethod = "POST /subscriptions/{subscription}/payment-method/finish",
    Invoices = "GET /invoices",
    ShopCancel = "POST /shop/subscriptions/{subscription}/cancel",
    ShopWithdrawCancellation = "POST /shop/subscriptions/{subscription}/withdraw-cancellation",
    ShopDetails = "GET /shop/subscriptions/{subscription}",
    ShopPreview = "POST /shop/subscriptions/{subscription}/preview",
    ShopChange = "POST /shop/subscriptions/{subscription}/change",
    ShopWithdrawChange = "POST /shop/subscriptions/{subscription}/withdraw-change",
    ShopPause = "POST /shop/subscriptions/{subscription}/pause",
    ShopResume = "POST /shop/subscriptions/{subscription}/resume",
    ShopTrial = "POST /shop/subscriptions/{subscription}/trial",
    ShopRefund = "POST /shop/subscriptions/{subscription}/refund",
    ShopDiscount = "POST /shop/subscriptions/{subscription}/discount",
    ShopInvoices = "GET /shop/invoices",
    ShopLink = "POST /shop/subscriptions/{subscription}/links",
    CancelPage = "GET /cancel",
    ConfirmCancel = "POST /cancel",
    Repair = "GET /repair",
    OpenRepair = "POST /repair",
    FinishRepair = "POST /repair/finish",
}

impl Handler for App {
    type Route = Route;
    const ROUTES: Routes<Route> = Route::ALL;

    async fn handle(&self, route: Route, request: &Request) -> Result<Response, ApiError> {
        let by = match caller(route) {
            Caller::Known(By::Shopper) => {
                request.user()?;
                By::Shopper
            }
            Caller::Known(By::Server) => {
                request.check_server()?;
                By::Server
            }
            // The link is the proof of a shopper.
            Caller::Anyone => By::Shopper,
        };
        match route {
            Route::Cancel | Route::ShopCancel => self.cancel(by, request).await,
            Route::WithdrawCancellation | Route::ShopWithdrawCancellation => {
                self.withdraw(by, request, Withdrawn::Cancellation).await
            }
            Route::Preview | Route::ShopPreview => self.preview(by, request).await,
            Route::Change | Route::ShopChange => self.change(by, request).await,
            Route::WithdrawChange | Route::ShopWithdrawChange => {
                self.withdraw(by, request, Withdrawn::Change).await
            }
            Route::Pause | Route::ShopPause => self.pause(by, request).await,
            Route::Resume | Route::ShopResume => self.resume(by, request).await,
            Route::ShopTrial => self.change_trial(by, request).await,
            Route::ShopRefund => self.refund(by, request).await,
            Route::ShopDiscount => self.discount(by, request).await,
            Route::Details | Route::ShopDetails => self.details(by, request).await,
            Route::OpenMethod => self.open_method(request).await,
            Route::FinishMethod => self.finish_method(request).await,
            Route::Invoices | Route::ShopInvoices => self.invoices(by, request).await,
            Route::ShopLink => self.shop_link(request).await,
            Route::CancelPage => self.cancel_page(request).await,
            Route::ConfirmCancel => self.confirm_cancel(request).await,
            Route::Repair => self.repair(request).await,
            Route::OpenRepair => self.open_repair(request).await,
            Route::FinishRepair => self.finish_repair(request).await,
        }
    }
}

/// Who may call a route.
enum Caller {
    Known(By),
    /// Whoever has a signed link.
    Anyone,
}

fn caller(route: Route) -> Caller {
    match route {
        Route::Cancel
        | Route::WithdrawCancellation
        | Route::Preview
        | Route::Change
        | Route::WithdrawChange
        | Route::Pause
        | Route::Resume
        | Route::Details
        | Route::OpenMethod
        | Route::FinishMethod
        | Route::Invoices => Caller::Known(By::Shopper),
        Route::ShopCancel
        | Route::ShopWithdrawCancellation
        | Route::ShopDetails
        | Route::ShopPreview
        | Route::ShopChange
        | Route::ShopWithdrawChange
        | Route::ShopPause
        | Route::ShopResume
        | Route::ShopTrial
        | Route::ShopRefund
        | Route::ShopDiscount
        | Route::ShopInvoices
        | Route::ShopLink => Caller::Known(By::Server),
        Route::CancelPage
        | Route::ConfirmCancel
        | Route::Repair
        | Route::OpenRepair
        | Route::FinishRepair => Caller::Anyone,
    }
}

/// What is taken back.
#[derive(Clone, Copy)]
enum Withdrawn {
    Cancellation,
    Change,
}

impl App {
    async fn cancel(&self, by: By, request: &Request) -> Result<Response, ApiError> {
        let (mut asked, ask): (_, CancelAsk) = read(by, request)?;
        let signer = self.links.signer().await;
        let agreed = ask.preview.as_ref().map(|it| signer.read_end(it));
        let agreed = agreed
            .transpose()
            .map_err(|error| refused(ActionErrorCode::InvalidPreview).because(error))?;
        if let Some(agreed) = &agreed {
            agree_once(&mut asked, &agreed.id);
        }
        let cancel = ask.parse(by, agreed)?;
        let context = self.clients.begin().await.map_err(failure)?;
        let done = match Box::pin(context.actions().cancel(&asked, &cancel)).await {
            Ok(done) => done,
            Err(error) => return Err(self.refuse_end(&context, (by, &asked), error).await),
        };
        let subscription = self.body(&context, by, done.subscription);
        let body = match done.given_back {
            Some(given_back) => json!({
                "subscription": subscription,
                "given_back": preview::given_back(given_back),
            }),
            None => json!({ "subscription": subscription }),
        };
        Ok(Response::json(200, &body))
    }

    async fn withdraw(
        &self,
        by: By,
        request: &Request,
        what: Withdrawn,
    ) -> Result<Response, ApiError> {
        let (asked, _): (_, WithdrawAsk) = read(by, request)?;
        let context = self.clients.begin().await.map_err(failure)?;
        let actions = context.actions();
        let done = match what {
            Withdrawn::Cancellation => Box::pin(actions.withdraw_cancellation(&asked)).await,
            Withdrawn::Change => Box::pin(actions.withdraw_change(&asked)).await,
        };
        self.answer(&context, by, done)
    }

    async fn preview(&self, by: By, request: &Request) -> Result<Response, ApiError> {
        let (asked, ask): (_, PreviewAsk) = read_without_key(by, request)?;
        let ask = ask.parse(by)?;
        let context = self.clients.begin().await.map_err(failure)?;
        let body = match ask {
            Previewed::Plan(ask) => {
                let preview = Box::pin(context.actions().preview_plan(&asked, &ask)).await;
                let preview = preview.map_err(|error| self.refuse(&context, by, error))?;
                let token = self.links.signer().await.change(&preview.change);
                preview::describe(&preview, &token)
            }
            Previewed::Pause(what) => {
                let preview = Box::pin(context.actions().preview_pause(&asked, what)).await;
                let preview = preview.map_err(|error| self.refuse(&context, by, error))?;
                preview::describe_pause(&preview)
            }
            Previewed::Again(plan, quantity, addons) => {
                let actions = context.actions();
                let preview = actions.preview_again(&asked, &plan, quantity, &addons);
                let preview = Box::pin(preview).await;
                let preview = preview.map_err(|error| self.refuse(&context, by, error))?;
                preview::describe_again(&preview)
            }
            Previewed::End(ask) => {
                let preview = Box::pin(context.actions().preview_end(&asked, ask)).await;
                let preview = preview.map_err(|error| self.refuse(&context, by, error))?;
                let agreed = preview.agreed.as_ref();
                let signer = self.links.signer().await;
                let token = agreed.map(|agreed| signer.end(agreed));
                preview::describe_end(&preview, ask.when, token.as_deref())
            }
        };
        Ok(Response::json(200, &body))
    }

    async fn change(&self, by: By, request: &Request) -> Result<Response, ApiError> {
        let (mut asked, ask): (_, ChangeAsk) = read(by, request)?;
        let signer = self.links.signer().await;
        let change = signer.read_change::<FrozenChange>(&ask.preview);
        let change =
            change.map_err(|error| refused(ActionErrorCode::InvalidPreview).because(error))?;
        agree_once(&mut asked, &change.id);
        let context = self.clients.begin().await.map_err(failure)?;
        match Box::pin(context.actions().change_plan(&asked, &change)).await {
            Ok(changed) => self.answer(&context, by, Ok(changed)),
            Err(error) => Err(self
                .refuse_change(&context, (by, &asked), &change, error)
                .await),
        }
    }

    async fn pause(&self, by: By, request: &Request) -> Result<Response, ApiError> {
        let (asked, ask): (_, PauseAsk) = read(by, request)?;
        let pause = ask.parse();
        let context = self.clients.begin().await.map_err(failure)?;
        let done = Box::pin(context.actions().pause(&asked, pause)).await;
        self.answer(&context, by, done)
    }

    async fn resume(&self, by: By, request: &Request) -> Result<Response, ApiError> {
        let (asked, ask): (_, ResumeAsk) = read(by, request)?;
        let resume = ask.parse();
        let context = self.clients.begin().await.map_err(failure)?;
        match Box::pin(context.actions().resume(&asked, resume)).await {
            Ok(resumed) => self.answer(&context, by, Ok(resumed)),
            Err(error) => Err(self.refuse_resumption(&context, (by, &asked), error).await),
        }
    }

    async fn change_trial(&self, by: By, request: &Request) -> Result<Response, ApiError> {
        let (asked, ask): (_, TrialAsk) = read(by, request)?;
        let end = ask.parse()?;
        let context = self.clients.begin().await.map_err(failure)?;
        let done = Box::pin(context.actions().change_trial(&asked, end)).await;
        self.answer(&context, by, done)
    }

    async fn refund(&self, by: By, request: &Request) -> Result<Response, ApiError> {
        let (asked, ask): (_, RefundAsk) = read(by, request)?;
        let refund = ask.parse()?;
        let context = self.clients.begin().await.map_err(failure)?;
        let done = Box::pin(context.actions().refund(&asked, &refund)).await;
        let done = done.map_err(|error| self.refuse(&context, by, error))?;
        let body = json!({
            "subscription": self.body(&context, by, done.subscription),
            "given_back": preview::given_back(done.given_back),
        });
        Ok(Response::json(200, &body))
    }

    async fn discount(&self, by: By, request: &Request) -> Result<Response, ApiError> {
        let (asked, ask): (_, DiscountAsk) = read(by, request)?;
        let what = ask.parse()?;
        let context = self.clients.begin().await.map_err(failure)?;
        let done = Box::pin(context.actions().discount(&asked, &what)).await;
        done.map_err(|error| self.refuse(&context, by, error))?;
        self.described(&context, by, &asked).await
    }

    async fn details(&self, by: By, request: &Request) -> Result<Response, ApiError> {
        let named = request.query.get("user").map(String::as_str);
        let asked = of_subscription(by, request, named)?;
        let context = self.clients.begin().await.map_err(failure)?;
        self.described(&context, by, &asked).await
    }

    /// A subscription with what Stripe alone knows of it.
    async fn described(
        &self,
        context: &Context,
        by: By,
        asked: &AskedAction,
    ) -> Result<Response, ApiError> {
        let details = Box::pin(context.actions().details(asked)).await;
        let details = details.map_err(|error| self.refuse(context, by, error))?;
        let body = details::describe(&details, context.plans());
        let mut body = match body {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        let offered = details.offers.for_sale(context.plans());
        let offered: Vec<PlanBody<'_>> = offered.map(PlanBody::of).collect();
        if !offered.is_empty() {
            body.insert("offered_plans".to_owned(), json!(offered));
        }
        let subscription = self.body(context, by, details.subscription);
        body.insert("subscription".to_owned(), json!(subscription));
        Ok(Response::json(200, &body))
    }

    fn answer(
        &self,
        context: &Context,
        by: By,
        done: Result<Subscription, ActionError>,
    ) -> Result<Response, ApiError> {
        let subscription = done.map_err(|error| self.refuse(context, by, error))?;
        let body = json!({ "subscription": self.body(context, by, subscription) });
        Ok(Response::json(200, &body))
    }

    fn body(&self, context: &Context, by: By, subscription: Subscription) -> ManagedSubscription {
        let named = subscription.named_by(context.plans());
        ManagedSubscription::new(named, by, self.clock.now(), context.plans())
    }

    fn refuse(&self, context: &Context, by: By, error: ActionError) -> ApiError {
        let refusal = match error {
            ActionError::Flow(error) => return failure(error),
            ActionError::Refused(refusal) => *refusal,
        };
        let error = refused(refusal.why);
        match refusal.subscription {
            Some(subscription) => {
                let body = self.body(context, by, subscription);
                error.with("subscription", json!(body))
            }
            None => error,
        }
    }
}

/// A preview is agreed to once, however often the page says so.
fn agree_once(asked: &mut AskedAction, preview: &str) {
    asked.key.get_or_insert_with(|| ActionKey {
        id: preview.to_owned(),
        fingerprint: String::new(),
    });
}

/// Whose subscription is meant, what is asked of it, and by what a repeat is known.
fn read<T>(by: By, request: &Request) -> Result<(AskedAction, T), ApiError>
where
    T: DeserializeOwned + Serialize + OfUser,
{
    let (asked, ask) = read_without_key(by, request)?;
    let key = match by {
        By::Shopper => None,
        By::Server => {
            let subscription = request.parameter("subscription");
            Some(ActionKey {
                id: request_key(request)?,
                fingerprint: request_fingerprint(request, subscription, &ask)?,
            })
        }
    };
    Ok((AskedAction { key, ..asked }, ask))
}

/// The same for what changes nothing.
fn read_without_key<T>(by: By, request: &Request) -> Result<(AskedAction, T), ApiError>
where
    T: DeserializeOwned + OfUser,
{
    let ask: T = read_json(request)?;
    let asked = of_subscription(by, request, ask.user())?;
    Ok((asked, ask))
}

/// Which subscription is meant, and whose.
fn of_subscription(
    by: By,
    request: &Request,
    named: Option<&str>,
) -> Result<AskedAction, ApiError> {
    let user = user_of(by, request, named)?;
    // What has not the form of an id is not there either.
    let subscription: SubscriptionId = request
        .parameter("subscription")
        .parse()
        .map_err(|_| refused(ActionErrorCode::UnknownSubscription))?;
    Ok(AskedAction {
        user,
        subscription,
        by,
        key: None,
    })
}

/// The user of the token; or the one that the shop's server names, and no page may.
fn user_of(by: By, request: &Request, named: Option<&str>) -> Result<UserId, ApiError> {
    match (by, named) {
        (By::Shopper, None) => Ok(request.user()?.clone()),
        (By::Shopper, Some(_)) => Err(ApiError::new(
            400,
            "conflicting_fields",
            "The user is the one of the token: leave \"user\" out.",
        )),
        (By::Server, named) => Request::named_user(named),
    }
}
