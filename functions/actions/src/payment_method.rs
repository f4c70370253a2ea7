//! `POST /subscriptions/{subscription}/payment-method`: another payment method for a subscription.

use perennial_api::{failure, server_consent, without};
use perennial_flows::{
    Context,
    actions::{
        ActionError, ActionErrorCode, AskedAction, MethodChanged, MethodProgress, OpenMethod,
        OpenedMethod,
    },
};
use perennial_http::{ApiError, Request, Response, sentence};
use perennial_types::{By, ReturnPath, SetupIntentId, Wallet};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::{App, read_without_key, refused};

/// The parameter of the shop's page that says which subscription it was.
pub(crate) const SUBSCRIPTION: &str = "perennial_subscription";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenAsk {
    wallet: String,
    return_to: Option<String>,
    #[serde(default)]
    confirm: Confirm,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Confirm {
    #[default]
    Client,
    Server,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FinishAsk {
    setup_intent: String,
}

impl crate::ask::OfUser for OpenAsk {
    fn user(&self) -> Option<&str> {
        None
    }
}

impl crate::ask::OfUser for FinishAsk {
    fn user(&self) -> Option<&str> {
        None
    }
}

/// What is asked for with another payment method, as a body says it.
pub(crate) struct Asked {
    pub(crate) wallet: String,
    pub(crate) return_to: Option<String>,
    pub(crate) confirm: Confirm,
    pub(crate) only_if_needed: bool,
}

impl App {
    pub(crate) async fn open_method(&self, request: &Request) -> Result<Response, ApiError> {
        let (asked, ask): (_, OpenAsk) = read_without_key(By::Shopper, request)?;
        let fields = Asked {
            wallet: ask.wallet,
            return_to: ask.return_to,
            confirm: ask.confirm,
            only_if_needed: false,
        };
        let context = self.clients.begin().await.map_err(failure)?;
        let page = |page: &Url| returned_to(&asked, page);
        let opened = self.opened(&context, request, &asked, fields, page).await;
        opened?.map_err(|error| self.refuse(&context, By::Shopper, error))
    }

    /// Opens what the shopper confirms, and comes back from to the address that `page` makes of the shop's page.
    pub(crate) async fn opened(
        &self,
        context: &Context,
        request: &Request,
        asked: &AskedAction,
        ask: Asked,
        page: impl Fn(&Url) -> Url,
    ) -> Result<Result<Response, ActionError>, ApiError> {
        let wallet: Wallet = ask
            .wallet
            .parse()
            .map_err(|error| ApiError::new(400, "unknown_wallet", sentence(&error)))?;
        let consent = match (ask.confirm, wallet.row().page_alone) {
            (Confirm::Client, _) => None,
            (Confirm::Server, None) => Some(server_consent(request)?),
            (Confirm::Server, Some(why)) => {
                return Err(ApiError::new(
                    400,
                    "confirm_not_supported",
                    format!(
                        "{} is confirmed in the page, {why}: leave out \"confirm\".",
                        wallet.label()
                    ),
                ));
            }
        };
        let return_to = ask.return_to.map(ReturnPath::try_from).transpose();
        let return_to = return_to
            .map_err(|error| ApiError::new(400, "invalid_return_to", format!("{error}.")))?;
        let return_url = page(&self.shop.page(return_to.as_ref()));
        let open = OpenMethod {
            wallet,
            return_url: return_url.clone(),
            consent,
            only_if_needed: ask.only_if_needed,
        };
        let opened = Box::pin(context.actions().open_method(asked, &open)).await;
        Ok(opened.map(|opened: OpenedMethod| {
            Response::json(
                201,
                &json!({
                    "setup_intent": opened.setup_intent,
                    "client_secret": opened.client_secret.expose_secret(),
                    "publishable_key": self.api.publishable_key,
                    "status": opened.status,
                    "redirect_url": opened.redirect_url,
                    "return_url": return_url.as_str(),
                }),
            )
        }))
    }

    pub(crate) async fn finish_method(&self, request: &Request) -> Result<Response, ApiError> {
        let (asked, ask): (_, FinishAsk) = read_without_key(By::Shopper, request)?;
        let setup: SetupIntentId = ask
            .setup_intent
            .parse()
            .map_err(|_| refused(ActionErrorCode::UnknownSetupIntent))?;
        let context = self.clients.begin().await.map_err(failure)?;
        let done = Box::pin(context.actions().finish_method(&asked, &setup)).await;
        let progress = done.map_err(|error| self.refuse(&context, By::Shopper, error))?;
        Ok(finished(progress, |changed| {
            json!({
                "status": "replaced",
                "invoices": changed.paid,
                "subscription": self.body(&context, By::Shopper, changed.subscription),
            })
        }))
    }
}

/// How far another payment method has come, as an answer.
pub(crate) fn finished(
    progress: MethodProgress,
    replaced: impl FnOnce(MethodChanged) -> Value,
) -> Response {
    match progress {
        MethodProgress::Done(changed) => Response::json(200, &replaced(*changed)),
        MethodProgress::Pending => {
            let body = json!({"status": "pending", "retry_after": 2});
            Response::json(202, &body).with_header("retry-after", "2".to_owned())
        }
        MethodProgress::NotConfirmed => Response::json(200, &json!({"status": "not_confirmed"})),
    }
}

/// The shop's page, told which subscription it was. What the wallet's page adds to it is for the page to
/// hand over, and proves nothing by itself.
fn returned_to(asked: &AskedAction, page: &Url) -> Url {
    let mut page = without(page.clone(), &[SUBSCRIPTION]);
    page.query_pairs_mut()
        .append_pair(SUBSCRIPTION, asked.subscription.as_str());
    page
}
