//! The bodies, and what they may not say. They are serialized again for the fingerprint alone.

mod discount;

pub(crate) use discount::DiscountAsk;
use discount::code_words;

use std::collections::BTreeMap;

use perennial_api::not_an_id;
use perennial_flows::actions::{
    AskEnd, AskPlan, AskedCode, Cancel, CancellationDetails, ChangeWhen, Feedback, Pause,
    PreviewedPause, Refund, Resume, TrialEnd,
};
use perennial_http::ApiError;
use perennial_types::{AgreedEnd, By, CancelRefund, CancelWhen, LARGEST_QUANTITY, Timestamp};
use serde::{Deserialize, Serialize};

/// Stripe takes no longer comment (<https://docs.stripe.com/api/subscriptions/cancel>).
const LONGEST_COMMENT: usize = 5000;

/// Stripe's ids are not longer.
const LONGEST_ID: usize = 255;

/// A body that may name a user, which those of the shop's servers do.
pub(crate) trait OfUser {
    fn user(&self) -> Option<&str>;
}

#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelAsk {
    user: Option<String>,
    when: Option<CancelWhen>,
    at: Option<Timestamp>,
    refund: Option<CancelRefund>,
    pub(crate) preview: Option<String>,
    feedback: Option<Feedback>,
    comment: Option<String>,
}

#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithdrawAsk {
    user: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewAsk {
    user: Option<String>,
    plan: Option<String>,
    quantity: Option<u64>,
    code: Option<String>,
    addons: Option<BTreeMap<String, u64>>,
    when: Option<ChangeAt>,
    cancel: Option<CancelWhen>,
    at: Option<Timestamp>,
    again: Option<String>,
    pause: Option<PausedUntil>,
    resume: Option<Resumed>,
}

/// What is previewed.
pub(crate) enum Previewed {
    Plan(AskPlan),
    End(AskEnd),
    /// A pause, or its end.
    Pause(PreviewedPause),
    /// Another subscription of this plan, after one that has ended, for so many and with so many add-ons.
    Again(String, Option<u64>, BTreeMap<String, u64>),
}

fn conflicting(why: &'static str) -> ApiError {
    ApiError::new(400, "conflicting_fields", why)
}

/// The date of an end, which only a server names.
fn date(by: By, when: Option<CancelWhen>, at: Option<Timestamp>) -> Result<(), ApiError> {
    let is_date = when == Some(CancelWhen::Date);
    if is_date && by == By::Shopper {
        return Err(conflicting(
            "Only your servers name a date. A shopper ends with the period: send \"period_end\".",
        ));
    }
    match (is_date, at) {
        (true, None) => Err(ApiError::new(
            400,
            "missing_field",
            "Say when it ends: send \"at\", such as \"2027-06-30T00:00:00Z\".",
        )),
        (false, Some(_)) => Err(conflicting("\"at\" goes with the end at a \"date\" alone.")),
        _ => Ok(()),
    }
}

#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields)]
struct PausedUntil {
    until: Option<Timestamp>,
}

#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields)]
struct Resumed {}

#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct PauseAsk {
    user: Option<String>,
    until: Option<Timestamp>,
}

#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResumeAsk {
    user: Option<String>,
    due_now: Option<i64>,
}

#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrialAsk {
    user: Option<String>,
    ends: Option<EndsNow>,
    ends_at: Option<Timestamp>,
}

#[derive(Deserialize, Serialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum EndsNow {
    Now,
}

#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefundAsk {
    user: Option<String>,
    invoice: Option<String>,
    amount: Option<u64>,
}

impl OfUser for RefundAsk {
    fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}

impl RefundAsk {
    pub(crate) fn parse(self) -> Result<Refund, ApiError> {
        let invoice = self.invoice.ok_or_else(|| {
            ApiError::new(
                400,
                "missing_field",
                "Say of which invoice: send \"invoice\", an id of GET /shop/invoices.",
            )
        })?;
        if !is_invoice(&invoice) {
            return Err(not_an_id("invoice", "in_..."));
        }
        if self.amount == Some(0) {
            return Err(ApiError::new(
                400,
                "invalid_field",
                "\"amount\" is at least 1, in the currency's smallest unit.",
            ));
        }
        Ok(Refund {
            invoice,
            amount: self.amount,
        })
    }
}

impl OfUser for TrialAsk {
    fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}

impl TrialAsk {
    pub(crate) fn parse(self) -> Result<TrialEnd, ApiError> {
        match (self.ends, self.ends_at) {
            (Some(EndsNow::Now), None) => Ok(TrialEnd::Now),
            (None, Some(at)) => Ok(TrialEnd::At(at)),
            (None, None) => Err(ApiError::new(
                400,
                "missing_field",
                "Say when the trial ends: send \"ends\":\"now\", or \"ends_at\" with a time.",
            )),
            (Some(_), Some(_)) => Err(conflicting(
                "\"ends\" ends the trial now, and \"ends_at\" at a time: send one of both.",
            )),
        }
    }
}

impl OfUser for PauseAsk {
    fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}

impl OfUser for ResumeAsk {
    fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}

impl PauseAsk {
    pub(crate) fn parse(self) -> Pause {
        Pause { until: self.until }
    }
}

impl ResumeAsk {
    pub(crate) fn parse(self) -> Resume {
        Resume {
            due_now: self.due_now,
        }
    }
}

