//! What is done to a subscription that has begun, its invoices, and the links of mails.

use perennial_flows::actions::ActionErrorCode;
use perennial_types::CodeRefusal;

use super::{
    ADDRESS, BODY, CALL, Code, KEY, LINK, OF_AGAIN, PLANS, Route, SERVER, TOKEN, of_codes, whys,
};

/// Of a subscription that runs, for which Stripe checks neither a least amount nor what was shown.
fn codes_of_running() -> Vec<Code> {
    of_codes(&[CodeRefusal::BelowMinimum, CodeRefusal::AmountOutdated])
}

/// Why a subscription cannot have another plan now.
const UNCHANGEABLE: [ActionErrorCode; 7] = [
    ActionErrorCode::Ended,
    ActionErrorCode::NotConfirmed,
    ActionErrorCode::Paused,
    ActionErrorCode::PaymentOpen,
    ActionErrorCode::Canceling,
    ActionErrorCode::Scheduled,
    ActionErrorCode::SeveralItems,
];
const OF_END: [ActionErrorCode; 5] = [
    ActionErrorCode::Ended,
    ActionErrorCode::NotConfirmed,
    ActionErrorCode::PeriodIsPaid,
    ActionErrorCode::NoPeriodRuns,
    ActionErrorCode::Canceling,
];
const OF_CANCEL: [ActionErrorCode; 4] = [
    ActionErrorCode::Scheduled,
    ActionErrorCode::InvalidPreview,
    ActionErrorCode::PreviewRequired,
    ActionErrorCode::PreviewOutdated,
];
/// What only the shop's servers may ask for.
const OF_SHOP_END: [ActionErrorCode; 1] = [ActionErrorCode::NoSuchDate];
const OF_WITHDRAWN_CANCELLATION: [ActionErrorCode; 4] = [
    ActionErrorCode::Ended,
    ActionErrorCode::NotConfirmed,
    ActionErrorCode::Scheduled,
    ActionErrorCode::Changed,
];
const OF_WITHDRAWN_CHANGE: [ActionErrorCode; 3] = [
    ActionErrorCode::Ended,
    ActionErrorCode::NotConfirmed,
    ActionErrorCode::Scheduled,
];
const OF_PREVIEW: [ActionErrorCode; 10] = [
    ActionErrorCode::UnknownPlan,
    ActionErrorCode::PlanNotAvailable,
    ActionErrorCode::SamePlan,
    ActionErrorCode::OtherGroup,
    ActionErrorCode::OtherCurrency,
    ActionErrorCode::OtherWallet,
    ActionErrorCode::QuantityNotOffered,
    ActionErrorCode::AddonNotOffered,
    ActionErrorCode::AddressNeeded,
    ActionErrorCode::TaxBeginsNow,
];
/// Why no code is redeemed with a change.
const OF_CODE: [ActionErrorCode; 4] = [
    ActionErrorCode::ChangeScheduled,
    ActionErrorCode::DiscountRuns,
    ActionErrorCode::CodeAlone,
    ActionErrorCode::TooManyCodes,
];
/// Why a subscription cannot be paused now.
const UNPAUSABLE: [ActionErrorCode; 10] = [
    ActionErrorCode::Ended,
    ActionErrorCode::NotConfirmed,
    ActionErrorCode::Paused,
    ActionErrorCode::PaymentOpen,
    ActionErrorCode::Canceling,
    ActionErrorCode::InTrial,
    ActionErrorCode::PauseNotAllowed,
    ActionErrorCode::PauseTooShort,
    ActionErrorCode::PauseTooLong,
    ActionErrorCode::Scheduled,
];
const OF_PAUSE: [ActionErrorCode; 2] = [ActionErrorCode::Changed, ActionErrorCode::ChangeRefused];
/// Why a pause cannot be ended now.
const UNRESUMABLE: [ActionErrorCode; 4] = [
    ActionErrorCode::Ended,
    ActionErrorCode::NotConfirmed,
    ActionErrorCode::NotPaused,
    ActionErrorCode::PaymentOpen,
];
const OF_RESUME: [ActionErrorCode; 4] = [
    ActionErrorCode::PreviewOutdated,
    ActionErrorCode::ResumeDeclined,
    ActionErrorCode::Changed,
    ActionErrorCode::ChangeRefused,
];
/// Why the end of a trial is not set.
const OF_TRIAL: [ActionErrorCode; 12] = [
    ActionErrorCode::Ended,
    ActionErrorCode::NotConfirmed,
    ActionErrorCode::NoTrialRuns,
    ActionErrorCode::Canceling,
    ActionErrorCode::Paused,
    ActionErrorCode::ChangeScheduled,
    ActionErrorCode::Scheduled,
    ActionErrorCode::PaymentOpen,
    ActionErrorCode::MethodMissing,
    ActionErrorCode::TrialEndPast,
    ActionErrorCode::TrialTooLong,
    ActionErrorCode::TrialDeclined,
];
/// Why nothing of an invoice goes back.
const OF_REFUND: [ActionErrorCode; 6] = [
    ActionErrorCode::UnknownInvoice,
    ActionErrorCode::InvoiceNotPaid,
    ActionErrorCode::NothingToRefund,
    ActionErrorCode::RefundTooLarge,
    ActionErrorCode::Changed,
    ActionErrorCode::ChangeRefused,
];
const OF_DISCOUNT: [ActionErrorCode; 8] = [
    ActionErrorCode::Ended,
    ActionErrorCode::NotConfirmed,
    ActionErrorCode::ChangeScheduled,
    ActionErrorCode::Scheduled,
    ActionErrorCode::PaymentOpen,
    ActionErrorCode::NoDiscount,
    ActionErrorCode::Changed,
    ActionErrorCode::ChangeRefused,
];
const OF_CHANGE: [ActionErrorCode; 5] = [
    ActionErrorCode::InvalidPreview,
    ActionErrorCode::PreviewOutdated,
    ActionErrorCode::ChangeDeclined,
    ActionErrorCode::ChangeRefused,
    ActionErrorCode::AddressNeeded,
];
/// Of a SetupIntent for another payment method.
const OF_METHOD: [Code; 5] = [
    (400, "unknown_wallet"),
    (400, "confirm_not_supported"),
    (400, "consent_incomplete"),
    (400, "invalid_return_to"),
    (502, "wallet_not_enabled"),
];

