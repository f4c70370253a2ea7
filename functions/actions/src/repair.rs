//! `GET /repair` and below: another payment method for a subscription that needs one, by a signed link and
//! without signing in. It is carried out by the same code as the shopper's own request.

use std::collections::BTreeMap;

use perennial_api::{
    Link, failure,
    stripe_js::{ApplePay, Elements, ExpressCheckout},
    unknown_link, without,
};
use perennial_flows::actions::{ActionError, ActionErrorCode, AskedAction, Due};
use perennial_http::{ApiError, Request, Response, read_json};
use perennial_types::{By, Plan, SetupIntentId, Shown, Wallet};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::{
    App,
    payment_method::{Asked, Confirm, SUBSCRIPTION, finished},
    refused,
};

/// The parameter of the shop's page that holds the link.
const REPAIR: &str = "repair";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenAsk {
    link: String,
    wallet: String,
    return_to: Option<String>,
    #[serde(default)]
    confirm: Confirm,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FinishAsk {
    link: String,
    setup_intent: String,
}

impl App {
    /// A browser is led to the shop's page, which asks again with the same link.
    pub(crate) async fn repair(&self, request: &Request) -> Result<Response, ApiError> {
        let link = request.query.get("link").map_or("", String::as_str);
        if !request.wants_json() {
            return Ok(Response::see_other(&repair_page(link, &self.shop.url)));
        }
        let asked = self.open_repair_link(link).await?;
        let context = self.clients.begin().await.map_err(failure)?;
        let due = Box::pin(context.actions().due(&asked)).await;
        let due = due.map_err(refuse)?;
        Ok(Response::json(200, &self.describe(&due)))
    }

    pub(crate) async fn open_repair(&self, request: &Request) -> Result<Response, ApiError> {
        let ask: OpenAsk = read_json(request)?;
        let asked = self.open_repair_link(&ask.link).await?;
        let fields = Asked {
            wallet: ask.wallet,
            return_to: ask.return_to,
            confirm: ask.confirm,
            only_if_needed: true,
        };
        let context = self.clients.begin().await.map_err(failure)?;
        let page = |page: &Url| repair_page(&ask.link, page);
        let opened = self.opened(&context, request, &asked, fields, page).await;
        opened?.map_err(refuse)
    }

    pub(crate) async fn finish_repair(&self, request: &Request) -> Result<Response, ApiError> {
        let ask: FinishAsk = read_json(request)?;
        let asked = self.open_repair_link(&ask.link).await?;
        let setup: SetupIntentId = ask
            .setup_intent
            .parse()
            .map_err(|_| refused(ActionErrorCode::UnknownSetupIntent))?;
        let context = self.clients.begin().await.map_err(failure)?;
        let done = Box::pin(context.actions().finish_method(&asked, &setup)).await;
        let progress = done.map_err(refuse)?;
        Ok(finished(progress, |changed| {
            json!({
                "status": "replaced",
                "invoices": changed.paid,
                "needs_payment_method": changed.subscription.needs_payment_method(),
            })
        }))
    }

    async fn open_repair_link(&self, link: &str) -> Result<AskedAction, ApiError> {
        match self.links.open(link, self.clock.now()).await? {
            Link::Repair { user, subscription } => Ok(AskedAction {
                user,
                subscription,
                by: By::Shopper,
                key: None,
            }),
            _ => Err(unknown_link()),
        }
    }

    fn describe(&self, due: &Due) -> Value {
        let quantity = due.subscription.quantity.unwrap_or(1);
        let addons = due.subscription.bought_addons();
        let plan = due.plan.as_ref();
        let plan = plan.map(|(name, plan)| (name.clone(), plan.times_with(quantity, &addons)));
        let plan = plan.as_ref();
        let text = |(_, plan): &(_, Plan)| -> BTreeMap<_, _> {
            let wallets = due.wallets.iter();
            let texts = wallets.map(|it| (it.as_str(), self.consent.text_for(plan, *it)));
            texts.collect()
        };
        let open = due.open.as_ref();
        let wallet = |wallet: &Wallet| self.describe_wallet(*wallet, plan.map(|it| &it.1));
        json!({
            "subscription": due.subscription.id,
            "status": due.subscription.status,
            "plan": plan.map(|(name, _)| name),
            "label": plan.map(|(_, plan)| &plan.label),
            "due": open.map(|(amount, currency)| json!({"amount": amount, "currency": currency})),
            "publishable_key": self.api.publishable_key,
            "consent": {
                "version": self.consent.version(),
                "text": plan.map(text).unwrap_or_default(),
            },
            "wallets": due.wallets.iter().map(wallet).collect::<Vec<Value>>(),
        })
    }

    /// A wallet that leads away needs no options: the page leaves with the SetupIntent's secret.
    fn describe_wallet(&self, wallet: Wallet, plan: Option<&Plan>) -> Value {
        let plan = plan.filter(|_| wallet.row().shown != Shown::Redirect);
        let Some(plan) = plan else {
            return json!({ "wallet": wallet });
        };
        // Apple's list of subscriptions leads to the shop's page: the user's own link to the portal is more than
        // the holder of this one may have.
        let recurring =
            || ApplePay::recurring(plan, None, &self.consent, &self.shop.url, self.clock.now());
        let apple_pay = (wallet == Wallet::ApplePay).then(recurring);
        json!({
            "wallet": wallet,
            "elements": Elements::setup(plan),
            "express_checkout": ExpressCheckout::new(wallet, apple_pay),
        })
    }
}

/// The shop's page with the link. The wallet leads back there, to a browser that may be another one than
/// that of the mail, so nothing that it would have to remember is needed.
fn repair_page(link: &str, page: &Url) -> Url {
    let mut page = without(page.clone(), &[REPAIR, SUBSCRIPTION]);
    page.query_pairs_mut().append_pair(REPAIR, link);
    page
}

/// The holder of a link is not told more of the subscription than what the link is for.
fn refuse(error: ActionError) -> ApiError {
    match error {
        ActionError::Flow(error) => failure(error),
        ActionError::Refused(refusal) => match refusal.why {
            ActionErrorCode::UnknownSubscription => unknown_link(),
            why => refused(why),
        },
    }
}
