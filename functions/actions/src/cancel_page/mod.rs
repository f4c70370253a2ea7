//! `GET /cancel` and `POST /cancel`: the page of a signed link, on which a subscription is canceled without
//! signing in, and the cancellation taken back.
//!
//! Opening it changes nothing, since programs that look through mails open the links in them. What the button
//! asks for is carried out by the same code as the shopper's own request.

mod page;
mod words;

use perennial_api::{Link, failure, unknown_link};
use perennial_flows::actions::{ActionError, ActionErrorCode, AskedAction, Cancel, Known};
use perennial_http::{ApiError, Request, Response};
use perennial_types::{Actions, By, CancelWhen, InvoiceStatus, NotNow, Plans, Subscription};

use self::{
    page::{Button, Page, What},
    words::{Texts, Words},
};
use crate::{App, refused};

const NOT_DONE: &str = "a page has told its reader that nothing could be done";

/// No form of these pages comes near this.
const LARGEST_FORM: usize = 8 * 1024;

/// A subscription whose link is good.
struct Opened<'a> {
    asked: AskedAction,
    known: Known,
    link: &'a str,
}

impl App {
    /// The page. Nothing is asked of Stripe and nothing is written.
    pub(crate) async fn cancel_page(&self, request: &Request) -> Result<Response, ApiError> {
        let words = Words::of(request);
        let link = request.query.get("link").map_or("", String::as_str);
        match self.open_cancel(link).await {
            Ok(it) => {
                let page = self.state(words, &it, &it.known.subscription, None);
                Ok(page.answer(200))
            }
            Err(error) => self.trouble(words, request, error),
        }
    }

    /// What the button of the page asks for.
    pub(crate) async fn confirm_cancel(&self, request: &Request) -> Result<Response, ApiError> {
        let words = Words::of(request);
        let (link, what) = match read_form(request) {
            Ok(form) => form,
            Err(error) => return self.trouble(words, request, error),
        };
        let it = match self.open_cancel(&link).await {
            Ok(it) => it,
            Err(error) => return self.trouble(words, request, error),
        };
        match self.carry_out(&it, what).await {
            Ok(now) => Ok(self.done(words, &it, &now, what).answer(200)),
            Err(ActionError::Flow(error)) => self.trouble(words, request, failure(error)),
            Err(ActionError::Refused(refusal)) => {
                let error = refused(refusal.why);
                let note = match refusal.why {
                    // How it stands is all that there is to say.
                    ActionErrorCode::Ended | ActionErrorCode::NotConfirmed => None,
                    ActionErrorCode::PeriodIsPaid
                    | ActionErrorCode::PreviewRequired
                    | ActionErrorCode::NoPeriodRuns
                    | ActionErrorCode::Changed => Some(words.changed),
                    _ => return self.trouble(words, request, error),
                };
                match refusal.subscription {
                    Some(now) if !request.wants_json() => {
                        let page = self.state(words, &it, &now, note);
                        Ok(page.answer(error.status))
                    }
                    _ => self.trouble(words, request, error),
                }
            }
        }
    }