/// What is done to a subscription that has begun, by its user and by the shop's servers.
pub(super) fn of_actions() -> Vec<Route> {
    let target = [
        &BODY[..],
        &CALL,
        &PLANS,
        &whys(&[ActionErrorCode::UnknownSubscription]),
    ]
    .concat();
    let user = [&TOKEN[..], &[(400, "conflicting_fields")], &target].concat();
    let asks = [&SERVER[..], &target].concat();
    let server = [&asks[..], &KEY, &whys(&[ActionErrorCode::KeyReused])].concat();
    let both = |shopper, shop, more: Vec<Code>| {
        let of = |codes: &[Code]| [codes, &more].concat();
        [(shopper, of(&user)), (shop, of(&server))]
    };
    let unchangeable = whys(&UNCHANGEABLE);
    let unpausable = whys(&UNPAUSABLE);
    let unresumable = whys(&UNRESUMABLE);
    let conflicting = [(400, "conflicting_fields")];
    let preview = [
        &unchangeable[..],
        &whys(&OF_PREVIEW),
        &whys(&OF_CODE),
        &codes_of_running(),
        &unpausable,
        &unresumable,
        &conflicting,
    ]
    .concat();
    let mut routes = Vec::new();
    let ends = whys(&OF_END);
    let cancel = [&ends[..], &whys(&OF_CANCEL)].concat();
    routes.push((
        "POST /subscriptions/{subscription}/cancel",
        [&user[..], &cancel].concat(),
    ));
    routes.push((
        "POST /shop/subscriptions/{subscription}/cancel",
        [
            &server[..],
            &cancel,
            &whys(&OF_SHOP_END),
            &whys(&[ActionErrorCode::RefundNotOffered]),
            &[(400, "conflicting_fields")],
        ]
        .concat(),
    ));
    routes.extend(both(
        "POST /subscriptions/{subscription}/withdraw-cancellation",
        "POST /shop/subscriptions/{subscription}/withdraw-cancellation",
        whys(&OF_WITHDRAWN_CANCELLATION),
    ));
    routes.extend(both(
        "POST /subscriptions/{subscription}/withdraw-change",
        "POST /shop/subscriptions/{subscription}/withdraw-change",
        whys(&OF_WITHDRAWN_CHANGE),
    ));
    routes.extend(both(
        "POST /subscriptions/{subscription}/change",
        "POST /shop/subscriptions/{subscription}/change",
        of_change(),
    ));
    routes.extend(both(
        "POST /subscriptions/{subscription}/pause",
        "POST /shop/subscriptions/{subscription}/pause",
        [&unpausable[..], &whys(&OF_PAUSE)].concat(),
    ));
    routes.extend(both(
        "POST /subscriptions/{subscription}/resume",
        "POST /shop/subscriptions/{subscription}/resume",
        [&unresumable[..], &whys(&OF_RESUME)].concat(),
    ));
    routes.extend(of_servers_alone(&server));
    routes.push((
        "POST /subscriptions/{subscription}/preview",
        [
            &user[..],
            &preview,
            &ends,
            &whys(&OF_AGAIN),
            &whys(&[
                ActionErrorCode::QuantityNotAllowed,
                ActionErrorCode::AddonNotAllowed,
            ]),
        ]
        .concat(),
    ));
    // It changes nothing, and needs no key.
    routes.push((
        "POST /shop/subscriptions/{subscription}/preview",
        [
            &asks[..],
            &preview,
            &ends,
            &whys(&OF_SHOP_END),
            &[(400, "conflicting_fields")],
        ]
        .concat(),
    ));
    routes.extend(of_another_method(&target));
    routes.extend(of_details());
    routes
}

