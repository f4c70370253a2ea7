//! The answer.

use std::collections::BTreeMap;

use perennial_api::stripe_js::{ApplePay, Elements, ExpressCheckout};
use perennial_flows::codes::Quote;
use perennial_http::PlanBody;
use perennial_types::{
    BoughtAddon, Consent, Currency, Discount, EntitledAddon, First, Lasts, Plan, PlanName,
    PromotionCodeId, Shown, TaxBehavior, TaxedPrice, Timestamp, TrialWithoutMethod, Wallet,
    terms_without_method,
};
use serde::Serialize;
use url::Url;

use crate::{
    reason::{Reason, against_wallet, with_code, without_trial},
    standing::Standing,
};

/// What a page may offer for a plan.
#[derive(Debug, Serialize)]
pub(crate) struct Offer<'a> {
    plan: PlanName,
    /// How many everything here is about, of a plan that is sold in quantities.
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<u64>,
    /// The add-ons that everything here is about as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    addons: Vec<EntitledAddon>,
    trial_days: u32,
    publishable_key: String,
    consent: Texts,
    /// Of the code that was typed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<DiscountBody>,
    /// At the address that was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    tax: Option<TaxBody>,
    /// The private plans that are offered to this user, of whatever plan was asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    offered_plans: Vec<PlanBody<'a>>,
    wallets: Vec<WalletOffer>,
    /// Of a plan whose free trial may begin without a payment method.
    #[serde(skip_serializing_if = "Option::is_none")]
    without_payment_method: Option<WithoutMethod>,
}

/// A free trial that begins without a payment method.
#[derive(Debug, Serialize)]
struct WithoutMethod {
    /// Whether this user may begin it.
    offer: bool,
    reasons: Vec<Reason>,
    /// What becomes of it if there is no payment method at its end.
    ends: TrialWithoutMethod,
    /// What the shopper reads beside the button.
    text: String,
}

/// What a promotion code makes of the price. Amounts are in the currency's smallest unit.
#[derive(Debug, Serialize)]
struct DiscountBody {
    promotion_code: PromotionCodeId,
    due_now: u64,
    amount: u64,
    regular_amount: u64,
    currency: Currency,
    lasts: &'static str,
    payments: Option<u32>,
    until: Option<Timestamp>,
}

/// What the taxes make of the price. Amounts are in the currency's smallest unit.
#[derive(Debug, Serialize)]
struct TaxBody {
    /// What is charged today.
    due_now: u64,
    /// What each period costs with its taxes, and without a promotion code.
    amount: u64,
    /// The taxes in that.
    tax_amount: u64,
    /// None where nothing is collected.
    behavior: Option<TaxBehavior>,
    currency: Currency,
}

/// What the shopper agrees to, which has to stand beside the button.
#[derive(Debug, Serialize)]
struct Texts {
    version: String,
    text: BTreeMap<&'static str, String>,
}

#[derive(Debug, Serialize)]
struct WalletOffer {
    wallet: Wallet,
    offer: bool,
    reasons: Vec<Reason>,
    /// What may come first, the usual one before the other.
    first: Vec<First>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elements: Option<ElementsByFirst>,
    #[serde(skip_serializing_if = "Option::is_none")]
    express_checkout: Option<ExpressCheckout>,
}

#[derive(Debug, Serialize)]
struct ElementsByFirst {
    setup_intent: Elements,
    subscription: Elements,
}

/// Whose page it is, where and when.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) publishable_key: &'a str,
    pub(crate) shop: &'a Url,
    pub(crate) live: bool,
    /// Where the user will manage the subscription.
    pub(crate) management: Url,
    /// The private plans that are offered to the user.
    pub(crate) offers: Vec<(&'a PlanName, &'a Plan)>,
    pub(crate) now: Timestamp,
}

/// What is bought: a plan that costs what it does with its taxes, with the promotion code that was typed in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) addons: &'a [BoughtAddon],
    pub(crate) taxed: Option<&'a TaxedPrice>,
    pub(crate) quote: Option<&'a Quote>,
}

impl Order<'_> {
    fn discount(&self) -> Option<&Discount> {
        self.quote.map(|quote| &quote.discount)
    }

    fn text(&self, consent: &Consent, wallet: Wallet, now: Timestamp) -> String {
        consent.text_for_discounted(self.plan, self.discount(), wallet, now)
    }
}

