//! Which error codes a route can give, by status. `tests/openapi` looks whether each code of the
//! functions is one of a route.

mod actions;
mod payments;
mod users;

use perennial_api::undecided;
use perennial_flows::{Finish, actions::ActionErrorCode};
use perennial_types::{AttemptId, CodeRefusal, TaxRefusal};

use super::schemas::REASONS;

/// A status and a code.
pub(super) type Code = (u16, &'static str);
const TOKEN: [Code; 1] = [(401, "unauthorized")];
const SERVER: [Code; 1] = [(403, "forbidden")];
const BODY: [Code; 6] = [
    (400, "malformed_json"),
    (400, "unknown_field"),
    (400, "missing_field"),
    (400, "invalid_field"),
    (413, "body_too_large"),
    (415, "unsupported_content_type"),
];
/// What a call that asks the table and Stripe can meet.
const CALL: [Code; 7] = [
    (429, "busy"),
    (429, "stripe_busy"),
    (502, "stripe_not_configured"),
    (502, "stripe_refused"),
    (502, "inconsistent"),
    (503, "table_unavailable"),
    (503, "stripe_unavailable"),
];
const PLANS: [Code; 1] = [(503, "catalog_unavailable")];
/// What a server reads of a user, from the table alone.
const READ_BY_SERVER: [Code; 5] = [
    (400, "missing_field"),
    (400, "invalid_field"),
    (403, "forbidden"),
    (503, "table_unavailable"),
    (503, "catalog_unavailable"),
];
const CHECKOUT: [Code; 1] = [(404, "unknown_checkout")];
const ADDRESS: [Code; 1] = [(500, "api_base_unknown")];
const LINK: [Code; 1] = [(404, "unknown_link")];
/// What a page asks for when a shopper presses a button.
const BUTTON: [Code; 15] = [
    (400, "unknown_plan"),
    (400, "unknown_wallet"),
    (400, "quantity_not_offered"),
    (400, "addon_not_offered"),
    (400, "wallet_not_offered"),
    (400, "currency_not_supported"),
    (400, "invalid_return_to"),
    (409, "consent_outdated"),
    (409, "plan_not_available"),
    (409, "already_subscribed"),
    (409, "trial_outdated"),
    (409, "currency_conflict"),
    (409, "user_being_erased"),
    (429, "too_many_checkouts"),
    (502, "wallet_not_enabled"),
];
const KEY: [Code; 4] = [
    (400, "idempotency_key_required"),
    (400, "invalid_idempotency_key"),
    (400, "idempotency_key_unsigned"),
    (500, "unreadable_request"),
];

/// A route, and what it can give.
type Route = (&'static str, Vec<Code>);

/// Each route, and what it can give.
pub(super) fn routes() -> Vec<Route> {
    [
        of_shoppers(),
        actions::of_actions(),
        users::of_users(),
        actions::of_invoices(),
        actions::of_mail_links(),
        payments::of_payments(),
        payments::of_changes(),
        payments::of_methods_and_events(),
    ]
    .concat()
}

/// Why a promotion code is refused.
fn codes() -> Vec<Code> {
    of_codes(&[CodeRefusal::NewOnly])
}

fn of_codes(without: &[CodeRefusal]) -> Vec<Code> {
    let all = CodeRefusal::ALL.iter().filter(|it| !without.contains(it));
    all.map(|it| (it.status(), it.as_str())).collect()
}

/// Why a plan with taxes is not sold to an address.
fn taxes() -> Vec<Code> {
    let all = TaxRefusal::ALL.iter();
    all.map(|it| (it.status(), it.as_str())).collect()
}

fn with_code() -> Vec<Code> {
    let own = [
        (400, "unknown_plan"),
        (400, "quantity_not_offered"),
        (400, "addon_not_offered"),
        (409, "plan_not_available"),
        (429, "too_many_codes"),
    ];
    // Nothing was shown before.
    let mut taxes = taxes();
    taxes.retain(|(status, _)| *status == 400);
    [
        &TOKEN[..],
        &BODY,
        &own,
        &codes(),
        &taxes,
        &CALL,
        &PLANS,
        &ADDRESS,
    ]
    .concat()
}

fn of_shoppers() -> Vec<Route> {
    let button = [
        &TOKEN[..],
        &BODY,
        &BUTTON,
        &codes(),
        &taxes(),
        &CALL,
        &PLANS,
        &ADDRESS,
    ]
    .concat();
    vec![
        (
            "POST /client-secret",
            [
                &button[..],
                &[
                    (400, "confirm_not_supported"),
                    (400, "consent_incomplete"),
                    (409, "ended_after_payment"),
                    (409, "ended_in_trial"),
                ],
            ]
            .concat(),
        ),
        (
            "GET /confirm",
            [&[(400, "missing_parameter")][..], &CHECKOUT, &CALL, &PLANS].concat(),
        ),
        (
            "GET /checkouts/{checkout}",
            [&TOKEN[..], &CHECKOUT, &CALL, &PLANS].concat(),
        ),
        (
            "POST /subscriptions",
            [
                &button[..],
                &CHECKOUT,
                &reasons(),
                &[
                    (400, "first_not_supported"),
                    (400, "conflicting_fields"),
                    (404, "unknown_subscription"),
                    (409, "nothing_saved"),
                    (409, "amount_outdated"),
                    (409, "payment_method_required"),
                    (409, "payment_method_on_file"),
                ],
            ]
            .concat(),
        ),
        (
            "GET /subscriptions",
            [&TOKEN[..], &PLANS, &[(503, "table_unavailable")]].concat(),
        ),
        ("GET /shop/subscriptions", READ_BY_SERVER.to_vec()),
        ("GET /shop/users", READ_BY_SERVER.to_vec()),
        ("GET /plans", PLANS.to_vec()),
        (
            "GET /wallets",
            [
                &TOKEN[..],
                &[
                    (400, "missing_parameter"),
                    (400, "unknown_plan"),
                    (400, "quantity_not_offered"),
                    (400, "addon_not_offered"),
                    (400, "invalid_field"),
                    (409, "plan_not_available"),
                ],
                &CALL,
                &PLANS,
                &ADDRESS,
            ]
            .concat(),
        ),
        ("POST /wallets", with_code()),
        (
            "GET /manage",
            [&LINK[..], &CALL, &[(502, "portal_not_configured")]].concat(),
        ),
        (
            "GET /authorize",
            [
                &LINK[..],
                &CALL,
                &[(409, "payment_already_made"), (409, "payment_canceled")],
            ]
            .concat(),
        ),
    ]
}

/// What a shopper is told who comes again.
const OF_AGAIN: [ActionErrorCode; 2] = [ActionErrorCode::NothingSaved, ActionErrorCode::NotEnded];

fn whys(whys: &[ActionErrorCode]) -> Vec<Code> {
    whys.iter().map(|why| (why.kind(), why.code())).collect()
}

/// What has become of a checkout, as a call that was to create a subscription answers it.
fn reasons() -> Vec<Code> {
    REASONS
        .iter()
        .map(|&reason| {
            let checkout: AttemptId = "chk_1".parse().expect("an id");
            let error = undecided(checkout, Finish::Failed { reason }).expect_err("it has failed");
            (error.status, error.code)
        })
        .collect()
}
