//! What a page asks for when a shopper presses a wallet's button.

use std::collections::BTreeMap;

use perennial_config::Api;
use perennial_flows::{Again, IssueCheckout, ServerConsent};
use perennial_http::{ApiError, Request, sentence};
use perennial_types::{
    AgreedDiscount, AgreedTax, BillingAddress, BoughtAddon, Consent, First, LARGEST_QUANTITY,
    MOST_ADDONS, Plan, PlanName, Plans, ReturnPath, TaxRefusal, Wallet,
};

use crate::api_url;

/// The members of a body, before they are checked against the configuration.
#[derive(Debug)]
pub struct BeginCheckout {
    /// The plan's name.
    pub plan: String,
    /// How many of it; one when none.
    pub quantity: Option<u64>,
    /// How many of which add-on.
    pub addons: BTreeMap<String, u64>,
    /// The wallet's name; none of a free trial that begins without a payment method.
    pub wallet: Option<String>,
    /// What comes first.
    pub first: First,
    /// The version of the text that the shopper saw; the configured one when none.
    pub consent: Option<String>,
    /// How many free days the page has told the shopper of; those of the plan when none.
    pub trial_days: Option<u32>,
    /// The promotion code that is redeemed, and what the page has shown of it.
    pub discount: Option<AgreedDiscount>,
    /// What the page has shown of the taxes.
    pub tax: Option<AgreedTax>,
    /// Where the shopper is.
    pub billing_address: Option<BillingAddress>,
    /// Where in the shop they land afterwards.
    pub return_to: Option<String>,
    /// The ended subscription whose payment method is charged, if the shopper comes again.
    pub again: Option<Again>,
    /// Set when this server confirms.
    pub server: Option<ServerConsent>,
}

impl BeginCheckout {
    /// Checks each member; an error says which one is wrong.
    pub(crate) fn check(
        self,
        request: &Request,
        plans: &Plans,
        api: &Api,
        consent: &Consent,
        email_claim: Option<&str>,
    ) -> Result<IssueCheckout, ApiError> {
        let user = request.user()?.clone();
        let (name, plan) = find_plan(plans, &self.plan)?;
        let wallet: Option<Wallet> = self
            .wallet
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|error| ApiError::new(400, "unknown_wallet", sentence(&error)))?;
        if let Some(wallet) = wallet {
            check_currency(wallet, plan)?;
            check_wallet(wallet, plan)?;
        }
        // One that is left out is never more than one: the page has shown what one costs.
        let quantity = self.quantity.unwrap_or(1);
        check_quantity(plan, quantity)?;
        let addons = buy_addons(plan, quantity, &self.addons)?;
        self.check_tax(plan)?;
        // Nobody has to confirm what is saved.
        if let (Some(wallet), None) = (wallet, &self.again) {
            check_order(wallet, self.first, self.server.is_some())?;
        }
        let return_to = self
            .return_to
            .map(ReturnPath::try_from)
            .transpose()
            .map_err(|error| ApiError::new(400, "invalid_return_to", format!("{error}.")))?;
        let shown = self.consent.as_deref();
        if shown.is_some_and(|shown| shown != consent.version()) {
            return Err(ApiError::new(
                409,
                "consent_outdated",
                "The text that the shopper saw is no longer the shop's. Show them the one of GET /wallets, and begin again.",
            ));
        }
        Ok(IssueCheckout {
            user,
            email: email_claim.and_then(|claim| request.email(claim)),
            name: name.clone(),
            plan: plan.clone(),
            quantity,
            addons,
            shown_trial_days: self.trial_days,
            discount: self.discount,
            tax: self.tax,
            // Without taxes nobody needs to know it.
            address: self.billing_address.filter(|_| plan.tax.is_some()),
            wallet,
            first: self.first,
            consent_version: wallet.map(|_| consent.version().to_owned()),
            consent: self.server,
            again: self.again,
            return_to,
            confirm_url: api_url(api, request, "/confirm")?,
        })
    }
}

impl BeginCheckout {
    /// Whether the page has shown the taxes of a plan that has them. Who comes again is where Stripe knows them to be.
    fn check_tax(&self, plan: &Plan) -> Result<(), ApiError> {
        let refusal = match (plan.tax, self.tax) {
            (Some(_), _) if self.billing_address.is_none() && self.again.is_none() => {
                TaxRefusal::AddressNeeded
            }
            (Some(_), None) | (None, Some(_)) => TaxRefusal::Outdated,
            _ => return Ok(()),
        };
        Err(tax_refused(refusal))
    }
}

