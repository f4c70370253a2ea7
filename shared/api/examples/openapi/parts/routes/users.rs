//! What the shop's servers do with a user as a whole.

use perennial_flows::actions::ActionErrorCode;

use super::{BODY, CALL, Code, PLANS, Route, SERVER, whys};

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

/// What is done with a user as a whole.
pub(super) fn of_users() -> Vec<Route> {
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