impl TaxBody {
    fn new(taxed: &TaxedPrice, order: Order<'_>) -> Self {
        let discounted = order.discount().map(|discount| discount.amount);
        let due_now = discounted.unwrap_or(taxed.amount);
        Self {
            due_now: if order.plan.trial_days > 0 {
                0
            } else {
                due_now
            },
            amount: taxed.amount,
            tax_amount: taxed.tax,
            behavior: taxed.behavior,
            currency: order.plan.currency,
        }
    }
}

impl DiscountBody {
    fn new(quote: &Quote, plan: &Plan, now: Timestamp) -> Self {
        let Discount { amount, lasts } = quote.discount;
        Self {
            promotion_code: quote.promotion_code.clone(),
            due_now: if plan.trial_days > 0 { 0 } else { amount },
            amount,
            regular_amount: plan.amount,
            currency: plan.currency,
            lasts: match lasts {
                Lasts::Once => "once",
                Lasts::Months(_) => "months",
                Lasts::Forever => "forever",
            },
            payments: quote.discount.payments(plan, now),
            until: quote.discount.until(plan, now),
        }
    }
}

impl<'a> Offer<'a> {
    pub(crate) fn new(
        (name, quantity): (&PlanName, Option<u64>),
        order: Order<'_>,
        consent: &Consent,
        standing: &Standing,
        place: &Place<'a>,
        against: &[Reason],
    ) -> Self {
        let plan = order.plan;
        // Nobody has to be told of a wallet that a shop has to ask for and has not asked for.
        let told = |wallet: &Wallet| wallet.row().is_usual || plan.wallets.contains(wallet);
        let wallets = || Wallet::ALL.into_iter().filter(told);
        let text = |wallet: Wallet| (wallet.as_str(), order.text(consent, wallet, place.now));
        let offer = |wallet| WalletOffer::new(wallet, order, consent, standing, place, against);
        Self {
            plan: name.clone(),
            quantity,
            addons: order
                .addons
                .iter()
                .map(|it| EntitledAddon {
                    name: it.name.clone(),
                    quantity: it.quantity,
                })
                .collect(),
            trial_days: plan.trial_days,
            publishable_key: place.publishable_key.to_owned(),
            consent: Texts {
                version: consent.version().to_owned(),
                text: wallets().map(text).collect(),
            },
            discount: order
                .quote
                .map(|quote| DiscountBody::new(quote, plan, place.now)),
            tax: order.taxed.map(|taxed| TaxBody::new(taxed, order)),
            offered_plans: place.offers.iter().copied().map(PlanBody::of).collect(),
            wallets: wallets().map(offer).collect(),
            without_payment_method: WithoutMethod::of(order, against),
        }
    }
}

impl WithoutMethod {
    fn of(order: Order<'_>, against_user: &[Reason]) -> Option<Self> {
        let ends = order.plan.trial_without_payment_method?;
        let mut reasons = against_user.to_vec();
        reasons.extend(without_trial(order.plan));
        reasons.extend(order.quote.map(|_| with_code()));
        Some(Self {
            offer: reasons.is_empty(),
            reasons,
            ends,
            text: terms_without_method(order.plan, ends),
        })
    }
}

impl WalletOffer {
    fn new(
        wallet: Wallet,
        order: Order<'_>,
        consent: &Consent,
        standing: &Standing,
        place: &Place<'_>,
        against_user: &[Reason],
    ) -> Self {
        let setup_first = order.quote.is_some_and(|quote| quote.setup_first);
        let (plan, discount) = (order.plan, order.discount());
        let mut reasons = against_wallet(wallet, plan, standing, place.shop, place.live);
        let offer = against_user.is_empty() && !reasons.iter().any(|reason| reason.hides);
        reasons.extend_from_slice(against_user);
        let (elements, express_checkout) = match wallet.row().shown {
            // Its button needs no options: the page leaves with the SetupIntent's secret.
            Shown::Redirect => (None, None),
            Shown::Sheet { .. } => {
                let elements = ElementsByFirst {
                    setup_intent: Elements::setup(plan),
                    subscription: Elements::subscription(plan, discount),
                };
                // Apple alone is told of later payments, and asked for a merchant token with that.
                let (management, now) = (&place.management, place.now);
                let apple_pay = (wallet == Wallet::ApplePay)
                    .then(|| ApplePay::recurring(plan, discount, consent, management, now));
                let express_checkout = ExpressCheckout::new(wallet, apple_pay);
                (Some(elements), Some(express_checkout))
            }
        };
        Self {
            wallet,
            offer,
            reasons,
            first: wallet
                .row()
                .first
                .iter()
                .copied()
                .filter(|first| *first == First::SetupIntent || !setup_first)
                .collect(),
            elements,
            express_checkout,
        }
    }
}