/// Why a change that was shown is not made.
fn of_change() -> Vec<Code> {
    // The code was used up or ended in this moment.
    let code = (
        CodeRefusal::NotTaken.status(),
        CodeRefusal::NotTaken.as_str(),
    );
    [&whys(&UNCHANGEABLE)[..], &whys(&OF_CHANGE), &[code]].concat()
}

/// What a shopper does not do.
fn of_servers_alone(server: &[Code]) -> Vec<Route> {
    vec![
        (
            "POST /shop/subscriptions/{subscription}/trial",
            [
                server,
                &whys(&OF_TRIAL),
                &whys(&OF_PAUSE),
                &[(400, "conflicting_fields")],
            ]
            .concat(),
        ),
        (
            "POST /shop/subscriptions/{subscription}/refund",
            [server, &whys(&OF_REFUND)].concat(),
        ),
        (
            "POST /shop/subscriptions/{subscription}/discount",
            [
                server,
                &whys(&OF_DISCOUNT),
                &codes_of_running(),
                &[(400, "conflicting_fields")],
            ]
            .concat(),
        ),
    ]
}

fn of_details() -> Vec<Route> {
    let unknown = whys(&[ActionErrorCode::UnknownSubscription]);
    let read = [&CALL[..], &PLANS, &unknown].concat();
    vec![
        (
            "GET /subscriptions/{subscription}",
            [&TOKEN[..], &[(400, "conflicting_fields")], &read].concat(),
        ),
        (
            "GET /shop/subscriptions/{subscription}",
            [
                &SERVER[..],
                &[(400, "missing_field"), (400, "invalid_field")],
                &read,
            ]
            .concat(),
        ),
    ]
}

fn of_another_method(target: &[Code]) -> Vec<Route> {
    let open = whys(&[
        ActionErrorCode::Ended,
        ActionErrorCode::NotConfirmed,
        ActionErrorCode::OtherWallet,
        ActionErrorCode::TooManyTries,
    ]);
    vec![
        (
            "POST /subscriptions/{subscription}/payment-method",
            [&TOKEN[..], target, &open, &OF_METHOD].concat(),
        ),
        (
            "POST /subscriptions/{subscription}/payment-method/finish",
            [
                &TOKEN[..],
                target,
                &whys(&[ActionErrorCode::UnknownSetupIntent, ActionErrorCode::Ended]),
            ]
            .concat(),
        ),
    ]
}

pub(super) fn of_invoices() -> Vec<Route> {
    let list = [&CALL[..], &[(400, "invalid_field")]].concat();
    vec![
        (
            "GET /invoices",
            [&TOKEN[..], &[(400, "conflicting_fields")], &list].concat(),
        ),
        (
            "GET /shop/invoices",
            [&SERVER[..], &[(400, "missing_field")], &list].concat(),
        ),
    ]
}

/// What a signed link leads to, and how the shop's servers get one.
pub(super) fn of_mail_links() -> Vec<Route> {
    let target = [&LINK[..], &CALL, &PLANS].concat();
    let repair = whys(&[
        ActionErrorCode::NothingToRepair,
        ActionErrorCode::Ended,
        ActionErrorCode::NotConfirmed,
    ]);
    let cancel = [&OF_CANCEL[..], &[ActionErrorCode::Changed]].concat();
    vec![
        (
            "POST /shop/subscriptions/{subscription}/links",
            [
                &SERVER[..],
                &BODY,
                &PLANS,
                &ADDRESS,
                &[(503, "table_unavailable")],
                &whys(&[ActionErrorCode::UnknownSubscription]),
            ]
            .concat(),
        ),
        (
            "GET /cancel",
            [&LINK[..], &PLANS, &[(503, "table_unavailable")]].concat(),
        ),
        (
            "POST /cancel",
            [
                &target[..],
                &whys(&cancel),
                &[
                    (400, "invalid_form"),
                    (413, "body_too_large"),
                    (415, "unsupported_content_type"),
                ],
            ]
            .concat(),
        ),
        ("GET /repair", [&target[..], &repair].concat()),
        (
            "POST /repair",
            [
                &target[..],
                &BODY,
                &repair,
                &whys(&[ActionErrorCode::OtherWallet, ActionErrorCode::TooManyTries]),
                &OF_METHOD,
            ]
            .concat(),
        ),
        (
            "POST /repair/finish",
            [
                &target[..],
                &BODY,
                &whys(&[ActionErrorCode::UnknownSetupIntent, ActionErrorCode::Ended]),
            ]
            .concat(),
        ),
    ]
}
