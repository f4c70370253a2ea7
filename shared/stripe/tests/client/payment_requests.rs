//! The exact bytes of each request of the shop's servers.

use perennial_stripe::{
    Capture, ChangePayment, ChargeSaved, CreateMethod, CreatePayment, CreateRefund,
    CredentialUsage, CreditInvoice, FrozenRequest, PaymentChange, PaymentFor, RefundReason,
    SetUpMethod, StripeError,
};
use perennial_types::{CustomerId, Money, PaymentIntentId, PaymentMethodId};
use secrecy::SecretString;

use crate::support::{client, key, nobody};

fn shown(request: &FrozenRequest) -> String {
    format!("POST {}\n{}", request.path, request.body.replace('&', "\n"))
}

fn customer() -> CustomerId {
    "cus_1".parse().unwrap()
}

fn method() -> PaymentMethodId {
    "pm_1".parse().unwrap()
}

fn payment() -> PaymentIntentId {
    "pi_1".parse().unwrap()
}

fn of(customer: &CustomerId, capture: Capture) -> PaymentFor<'_> {
    PaymentFor {
        customer,
        user: "auth0|alice",
        money: Money {
            amount: 1999,
            currency: "usd".parse().unwrap(),
        },
        capture,
        description: None,
        request: "abc",
    }
}

