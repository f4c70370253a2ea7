//! Payments of the shop's servers, payment methods, and what Stripe sends.

use perennial_flows::payments::PaymentErrorCode;

use super::{ADDRESS, BODY, CALL, Code, KEY, Route, SERVER};
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

pub(super) fn of_payments() -> Vec<Route> {
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

pub(super) fn of_changes() -> Vec<Route> {
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

pub(super) fn of_methods_and_events() -> Vec<Route> {
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

/// Nothing is held for the payment.
fn nothing_held() -> PaymentErrorCode {
    let is_it = |why: &&PaymentErrorCode| why.code().starts_with("not_authori");
    *PaymentErrorCode::ALL.iter().find(is_it).expect("a reason")
}