    async fn open_cancel<'a>(&self, link: &'a str) -> Result<Opened<'a>, ApiError> {
        let opened = self.links.open(link, self.clock.now()).await?;
        let Link::Cancel {
            user,
            subscription,
            number,
        } = opened
        else {
            return Err(unknown_link());
        };
        let context = self.clients.begin().await.map_err(failure)?;
        let known = context.actions().known(&user, &subscription).await;
        let known = known.map_err(|error| match error {
            ActionError::Flow(error) => failure(error),
            ActionError::Refused(_) => unknown_link(),
        })?;
        if known.number != number {
            return Err(unknown_link());
        }
        let asked = AskedAction {
            user,
            subscription,
            by: By::Shopper,
            key: None,
        };
        Ok(Opened { asked, known, link })
    }

    async fn carry_out(&self, it: &Opened<'_>, what: What) -> Result<Subscription, ActionError> {
        let context = self.clients.begin().await?;
        let actions = context.actions();
        let now = match what {
            What::Cancel(when) => {
                let cancel = Cancel {
                    when: Some(when),
                    ..Cancel::default()
                };
                Box::pin(actions.cancel(&it.asked, &cancel))
                    .await?
                    .subscription
            }
            What::Keep => Box::pin(actions.withdraw_cancellation(&it.asked)).await?,
        };
        Ok(now)
    }

    /// Nothing is given back here: an end at once in a paid period has to be shown with its amount first.
    fn may(&self, now: &Subscription) -> Actions {
        now.actions(By::Shopper, self.clock.now(), &Plans::default())
    }

    /// What a subscription that is looked at says, and what may be done to it.
    fn state<'a>(
        &'a self,
        words: &'static Words,
        it: &'a Opened<'_>,
        now: &Subscription,
        note: Option<&'static str>,
    ) -> Page<'a> {
        let may = self.may(now);
        let button = |label, what| {
            Some(Button {
                label,
                what,
                link: it.link,
            })
        };
        let (texts, button) = match (may.cancel.reason, may.cancel.when.first()) {
            (Some(NotNow::Ended), _) => (&words.over, None),
            (Some(NotNow::NotConfirmed), _) => (&words.not_begun, None),
            _ if now.planned_end().is_some() => (&words.canceled, button(words.keep, What::Keep)),
            (None, Some(CancelWhen::Now)) => (
                &words.ask_at_once,
                button(words.cancel, What::Cancel(CancelWhen::Now)),
            ),
            _ => (
                &words.ask,
                button(words.cancel, What::Cancel(CancelWhen::PeriodEnd)),
            ),
        };
        let asks = button.as_ref().is_some_and(|it| it.what != What::Keep);
        let owes = now.latest_invoice_status == Some(InvoiceStatus::Open);
        Page {
            words,
            texts,
            note,
            facts: self.facts(words, it, now),
            more: (asks && owes).then_some(words.owes),
            button,
            shop: &self.shop.url,
        }
    }

    /// The same after the button was pressed.
    fn done<'a>(
        &'a self,
        words: &'static Words,
        it: &'a Opened<'_>,
        now: &Subscription,
        what: What,
    ) -> Page<'a> {
        let mut page = self.state(words, it, now, None);
        if what == What::Keep && now.planned_end().is_none() {
            page.texts = &words.kept;
            page.more = None;
            page.button = None;
        }
        page
    }

    fn facts(
        &self,
        words: &'static Words,
        it: &Opened<'_>,
        now: &Subscription,
    ) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        if let Some(label) = &it.known.label {
            facts.push((words.plan, label.clone()));
        }
        facts.push((words.reference, now.id.to_string()));
        if let Some(at) = now.canceled_at {
            facts.push((words.received, words.moment(at)));
        }
        let ends = now.planned_end();
        if now.status.is_terminal() {
            facts.extend(ends.map(|at| (words.ended, words.moment(at))));
            return facts;
        }
        let may = self.may(now).cancel;
        let ends = match (ends, may.when.first()) {
            (Some(at), _) => Some(words.moment(at)),
            (None, Some(CancelWhen::PeriodEnd)) => {
                now.current_period_end.map(|at| words.moment(at))
            }
            (None, Some(CancelWhen::Now)) => Some(words.at_once.to_owned()),
            (None, Some(CancelWhen::Date) | None) => None,
        };
        facts.extend(ends.map(|ends| (words.ends, ends)));
        facts
    }

    /// What cannot be done, in words for a reader of mails.
    fn trouble(
        &self,
        words: &'static Words,
        request: &Request,
        error: ApiError,
    ) -> Result<Response, ApiError> {
        if request.wants_json() {
            return Err(error);
        }
        error.log(&request.request_id, NOT_DONE);
        let texts: &Texts = match error.status {
            429 | 500.. => &words.not_now,
            409 => &words.not_here,
            _ => &words.unknown_link,
        };
        let page = Page {
            words,
            texts,
            note: None,
            facts: Vec::new(),
            more: None,
            button: None,
            shop: &self.shop.url,
        };
        let answer = page.answer(error.status);
        Ok(match error.retry_after {
            Some(seconds) => answer.with_header("retry-after", seconds.to_string()),
            None => answer,
        })
    }
}

/// What a browser sends of the form.
fn read_form(request: &Request) -> Result<(String, What), ApiError> {
    let malformed = |message| ApiError::new(400, "invalid_form", message);
    if request.body.len() > LARGEST_FORM {
        return Err(ApiError::new(
            413,
            "body_too_large",
            "The form of this page is shorter.",
        ));
    }
    let kind = request.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(ApiError::new(
            415,
            "unsupported_content_type",
            "This is the address of a form, which a browser sends.",
        ));
    }
    let field = |wanted: &str| {
        let mut fields = url::form_urlencoded::parse(&request.body);
        let found = fields.find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.into_owned())
    };
    let link = field("link").unwrap_or_default();
    let what = match (field("do").as_deref(), field("when").as_deref()) {
        (Some("keep"), None) => What::Keep,
        (Some("cancel"), Some("period_end")) => What::Cancel(CancelWhen::PeriodEnd),
        (Some("cancel"), Some("now")) => What::Cancel(CancelWhen::Now),
        _ => return Err(malformed("The form lacks what its button asks for.")),
    };
    Ok((link, what))
}