#[test]
fn a_payment_that_the_page_confirms() {
    let customer = customer();
    let request = CreatePayment {
        payment: of(&customer, Capture::Automatic),
        wallet: "apple_pay",
        save: false,
        usage: None,
    };
    insta::assert_snapshot!(shown(&request.freeze(key("pay:abc"))), @r"
    POST /v1/payment_intents
    amount=1999
    currency=usd
    customer=cus_1
    allowed_payment_method_types[]=card
    metadata[perennial_request]=abc
    metadata[perennial_user]=auth0%7Calice
    metadata[perennial_wallet]=apple_pay
    expand[]=payment_method
    expand[]=latest_charge
    ");
}

#[test]
fn a_payment_that_saves_its_method_and_holds_the_money() {
    let customer = customer();
    let request = CreatePayment {
        payment: PaymentFor {
            description: Some("Room 7, two nights"),
            ..of(&customer, Capture::Manual)
        },
        wallet: "apple_pay",
        save: true,
        usage: Some(CredentialUsage::Unscheduled),
    };
    insta::assert_snapshot!(shown(&request.freeze(key("pay:abc"))), @r"
    POST /v1/payment_intents
    amount=1999
    currency=usd
    customer=cus_1
    allowed_payment_method_types[]=card
    capture_method=manual
    payment_method_options[card][request_incremental_authorization]=if_available
    description=Room%207%2C%20two%20nights
    setup_future_usage=off_session
    payment_method_options[card][setup_credential_usage]=unscheduled
    metadata[perennial_request]=abc
    metadata[perennial_user]=auth0%7Calice
    metadata[perennial_wallet]=apple_pay
    expand[]=payment_method
    expand[]=latest_charge
    ");
}

#[test]
fn a_charge_while_the_shopper_is_away() {
    let customer = customer();
    let request = ChargeSaved {
        payment: of(&customer, Capture::Automatic),
        method: &method(),
        kind: "card",
        wallet: Some("apple_pay"),
        usage: Some(CredentialUsage::Unscheduled),
    };
    insta::assert_snapshot!(shown(&request.freeze(key("pay:abc"))), @r"
    POST /v1/payment_intents
    amount=1999
    currency=usd
    customer=cus_1
    allowed_payment_method_types[]=card
    payment_method=pm_1
    confirm=true
    off_session=true
    payment_method_options[card][stored_credential_usage]=unscheduled
    metadata[perennial_request]=abc
    metadata[perennial_user]=auth0%7Calice
    metadata[perennial_wallet]=apple_pay
    expand[]=payment_method
    expand[]=latest_charge
    ");
}

#[test]
fn an_amazon_pay_method_is_not_asked_for_what_only_cards_have() {
    let customer = customer();
    let request = ChargeSaved {
        payment: of(&customer, Capture::Manual),
        method: &method(),
        kind: "amazon_pay",
        wallet: Some("amazon_pay"),
        usage: None,
    };
    insta::assert_snapshot!(shown(&request.freeze(key("pay:abc"))), @r"
    POST /v1/payment_intents
    amount=1999
    currency=usd
    customer=cus_1
    allowed_payment_method_types[]=amazon_pay
    capture_method=manual
    payment_method=pm_1
    confirm=true
    off_session=true
    metadata[perennial_request]=abc
    metadata[perennial_user]=auth0%7Calice
    metadata[perennial_wallet]=amazon_pay
    expand[]=payment_method
    expand[]=latest_charge
    ");
}

#[test]
fn what_is_done_to_a_payment() {
    let shown = [
        PaymentChange::Increment(2500),
        PaymentChange::Capture(2000),
        PaymentChange::Cancel,
    ]
    .map(|change| {
        let payment = &payment();
        shown(&ChangePayment { payment, change }.freeze(key("pay:abc")))
    });
    insta::assert_snapshot!(shown.join("\n"), @r"
    POST /v1/payment_intents/pi_1/increment_authorization
    amount=2500
    expand[]=payment_method
    expand[]=latest_charge
    POST /v1/payment_intents/pi_1/capture
    amount_to_capture=2000
    expand[]=payment_method
    expand[]=latest_charge
    POST /v1/payment_intents/pi_1/cancel
    cancellation_reason=requested_by_customer
    expand[]=payment_method
    expand[]=latest_charge
    ");
}

#[test]
fn a_refund_names_its_amount() {
    let request = CreateRefund {
        payment: &payment(),
        amount: 500,
        reason: Some(RefundReason::RequestedByCustomer),
        request: "abc",
    };
    insta::assert_snapshot!(shown(&request.freeze(key("pay:abc"))), @r"
    POST /v1/refunds
    payment_intent=pi_1
    amount=500
    reason=requested_by_customer
    metadata[perennial_request]=abc
    ");
}

#[test]
fn a_credit_note_says_where_the_money_goes_and_sends_no_mail() {
    let request = CreditInvoice {
        invoice: "in_1",
        refund: 500,
        credit: 250,
        request: "abc:0",
    };
    insta::assert_snapshot!(shown(&request.freeze(key("act:abc:0:refund"))), @r"
    POST /v1/credit_notes
    invoice=in_1
    amount=750
    refund_amount=500
    credit_amount=250
    reason=order_change
    email_type=none
    metadata[perennial_action]=abc%3A0
    ");
}

#[test]
fn a_token_becomes_a_method_and_the_method_is_set_up_at_once() {
    let token = &SecretString::from("tok_once");
    let create = CreateMethod {
        token,
        request: "abc",
    }
    .freeze(key("pm:abc"));
    let set_up = SetUpMethod {
        customer: &customer(),
        method: &method(),
        usage: Some(CredentialUsage::Recurring),
        return_url: "https://shop.example/",
        user: "auth0|alice",
        request: "abc",
    }
    .freeze(key("seti:abc"));
    assert!(!format!("{create:?}").contains("tok_once"));
    insta::assert_snapshot!(format!("{}\n{}", shown(&create), shown(&set_up)), @r"
    POST /v1/payment_methods
    type=card
    card[token]=tok_once
    metadata[perennial_request]=abc
    POST /v1/setup_intents
    customer=cus_1
    usage=off_session
    confirm=true
    payment_method=pm_1
    allowed_payment_method_types[]=card
    return_url=https%3A%2F%2Fshop.example%2F
    payment_method_options[card][setup_credential_usage]=recurring
    metadata[perennial_request]=abc
    metadata[perennial_kind]=migration
    metadata[perennial_user]=auth0%7Calice
    expand[]=payment_method
    ");
}

#[tokio::test]
async fn a_change_of_one_payment_is_not_sent_to_another() {
    let request = ChangePayment {
        payment: &payment(),
        change: PaymentChange::Cancel,
    }
    .freeze(key("pay:abc"));
    let stripe = client(&nobody().await);
    let other = "pi_2".parse().unwrap();
    let error = stripe.change_payment(&other, &request).await.unwrap_err();
    assert!(matches!(error, StripeError::Invalid { status: 0, .. }));
}
