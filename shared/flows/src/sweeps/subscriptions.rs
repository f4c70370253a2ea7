//! The read model against Stripe's lists of subscriptions.
//!
//! A pass goes through all that have not ended, and through those that have ended lately. What the table
//! knows of a page is read in batches, and only what differs is looked at by itself.

use std::collections::BTreeSet;

use perennial_store::{Asked, Cursor, Known, Span, SubscriptionItem};
use perennial_stripe::{List, ListSubscriptions, StripeError, Subscription, Which, metadata};
use perennial_types::{Attempt, Phase, PlanGroup, SubscriptionId};
use serde::Serialize;
use serde_json::Value;
use tokio::task::JoinSet;

use super::{Begin, Sweeps, spans::part};
use crate::{
    FlowError, SweepBudget,
    subscriptions::{
        Subscriptions, attempt_of, charged, first_invoice_tells, is_of, read_model, report, sold_as,
    },
};

/// What a comparison has found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ComparedSubscriptions {
    /// Compared.
    pub compared: u32,
    /// Different, and read again.
    pub repaired: u32,
    /// Could not be compared, or read again; that is tried the next night.
    pub failed: u32,
    /// Of customers that are not ours.
    pub foreign: u32,
    /// Pairs of live subscriptions of one user and plan group.
    pub doubled: u32,
    /// Whether the lists have been read to the end.
    pub complete: bool,
}

const CURSOR: &str = "subscriptions";
const NOT_COMPARED: &str = "a subscription could not be compared";

/// What has ended leaves the pass so long after the end of its last period. It can end no later than that
/// period, and every night until then has compared it as one that has ended, and as such it stays.
const ENDED_SECONDS: i64 = 30 * 24 * 3600;
/// A pass that takes longer than this is not done by the next night.
const LONGEST_PASS_SECONDS: i64 = 20 * 3600;

/// A subscription of a page, and what the table knows of it.
struct Listed {
    id: Option<String>,
    created: Option<i64>,
    /// None if its form is not known.
    subscription: Option<Subscription>,
    /// None if something about it cannot be read.
    known: Option<Known>,
}

/// What comes of the look at a page.
enum Verdict {
    Agrees,
    Foreign,
    /// Or it takes a closer look to say.
    Differs,
}