#[derive(Deserialize, Serialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChangeAt {
    Auto,
    Now,
    PeriodEnd,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeAsk {
    user: Option<String>,
    pub(crate) preview: String,
}

impl OfUser for PreviewAsk {
    fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}

impl OfUser for ChangeAsk {
    fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}

impl PreviewAsk {
    pub(crate) fn parse(self, by: By) -> Result<Previewed, ApiError> {
        if let Some(quantity) = self.quantity
            && !(1..=LARGEST_QUANTITY).contains(&quantity)
        {
            return Err(ApiError::new(
                400,
                "invalid_field",
                format!("\"quantity\" is 1 to {LARGEST_QUANTITY}."),
            ));
        }
        let code = self.code.as_deref().map(code_words).transpose()?;
        if let Some(addons) = &self.addons {
            perennial_api::check_addon_numbers(addons)?;
        }
        let of_items = self.quantity.is_some() || self.addons.is_some() || code.is_some();
        let of_plan = self.plan.is_some() || of_items || self.when.is_some();
        let of_end = self.cancel.is_some() || self.at.is_some();
        match (self.pause, self.resume) {
            (None, None) => {}
            (Some(pause), None) if !of_plan && !of_end && self.again.is_none() => {
                let pause = Pause { until: pause.until };
                return Ok(Previewed::Pause(PreviewedPause::Pause(pause)));
            }
            (None, Some(_)) if !of_plan && !of_end && self.again.is_none() => {
                return Ok(Previewed::Pause(PreviewedPause::Resume));
            }
            _ => {
                return Err(conflicting(
                    "\"pause\" and \"resume\" are previewed alone: send nothing else.",
                ));
            }
        }
        if let Some(plan) = self.again {
            let alone = self.plan.is_none() && self.cancel.is_none() && self.when.is_none();
            if by == By::Server || !alone || self.at.is_some() || code.is_some() {
                return Err(conflicting(
                    "\"again\" names the plan of another subscription, for its shopper to agree to: send \"quantity\" and \"addons\" beside it, or nothing.",
                ));
            }
            let addons = self.addons.unwrap_or_default();
            return Ok(Previewed::Again(plan, self.quantity, addons));
        }
        match (self.plan, self.cancel) {
            (plan, None) if plan.is_some() || of_items => {
                date(by, None, self.at)?;
                Ok(Previewed::Plan(AskPlan {
                    plan,
                    quantity: self.quantity,
                    code: code.map(AskedCode::Words),
                    addons: self.addons.unwrap_or_default(),
                    when: match self.when {
                        None | Some(ChangeAt::Auto) => None,
                        Some(ChangeAt::Now) => Some(ChangeWhen::Now),
                        Some(ChangeAt::PeriodEnd) => Some(ChangeWhen::PeriodEnd),
                    },
                }))
            }
            (None, Some(when)) if !of_items && self.when.is_none() => {
                date(by, Some(when), self.at)?;
                Ok(Previewed::End(AskEnd { when, at: self.at }))
            }
            (None, None) => Err(ApiError::new(
                400,
                "missing_field",
                "Say what is previewed: send \"plan\", \"quantity\", \"addons\", \"code\", \"cancel\", \"pause\", \"resume\" or \"again\".",
            )),
            _ => Err(conflicting(
                "\"cancel\" previews an end, and \"plan\" with \"quantity\", \"addons\", \"code\" and \"when\" another plan: send one of both.",
            )),
        }
    }
}

impl OfUser for CancelAsk {
    fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}

impl OfUser for WithdrawAsk {
    fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}

impl CancelAsk {
    /// `agreed` is what its preview says.
    pub(crate) fn parse(self, by: By, agreed: Option<AgreedEnd>) -> Result<Cancel, ApiError> {
        let comment = self.comment.map(|text| text.trim().to_owned());
        let comment = comment.filter(|text| !text.is_empty());
        if comment
            .as_ref()
            .is_some_and(|text| text.chars().count() > LONGEST_COMMENT)
        {
            return Err(ApiError::new(
                400,
                "invalid_field",
                format!("The comment has at most {LONGEST_COMMENT} characters."),
            ));
        }
        date(by, self.when, self.at)?;
        if agreed.is_some() && (self.refund.is_some() || !is_now(self.when)) {
            return Err(conflicting(
                "\"preview\" says all of the end that it shows: leave \"when\" and \"refund\" out.",
            ));
        }
        let prorated = self.refund == Some(CancelRefund::Prorated);
        if self.refund.is_some() && by == By::Shopper {
            return Err(conflicting(
                "What goes back to a shopper is what a preview has shown: send \"preview\", and leave \"refund\" out.",
            ));
        }
        if prorated && self.when != Some(CancelWhen::Now) {
            return Err(conflicting(
                "Only an end at once gives something back: send \"when\":\"now\".",
            ));
        }
        Ok(Cancel {
            when: self.when,
            at: self.at,
            prorated,
            agreed,
            details: CancellationDetails {
                feedback: self.feedback,
                comment,
            },
        })
    }
}

fn is_now(when: Option<CancelWhen>) -> bool {
    when.is_none_or(|when| when == CancelWhen::Now)
}

/// Whether it has the form of an invoice's id.
pub(crate) fn is_invoice(id: &str) -> bool {
    let rest = id.strip_prefix("in_").unwrap_or_default();
    let plain = rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    !rest.is_empty() && plain && id.len() <= LONGEST_ID
}
