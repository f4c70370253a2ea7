//! Which error codes a route can give, by status. `tests/openapi` looks whether each code of the
//! functions is one of a route.

use perennial_api::undecided;
use perennial_flows::{Finish, actions::ActionErrorCode, payments::PaymentErrorCode};
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
const PAY: [Code; 8] = [
    (400, "unknown_wallet"),
    (400, "wallet_not_supported"),
    (400, "conflicting_fields"),
    (400, "usage_without_save"),
    (400, "save_required"),
    (402, "authentication_required"),
    (402, "payment_declined"),
    (409, "user_being_erased"),
];
const START: [PaymentErrorCode; 10] = [
    PaymentErrorCode::SavedWalletOnSession,
    PaymentErrorCode::OffSessionRequired,
    PaymentErrorCode::UsageNotSupported,
    PaymentErrorCode::MethodNotSupported,
    PaymentErrorCode::CurrencyNotSupported,
    PaymentErrorCode::FirstTransactionFailed,
    PaymentErrorCode::FirstTransactionMissing,
    PaymentErrorCode::FirstTransactionPending,
    PaymentErrorCode::AppleRequestImpossible,
    PaymentErrorCode::UnknownPaymentMethod,
];
const MONEY: [PaymentErrorCode; 4] = [
    PaymentErrorCode::AmountTooSmall,
    PaymentErrorCode::AmountTooLarge,
    PaymentErrorCode::AmountNotChargeable,
    PaymentErrorCode::InvalidCurrency,
];
const INSTEAD: [PaymentErrorCode; 5] = [
    PaymentErrorCode::UnknownPayment,
    PaymentErrorCode::PaymentOpen,
    PaymentErrorCode::PaymentAlreadyMade,
    PaymentErrorCode::PaymentReplaced,
    PaymentErrorCode::PaymentOfSubscription,
];
/// Of every request under a key of the shop's.
const KEYED: [PaymentErrorCode; 4] = [
    PaymentErrorCode::KeyReused,
    PaymentErrorCode::CustomerDeleted,
    PaymentErrorCode::WalletNotEnabled,
    PaymentErrorCode::StripeRefused,
];
const FORM: [PaymentErrorCode; 3] = [
    PaymentErrorCode::AmountTooSmall,
    PaymentErrorCode::AmountTooLarge,
    PaymentErrorCode::AmountNotChargeable,
];