impl Sweeps<'_> {
    /// Compares Stripe's subscriptions with the read model, and reads again what differs.
    pub async fn subscriptions(
        &self,
        slice: SweepBudget,
        begin: Begin,
    ) -> Result<ComparedSubscriptions, FlowError> {
        let mut compared = ComparedSubscriptions::default();
        // Each pair is met twice, and told once.
        let mut doubled = BTreeSet::new();
        let mut cursor = self.cx.table.cursor(CURSOR).await?;
        if !self.go_on(&mut cursor, begin) {
            compared.complete = true;
            return Ok(compared);
        }
        while !slice.is_over() {
            part(&mut cursor.spans);
            let pages = self.pages(&cursor).await?;
            let mut pages = self.read_pages(pages).await?.into_iter();
            for mut span in std::mem::take(&mut cursor.spans) {
                // What the last slice ended with is no longer in the list.
                let Some((page, has_more)) = pages.next().flatten() else {
                    span.after = None;
                    cursor.spans.push(span);
                    continue;
                };
                let mut rest = page.len();
                for listed in page {
                    let verdict = self.verdict(&listed).await;
                    if slice.is_over() && matches!(verdict, Verdict::Differs) {
                        break;
                    }
                    rest -= 1;
                    span.after = listed.id.clone().or(span.after);
                    span.to = listed.created.or(span.to);
                    match verdict {
                        Verdict::Agrees => compared.compared += 1,
                        Verdict::Foreign => compared.foreign += 1,
                        Verdict::Differs => {
                            let look =
                                self.look_closer(listed, &slice, &mut compared, &mut doubled);
                            // Boxed, because it holds a whole reading, and hardly any costs one.
                            Box::pin(look).await;
                        }
                    }
                }
                if has_more || rest > 0 {
                    cursor.spans.push(span);
                }
            }
            compared.complete = cursor.spans.is_empty();
            if compared.complete {
                cursor = Cursor {
                    fence: cursor.fence,
                    done_until: Some(self.cx.clock.now()),
                    known_until: cursor.working_until,
                    archived: true,
                    ..Cursor::default()
                };
            }
            if !self.cx.table.move_cursor(CURSOR, &cursor).await? {
                tracing::info!("another run compares the subscriptions");
                compared.complete = false;
                break;
            }
            cursor.fence += 1;
            if compared.complete {
                break;
            }
        }
        Ok(compared)
    }

    /// Begins a pass if none is under way; false if it must not.
    fn go_on(&self, cursor: &mut Cursor, begin: Begin) -> bool {
        let now = self.cx.clock.now();
        if let (Some(began), false) = (cursor.working_until, cursor.spans.is_empty()) {
            let age = now.unix().saturating_sub(began.unix());
            if begin == Begin::Always && age > LONGEST_PASS_SECONDS {
                tracing::error!(%began, "the comparison of subscriptions is not done in a night");
            }
            return true;
        }
        if begin == Begin::Never {
            return false;
        }
        let span = |ended| Span {
            ended,
            from: 0,
            to: None,
            after: None,
        };
        *cursor = Cursor {
            fence: cursor.fence,
            done_until: cursor.done_until,
            known_until: cursor.known_until,
            archived: cursor.archived,
            working_until: Some(now),
            spans: vec![span(false), span(true)],
            ..Cursor::default()
        };
        true
    }

    /// The next page of each span, in their order; none if the place to go on from is gone.
    async fn pages(&self, cursor: &Cursor) -> Result<Vec<Option<List<Value>>>, FlowError> {
        // What was over before then, the last complete pass or one before it has compared as ended.
        let last = cursor.known_until.filter(|_| cursor.archived);
        let since = last.map(|last| last.plus_seconds(-ENDED_SECONDS).unix());
        let mut calls = JoinSet::new();
        for (place, span) in cursor.spans.iter().cloned().enumerate() {
            let stripe = self.cx.stripe.clone();
            calls.spawn(async move {
                let ask = ListSubscriptions {
                    which: if span.ended {
                        Which::Ended { since }
                    } else {
                        Which::Living
                    },
                    from: span.from,
                    to: span.to,
                    starting_after: span.after.as_deref(),
                };
                let page = match stripe.list_all_subscriptions(&ask).await {
                    Ok(page) => Ok(Some(page.value)),
                    Err(StripeError::Invalid { .. }) if span.after.is_some() => Ok(None),
                    Err(error) => Err(error),
                };
                (place, page)
            });
        }
        let mut pages = calls.join_all().await;
        pages.sort_by_key(|(place, _)| *place);
        let pages = pages.into_iter().map(|(_, page)| Ok(page?));
        pages.collect()
    }

    /// Reads what the pages hold, and what the table knows of that.
    async fn read_pages(
        &self,
        pages: Vec<Option<List<Value>>>,
    ) -> Result<Vec<Option<(Vec<Listed>, bool)>>, FlowError> {
        let mut asked = Vec::new();
        let mut read = Vec::new();
        for page in pages {
            read.push(page.map(|page| {
                let has_more = page.has_more && !page.data.is_empty();
                let listed = page.data.into_iter().map(|listed| {
                    let (id, created) = (id_of(&listed), created_of(&listed));
                    let subscription: Option<Subscription> = serde_json::from_value(listed).ok();
                    asked.extend(subscription.as_ref().map(|it| self.ask_about(it)));
                    Listed {
                        id,
                        created,
                        subscription,
                        known: None,
                    }
                });
                (listed.collect::<Vec<_>>(), has_more)
            }));
        }
        let mut known = self.cx.table.known_subscriptions(&asked).await?.into_iter();
        let all = read.iter_mut().flatten().flat_map(|(page, _)| page);
        for listed in all.filter(|listed| listed.subscription.is_some()) {
            listed.known = known.next().flatten();
        }
        Ok(read)
    }

    fn ask_about(&self, listed: &Subscription) -> Asked {
        let user = listed.metadata.get(metadata::USER);
        let prices = charged(listed);
        let plans = prices
            .iter()
            .flat_map(|it| self.cx.plans.plans_of_price(it));
        let has_ended = listed.status.is_terminal();
        Asked {
            customer: listed.customer_id().clone(),
            user: user.and_then(|user| user.parse().ok()),
            subscription: listed.id.clone(),
            groups: plans
                .filter(|_| !has_ended)
                .map(|(_, plan)| plan.group.clone())
                .collect(),
            has_ended,
            attempt: attempt_of(listed).filter(|_| has_ended),
        }
    }

    async fn verdict(&self, listed: &Listed) -> Verdict {
        let (Some(subscription), Some(known)) = (&listed.subscription, &listed.known) else {
            return Verdict::Differs;
        };
        let Some(user) = &known.user else {
            return Verdict::Foreign;
        };
        let named = subscription.metadata.get(metadata::USER);
        if named.map(String::as_str) == Some(user.as_str())
            && self.agrees(subscription, known).await
        {
            Verdict::Agrees
        } else {
            Verdict::Differs
        }
    }

    /// Whether the read model is as Stripe has it, and no other live subscription is of the same group:
    /// that of the slot is this one, and any other one has none.
    async fn agrees(&self, subscription: &Subscription, known: &Known) -> bool {
        if known.is_archived {
            return true;
        }
        let item = known.item.as_ref();
        let sold_as = sold_as(&self.cx.plans, subscription, item);
        if first_invoice_tells(&self.cx.plans, subscription, sold_as.as_ref()) {
            return false;
        }
        let plans = Subscriptions::of(self.cx).plans_for(subscription).await;
        let listed = read_model(&plans, subscription, item, sold_as);
        let lives = !listed.status.is_terminal() && !listed.awaits_shopper();
        let holds_slot = |group: &PlanGroup| {
            let slot = known.slots.iter().find(|slot| slot.group == *group);
            slot.is_some_and(|slot| slot.subscription.as_ref() == Some(&listed.id))
        };
        if lives
            && !listed
                .plans(&self.cx.plans)
                .all(|(_, it)| holds_slot(&it.group))
        {
            return false;
        }
        match item.and_then(|item| item.subscription.as_ref()) {
            // One that has ended does not change, but is to be moved to the archive.
            Some(model) => {
                !model.status.is_terminal()
                    && *model == listed
                    && !self.lacks_look(subscription, item, &listed)
            }
            None => {
                listed.status.is_terminal() && is_forgotten(subscription, known.attempt.as_ref())
            }
        }
    }

    /// Whether no time is noted at which the shop is told of the next charge, although it has to be.
    fn lacks_look(
        &self,
        subscription: &Subscription,
        item: Option<&SubscriptionItem>,
        listed: &perennial_types::Subscription,
    ) -> bool {
        let now = self.cx.clock.now();
        let lacks_look = item.is_some_and(SubscriptionItem::lacks_look);
        let subscriptions = Subscriptions::of(self.cx);
        lacks_look && subscriptions.remind_at(subscription, listed, now).is_some()
    }

    async fn look_closer(
        &self,
        listed: Listed,
        slice: &SweepBudget,
        compared: &mut ComparedSubscriptions,
        doubled: &mut BTreeSet<BTreeSet<String>>,
    ) {
        let Some(subscription) = listed.subscription else {
            compared.failed += 1;
            let reason = "its form is not known";
            tracing::error!(subscription = listed.id, reason, "{NOT_COMPARED}");
            return;
        };
        let cx = self.cx.for_one_object();
        let repaired = compared.repaired;
        let result = Sweeps::of(&cx)
            .compare(&subscription, compared, doubled)
            .await;
        if let Err(error) = &result {
            compared.failed += 1;
            say_not_compared(&subscription.id, error);
        }
        if result.is_err() || compared.repaired > repaired {
            slice.pause().await;
        }
    }

    async fn compare(
        &self,
        subscription: &Subscription,
        compared: &mut ComparedSubscriptions,
        doubled: &mut BTreeSet<BTreeSet<String>>,
    ) -> Result<(), FlowError> {
        let customer = subscription.customer_id();
        let Some(user) = self.cx.table.user_of_customer(customer).await? else {
            compared.foreign += 1;
            return Ok(());
        };
        if !is_of(subscription, &user) {
            let reason = "it names another user than its customer's";
            tracing::error!(subscription = %subscription.id, reason, "a subscription is not compared");
            compared.foreign += 1;
            return Ok(());
        }
        compared.compared += 1;
        let items = self.cx.table.load_subscription_items(&user).await?;
        let known = items.iter().find(|item| {
            let model = item.subscription.as_ref();
            model.is_some_and(|model| model.id == subscription.id)
        });
        if known.is_none()
            && subscription.status.is_terminal()
            && let archived = self.cx.table.archived_subscription(&user, &subscription.id)
            && archived.await?.is_some()
        {
            return Ok(());
        }
        let sold_as = Subscriptions::of(self.cx)
            .sold_as(subscription, known)
            .await?;
        let plans = Subscriptions::of(self.cx).plans_for(subscription).await;
        let listed = read_model(&plans, subscription, known, sold_as);
        for (other, group) in Subscriptions::of(self.cx).seconds(&listed, &items) {
            let pair = BTreeSet::from([listed.id.as_str().to_owned(), other.as_str().to_owned()]);
            if doubled.insert(pair) {
                compared.doubled += 1;
                report(&listed.id, &other, &group);
            }
        }
        let known_item = known;
        let known = known.and_then(|item| item.subscription.clone());
        let lacks_look = self.lacks_look(subscription, known_item, &listed);
        if known.as_ref() == Some(&listed) && !listed.status.is_terminal() {
            if lacks_look {
                // An older version has written it, or nothing was to be told by then.
                let subscriptions = Subscriptions::of(self.cx);
                let read = subscriptions.refresh(&user, customer, &subscription.id);
                Box::pin(read).await?;
                tracing::info!(subscription = %subscription.id, "it was not noted when to tell of the next charge");
            }
            return Ok(());
        }
        let ended = known
            .as_ref()
            .is_some_and(|known| known.status.is_terminal());
        if ended {
            // It stays as it is, and is moved to the archive.
            let subscriptions = Subscriptions::of(self.cx);
            subscriptions
                .refresh(&user, customer, &subscription.id)
                .await?;
            return Ok(());
        }
        if known.is_none() && listed.status.is_terminal() {
            let attempt = match attempt_of(subscription) {
                Some(id) => self.cx.table.attempt(&user, &id).await?,
                None => None,
            };
            if is_forgotten(subscription, attempt.as_ref()) {
                return Ok(());
            }
        }
        Subscriptions::of(self.cx)
            .refresh(&user, customer, &subscription.id)
            .await?;
        compared.repaired += 1;
        tracing::warn!(subscription = %subscription.id, "the read model was not what Stripe has");
        Ok(())
    }
}

/// Whether nothing has to be known of one that has ended: it was never confirmed. Such a one is forgotten
/// a day after its end, and its checkout a week after.
fn is_forgotten(subscription: &Subscription, attempt: Option<&Attempt>) -> bool {
    let began = attempt.is_some_and(|it| !matches!(it.phase, Phase::Ended { .. }));
    attempt_of(subscription).is_some() && !began
}

fn id_of(listed: &Value) -> Option<String> {
    let id: SubscriptionId = listed.get("id")?.as_str()?.parse().ok()?;
    Some(id.as_str().to_owned())
}

fn created_of(listed: &Value) -> Option<i64> {
    listed.get("created")?.as_i64()
}

fn say_not_compared(subscription: &SubscriptionId, error: &FlowError) {
    let chain = error.chain();
    // Its user is at it this very moment.
    if error.is_busy() {
        tracing::warn!(%subscription, error = chain, "{NOT_COMPARED}");
    } else {
        tracing::error!(%subscription, error = chain, "{NOT_COMPARED}");
    }
}
