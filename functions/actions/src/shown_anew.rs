//! What holds in place of what was shown, for a page that agrees to what no longer does.

use std::collections::BTreeMap;

use perennial_flows::{
    Context,
    actions::{
        ActionError, ActionErrorCode, AskEnd, AskPlan, AskedAction, AskedCode, FrozenChange,
        PreviewedPause,
    },
};
use perennial_http::ApiError;
use perennial_types::{By, CancelWhen};

use crate::{App, preview};

impl App {
    /// Why a change was not carried out, with a new preview of it if the one that was shown is outdated and the change
    /// is still possible.
    pub(crate) async fn refuse_change(
        &self,
        context: &Context,
        (by, asked): (By, &AskedAction),
        change: &FrozenChange,
        error: ActionError,
    ) -> ApiError {
        let is_outdated = is_outdated(&error);
        let refused = self.refuse(context, by, error);
        if !is_outdated {
            return refused;
        }
        let plan = context.plans().get(change.plan.as_str());
        let ask = AskPlan {
            plan: change.new_price().map(|_| change.plan.to_string()),
            quantity: Some(change.quantity),
            code: change
                .code
                .as_ref()
                .map(|it| AskedCode::Known(it.promotion_code.clone())),
            addons: plan.map_or_else(BTreeMap::new, |(_, plan)| change.asked_addons(plan)),
            when: Some(change.when),
        };
        match Box::pin(context.actions().preview_plan(asked, &ask)).await {
            Ok(shown) => {
                let token = self.links.signer().await.change(&shown.change);
                refused.with("new_preview", preview::describe(&shown, &token))
            }
            // It is not possible any more, which the page hears when it asks.
            Err(_) => refused,
        }
    }

    /// The same for a resumption.
    pub(crate) async fn refuse_resumption(
        &self,
        context: &Context,
        (by, asked): (By, &AskedAction),
        error: ActionError,
    ) -> ApiError {
        let is_outdated = is_outdated(&error);
        let refused = self.refuse(context, by, error);
        if !is_outdated {
            return refused;
        }
        let what = PreviewedPause::Resume;
        match Box::pin(context.actions().preview_pause(asked, what)).await {
            Ok(shown) => refused.with("new_preview", preview::describe_pause(&shown)),
            Err(_) => refused,
        }
    }

    /// The same for an end at once.
    pub(crate) async fn refuse_end(
        &self,
        context: &Context,
        (by, asked): (By, &AskedAction),
        error: ActionError,
    ) -> ApiError {
        let is_outdated = is_outdated(&error);
        let refused = self.refuse(context, by, error);
        if !is_outdated {
            return refused;
        }
        let when = CancelWhen::Now;
        let ask = AskEnd { when, at: None };
        match Box::pin(context.actions().preview_end(asked, ask)).await {
            Ok(shown) => {
                let signer = self.links.signer().await;
                let token = shown.agreed.as_ref().map(|agreed| signer.end(agreed));
                let shown = preview::describe_end(&shown, when, token.as_deref());
                refused.with("new_preview", shown)
            }
            Err(_) => refused,
        }
    }
}

fn is_outdated(error: &ActionError) -> bool {
    let ActionError::Refused(refusal) = error else {
        return false;
    };
    refusal.why == ActionErrorCode::PreviewOutdated
}