/// A route, and what it can give.
type Route = (&'static str, Vec<Code>);

/// Each route, and what it can give.
pub(super) fn routes() -> Vec<Route> {
    [
        of_shoppers(),
        of_actions(),
        of_users(),
        of_invoices(),
        of_mail_links(),
        of_payments(),
        of_changes(),
        of_methods_and_events(),
    ]
    .concat()
}

/// Why a promotion code is refused.
fn codes() -> Vec<Code> {
    of_codes(&[CodeRefusal::NewOnly])
}

/// Of a subscription that runs, for which Stripe checks neither a least amount nor what was shown.
fn codes_of_running() -> Vec<Code> {
    of_codes(&[CodeRefusal::BelowMinimum, CodeRefusal::AmountOutdated])
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
/// What a shopper is told who comes again.
const OF_AGAIN: [ActionErrorCode; 2] = [ActionErrorCode::NothingSaved, ActionErrorCode::NotEnded];
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
fn of_actions() -> Vec<Route> {
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

/// It asks nothing of Stripe.
fn of_grant() -> Vec<Code> {
    let table = [
        (409, "user_being_erased"),
        (429, "busy"),
        (503, "table_unavailable"),
    ];
    let whys = whys(&[
        ActionErrorCode::GrantEndPast,
        ActionErrorCode::UnknownPlan,
        ActionErrorCode::PlanNotAvailable,
        ActionErrorCode::QuantityNotOffered,
        ActionErrorCode::TooManyGrants,
    ]);
    [&SERVER[..], &table, &BODY, &PLANS, &whys].concat()
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

/// What is done with a user as a whole.
fn of_users() -> Vec<Route> {
    vec![
        (
            "POST /shop/customers",
            [
                &SERVER[..],
                &[(409, "user_being_erased")],
                &BODY,
                &CALL,
                &PLANS,
                &whys(&[
                    ActionErrorCode::UnknownCustomer,
                    ActionErrorCode::CustomerTaken,
                    ActionErrorCode::HasCustomer,
                ]),
            ]
            .concat(),
        ),
        (
            "POST /shop/users/address",
            [
                &SERVER[..],
                &[(409, "user_being_erased")],
                &BODY,
                &CALL,
                &PLANS,
                &whys(&[ActionErrorCode::AddressRefused]),
            ]
            .concat(),
        ),
        (
            "POST /shop/users/email",
            [
                &SERVER[..],
                &[(409, "user_being_erased")],
                &BODY,
                &CALL,
                &PLANS,
                &whys(&[ActionErrorCode::EmailRefused]),
            ]
            .concat(),
        ),
        (
            "POST /shop/users/tax-ids",
            [
                &SERVER[..],
                &[(409, "user_being_erased")],
                &BODY,
                &CALL,
                &PLANS,
                &whys(&[ActionErrorCode::TaxIdRefused]),
            ]
            .concat(),
        ),
        (
            "POST /shop/users/offer",
            [
                &SERVER[..],
                &[(409, "user_being_erased"), (429, "busy")],
                &BODY,
                &[(503, "table_unavailable")],
                &PLANS,
                &whys(&[
                    ActionErrorCode::NoPrivatePlan,
                    ActionErrorCode::TooManyOffers,
                ]),
            ]
            .concat(),
        ),
        (
            "POST /shop/users/erase",
            [
                &SERVER[..],
                &BODY,
                &CALL,
                &PLANS,
                &whys(&[
                    ActionErrorCode::UserIsSubscribed,
                    ActionErrorCode::CheckoutUnderWay,
                    ActionErrorCode::PaymentUnderWay,
                    ActionErrorCode::ActionUnderWay,
                    ActionErrorCode::CreditLeft,
                ]),
            ]
            .concat(),
        ),
        ("POST /shop/users/grant", of_grant()),
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

fn of_invoices() -> Vec<Route> {
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
fn of_mail_links() -> Vec<Route> {
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

fn of_payments() -> Vec<Route> {
    vec![
        (
            "POST /payments",
            [
                &SERVER[..],
                &BODY,
                &KEY,
                &PAY,
                &CALL,
                &ADDRESS,
                &of(&KEYED),
                &of(&START),
                &of(&MONEY),
                &of(&INSTEAD),
            ]
            .concat(),
        ),
        (
            "GET /payments/{payment}",
            [
                &SERVER[..],
                &CALL,
                &ADDRESS,
                &of(&[PaymentErrorCode::UnknownPayment]),
            ]
            .concat(),
        ),
    ]
}

fn of_changes() -> Vec<Route> {
    let change = [&SERVER[..], &BODY, &KEY, &CALL, &ADDRESS, &of(&KEYED)].concat();
    let change = |more: &[PaymentErrorCode]| {
        let payment = of(&[
            PaymentErrorCode::UnknownPayment,
            PaymentErrorCode::PaymentChanged,
        ]);
        [&change[..], &payment, &of(more)].concat()
    };
    let without = |mut codes: Vec<Code>, never: &[&str]| {
        codes.retain(|(_, code)| !never.contains(code));
        codes
    };
    vec![
        (
            "POST /payments/{payment}/increment",
            change(
                &[
                    &FORM[..],
                    &[
                        nothing_held(),
                        PaymentErrorCode::AlreadyCaptured,
                        PaymentErrorCode::AlreadyCanceled,
                        PaymentErrorCode::IncrementNotLarger,
                        PaymentErrorCode::IncrementNotAvailable,
                        PaymentErrorCode::IncrementsExhausted,
                        PaymentErrorCode::IncrementOfSubscription,
                        PaymentErrorCode::IncrementDeclined,
                    ],
                ]
                .concat(),
            ),
        ),
        (
            "POST /payments/{payment}/capture",
            without(
                change(
                    &[
                        &FORM[..],
                        &[
                            nothing_held(),
                            PaymentErrorCode::AlreadyCaptured,
                            PaymentErrorCode::AlreadyCanceled,
                            PaymentErrorCode::CaptureTooLarge,
                            PaymentErrorCode::CaptureDeclined,
                        ],
                    ]
                    .concat(),
                ),
                &["missing_field"],
            ),
        ),
        (
            "POST /payments/{payment}/cancel",
            without(
                change(&[
                    PaymentErrorCode::AlreadyCanceled,
                    PaymentErrorCode::NotCancelable,
                    PaymentErrorCode::PaymentOfSubscription,
                ]),
                &["missing_field", "invalid_field"],
            ),
        ),
        (
            "POST /payments/{payment}/refunds",
            without(
                change(
                    &[
                        &FORM[..],
                        &[
                            PaymentErrorCode::NotPaid,
                            PaymentErrorCode::AlreadyRefunded,
                            PaymentErrorCode::RefundTooLarge,
                            PaymentErrorCode::RefundDeclined,
                        ],
                    ]
                    .concat(),
                ),
                &["missing_field"],
            ),
        ),
    ]
}

fn of_methods_and_events() -> Vec<Route> {
    vec![
        (
            "POST /payment-methods/migrate",
            [
                &SERVER[..],
                &BODY,
                &KEY,
                &CALL,
                &of(&KEYED),
                &of(&[PaymentErrorCode::TokenNotUsable, PaymentErrorCode::Declined]),
                &[(402, "setup_declined"), (409, "user_being_erased")],
            ]
            .concat(),
        ),
        (
            "GET /payment-methods/{payment_method}/diagnosis",
            [
                &SERVER[..],
                &[(400, "missing_field")],
                &CALL,
                &of(&[PaymentErrorCode::UnknownPaymentMethod]),
            ]
            .concat(),
        ),
        (
            "POST /webhooks/stripe",
            vec![
                (400, "invalid_signature"),
                (400, "invalid_event"),
                (400, "webhook_misconfigured"),
                (413, "body_too_large"),
                (500, "table_unavailable"),
            ],
        ),
    ]
}

fn of(whys: &[PaymentErrorCode]) -> Vec<Code> {
    whys.iter().map(|why| (why.kind(), why.code())).collect()
}

fn whys(whys: &[ActionErrorCode]) -> Vec<Code> {
    whys.iter().map(|why| (why.kind(), why.code())).collect()
}

/// Nothing is held for the payment.
fn nothing_held() -> PaymentErrorCode {
    let is_it = |why: &&PaymentErrorCode| why.code().starts_with("not_authori");
    *PaymentErrorCode::ALL.iter().find(is_it).expect("a reason")
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