/// The plan of that name for a shopper, which may be one that is not offered. Whether they may know of a private one is
/// for the caller to find out; of one that never had a price nobody need know.
pub fn find_plan<'a>(plans: &'a Plans, name: &str) -> Result<(&'a PlanName, &'a Plan), ApiError> {
    plans.get(name).ok_or_else(|| match plans.is_private(name) {
        Some(false) => plan_not_available(),
        Some(true) | None => unknown_plan(),
    })
}

/// There is no such plan, or none that the shopper may know of, and both are answered alike.
pub fn unknown_plan() -> ApiError {
    ApiError::new(
        400,
        "unknown_plan",
        "There is no plan of that name. GET /plans lists those that are offered.",
    )
}

/// The plan is known, and cannot be bought for now. Why is in the log, for the shop.
pub fn plan_not_available() -> ApiError {
    ApiError::new(
        409,
        "plan_not_available",
        "This plan is not offered now, and nothing was charged. Offer one of GET /plans.",
    )
    .with("may_retry", false.into())
}

/// The plan has taxes, and is not sold to this address or for this amount.
pub(crate) fn tax_refused(refusal: TaxRefusal) -> ApiError {
    ApiError::new(refusal.status(), refusal.as_str(), refusal.message())
}

fn check_currency(wallet: Wallet, plan: &Plan) -> Result<(), ApiError> {
    if wallet.takes(plan.currency) {
        return Ok(());
    }
    Err(ApiError::new(
        400,
        "currency_not_supported",
        format!(
            "{} cannot be charged in {}; offer another wallet for this plan.",
            wallet.label(),
            plan.currency
        ),
    ))
}

fn check_wallet(wallet: Wallet, plan: &Plan) -> Result<(), ApiError> {
    if plan.wallets.contains(&wallet) {
        return Ok(());
    }
    Err(ApiError::new(
        400,
        "wallet_not_offered",
        format!(
            "This plan is not sold with {}; GET /plans lists its wallets.",
            wallet.label()
        ),
    ))
}

/// Whether the plan is sold in this quantity.
pub fn check_quantity(plan: &Plan, quantity: u64) -> Result<(), ApiError> {
    if plan.sells(quantity) {
        return Ok(());
    }
    let sentence = match plan.quantity {
        None => "This plan is sold once: leave \"quantity\" out.".to_owned(),
        Some(limits) => format!(
            "This plan is sold in quantities from {} to {}, as far as Stripe charges the amount: send \"quantity\" within them.",
            limits.minimum, limits.maximum
        ),
    };
    Err(ApiError::new(400, "quantity_not_offered", sentence))
}

/// Whether these are numbers that could be asked for.
pub fn check_addon_numbers(addons: &BTreeMap<String, u64>) -> Result<(), ApiError> {
    if addons.len() <= MOST_ADDONS && addons.values().all(|it| *it <= LARGEST_QUANTITY) {
        return Ok(());
    }
    Err(ApiError::new(
        400,
        "invalid_field",
        format!(
            "\"addons\" names at most {MOST_ADDONS} add-ons, and each with 0 to {LARGEST_QUANTITY}."
        ),
    ))
}

/// What is bought beside so many of the plan.
pub fn buy_addons(
    plan: &Plan,
    quantity: u64,
    addons: &BTreeMap<String, u64>,
) -> Result<Vec<BoughtAddon>, ApiError> {
    check_addon_numbers(addons)?;
    plan.buy_addons(quantity, addons).map_err(|refused| {
        ApiError::new(
            400,
            "addon_not_offered",
            format!(
                "This plan is not sold with the add-on {:?} in this quantity. \"addons\" of GET /plans has those that are offered, and how many of each.",
                refused.0
            ),
        )
    })
}

fn check_order(wallet: Wallet, first: First, server_confirms: bool) -> Result<(), ApiError> {
    let row = wallet.row();
    if !row.first.contains(&first) {
        return Err(ApiError::new(
            400,
            "first_not_supported",
            format!(
                "With {} the SetupIntent comes first: begin with POST /client-secret.",
                row.label
            ),
        ));
    }
    match row.page_alone {
        Some(why) if server_confirms => Err(ApiError::new(
            400,
            "confirm_not_supported",
            format!(
                "{} is confirmed in the page, {why}: leave out \"confirm\".",
                row.label
            ),
        )),
        _ => Ok(()),
    }
}
