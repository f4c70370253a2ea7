//! Names, enumerations and the forms of ids.

use std::str::FromStr;

use perennial_flows::actions::{ChangeWhen, Feedback};
use perennial_flows::payments::{
    Capture, CredentialUsage, FirstStatus, MigratedStatus, RefundReason, SetUpBy, ShopAction,
    TransactionBy,
};
use perennial_types::{
    AttemptId, CancelRefund, CancelWhen, FailureReason, First, Interval, LARGEST_AMOUNT, NotNow,
    PauseReason, PaymentIntentId, PaymentMethodId, PaymentReason, PaymentState, PlanGroup,
    PlanName, PriceId, PromotionCodeId, ReturnPath, SetupIntentId, Shown, SubscriptionId,
    SubscriptionStatus, UserId, Wallet,
};
use serde_json::{Value, json};

/// The names of all variants. One that is not listed here does not compile.
macro_rules! names {
    ($type:ident: $($variant:ident)+) => {{
        fn _all(it: &$type) {
            match it { $($type::$variant => (),)+ }
        }
        json!([$($type::$variant),+])
    }};
    ($type:ident, and others: $($variant:ident)+) => {{
        fn _all(it: &$type) {
            match it { $($type::$variant => (),)+ $type::Other(_) => () }
        }
        json!([$($type::$variant),+])
    }};
}

/// Why a checkout came to nothing.
pub(super) const REASONS: [FailureReason; 15] = [
    FailureReason::WalletDeclined,
    FailureReason::WalletAbandoned,
    FailureReason::PaymentDeclined,
    FailureReason::Canceled,
    FailureReason::Expired,
    FailureReason::AlreadySubscribed,
    FailureReason::Rejected,
    FailureReason::PlanNotAvailable,
    FailureReason::TooManyDeclines,
    FailureReason::WalletMismatch,
    FailureReason::TrialUsed,
    FailureReason::CodeRefused,
    FailureReason::TaxChanged,
    FailureReason::EndedAfterPayment,
    FailureReason::EndedInTrial,
];

/// Each schema by its name.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let mut all = ids();
    all.extend(enumerations());
    all.push((
        "Amount",
        json!({
            "type": "integer", "minimum": 1, "maximum": LARGEST_AMOUNT,
            "description": "In the currency's minor unit.",
        }),
    ));
    all
}

fn ids() -> Vec<(&'static str, Value)> {
    vec![
        ("CheckoutId", id::<AttemptId>("chk_")),
        ("SetupIntentId", id::<SetupIntentId>("seti_")),
        ("PaymentIntentId", id::<PaymentIntentId>("pi_")),
        ("PaymentMethodId", id::<PaymentMethodId>("pm_")),
        ("SubscriptionId", id::<SubscriptionId>("sub_")),
        ("PriceId", id::<PriceId>("price_")),
        ("PromotionCodeId", id::<PromotionCodeId>("promo_")),
        ("PlanName", name::<PlanName>()),
        ("PlanGroup", name::<PlanGroup>()),
        ("UserId", user()),
        ("ReturnPath", return_path()),
    ]
}

fn enumerations() -> Vec<(&'static str, Value)> {
    // It has no variant that it does not know, so what is missing in `REASONS` is seen here.
    let reasons = names!(FailureReason: WalletDeclined WalletAbandoned PaymentDeclined Canceled Expired
        AlreadySubscribed Rejected PlanNotAvailable TooManyDeclines WalletMismatch TrialUsed CodeRefused TaxChanged
        EndedAfterPayment EndedInTrial);
    assert_eq!(reasons, json!(REASONS));
    vec![
        ("WalletName", one_of(&json!(Wallet::ALL))),
        ("SheetWallet", one_of(&with_a_sheet())),
        ("First", one_of(&names!(First: SetupIntent Subscription))),
        ("FailureReason", one_of(&reasons)),
        ("Interval", one_of(&names!(Interval: Day Week Month Year))),
        (
            "SubscriptionStatus",
            one_of_or_another(
                &names!(SubscriptionStatus, and others: Incomplete IncompleteExpired
                Trialing Active PastDue Canceled Unpaid Paused),
            ),
        ),
        (
            "PauseReason",
            one_of_or_another(&names!(PauseReason, and others: PauseRequested
                TrialEndWithoutPaymentMethod FirstPaymentFailure FinalPaymentFailure System
                PauseCollection)),
        ),
        (
            "PaymentHealth",
            one_of(&names!(PaymentState: Ok Contested Retrying ActionRequired MethodRequired)),
        ),
        (
            "PaymentReason",
            one_of(
                &names!(PaymentReason: PaymentFailed RetriesExhausted FirstPaymentOpen
                FirstSetupOpen MethodMissing MethodDetached MandateRevoked Disputed DisputeLost
                Refunded),
            ),
        ),
        (
            "CancelWhen",
            one_of(&names!(CancelWhen: PeriodEnd Now Date)),
        ),
        ("CancelRefund", one_of(&names!(CancelRefund: None Prorated))),
        ("ChangeWhen", one_of(&names!(ChangeWhen: Now PeriodEnd))),
        (
            "NotNow",
            one_of(
                &names!(NotNow: Ended NotConfirmed NotCanceling Canceling Paused NotPaused InTrial
                NotAllowed PaymentOpen NothingPending NotEnded),
            ),
        ),
        (
            "Feedback",
            one_of(
                &names!(Feedback: CustomerService LowQuality MissingFeatures Other SwitchedService
                TooComplex TooExpensive Unused),
            ),
        ),
        ("Capture", one_of(&names!(Capture: Automatic Manual))),
        (
            "CredentialUsage",
            one_of(&names!(CredentialUsage: Recurring Unscheduled Installment)),
        ),
        (
            "RefundReason",
            one_of(&names!(RefundReason: Duplicate Fraudulent RequestedByCustomer)),
        ),
        (
            "ShopAction",
            one_of(&names!(ShopAction: Nothing RetryLater AskShopper Stop)),
        ),
        (
            "FirstStatus",
            one_of(&names!(FirstStatus: Succeeded Failed Pending None Unknown)),
        ),
        (
            "TransactionBy",
            one_of(&names!(TransactionBy: SetupIntent Payment)),
        ),
        (
            "SetUpBy",
            one_of(&names!(SetUpBy: SetupIntent MigratedToken Payment AttachedOnly Unknown)),
        ),
        (
            "MigratedStatus",
            one_of(&names!(MigratedStatus: Saved RequiresAction Processing Refused)),
        ),
    ]
}

/// Those that the page confirms in a sheet over it, which can have a first payment.
fn with_a_sheet() -> Value {
    let mut wallets = Wallet::ALL.to_vec();
    wallets.retain(|wallet| wallet.row().shown != Shown::Redirect);
    json!(wallets)
}

fn one_of(names: &Value) -> Value {
    json!({ "type": "string", "enum": names })
}

/// Words of Stripe, which may add to them.
fn one_of_or_another(names: &Value) -> Value {
    json!({ "type": "string", "anyOf": [{ "enum": names }, { "description": "One that Stripe has added since." }] })
}

/// Panics if the code does not agree with what is written here.
fn check<T: FromStr>(right: &[String], wrong: &[String]) {
    for text in right {
        assert!(text.parse::<T>().is_ok(), "{text:?} is refused");
    }
    for text in wrong {
        assert!(text.parse::<T>().is_err(), "{text:?} is taken");
    }
}

fn id<T: FromStr>(prefix: &str) -> Value {
    const LONGEST: usize = 255;
    let of = |length: usize| format!("{prefix}{}", "a".repeat(length - prefix.len()));
    check::<T>(
        &[format!("{prefix}aZ_9"), of(LONGEST)],
        &[
            prefix.to_owned(),
            format!("{prefix}-"),
            format!("x{prefix}a"),
            of(LONGEST + 1),
        ],
    );
    json!({ "type": "string", "pattern": format!("^{prefix}[A-Za-z0-9_]+$"), "maxLength": LONGEST })
}

fn name<T: FromStr>() -> Value {
    check::<T>(
        &["a".to_owned(), "-9z".to_owned(), "a".repeat(64)],
        &[
            String::new(),
            "A".to_owned(),
            "a_b".to_owned(),
            "a".repeat(65),
        ],
    );
    json!({ "type": "string", "pattern": "^[a-z0-9-]+$", "minLength": 1, "maxLength": 64 })
}

fn user() -> Value {
    check::<UserId>(
        &["~".to_owned(), "! ~".to_owned(), "a".repeat(255)],
        &[
            String::new(),
            " a".to_owned(),
            "a ".to_owned(),
            "\u{7f}".to_owned(),
            "a".repeat(256),
        ],
    );
    json!({
        "type": "string", "pattern": "^[!-~]([ -~]*[!-~])?$", "minLength": 1, "maxLength": 255,
        "description": "The shop's own user, the `sub` of their token.",
    })
}

fn return_path() -> Value {
    for (path, fits) in [
        ("/".to_owned(), true),
        (format!("/{}", "a".repeat(511)), true),
        (format!("/{}", "a".repeat(512)), false),
        ("//a".to_owned(), false),
        ("/a#b".to_owned(), false),
        ("/a\\b".to_owned(), false),
        ("/a b".to_owned(), false),
        ("a".to_owned(), false),
    ] {
        assert_eq!(ReturnPath::try_from(path.clone()).is_ok(), fits, "{path:?}");
    }
    json!({
        "type": "string", "maxLength": 512,
        "pattern": "^/([!\"$-.0-\\[\\]-~][!\"$-\\[\\]-~]*)?$",
        "description": "A path of the shop.",
    })
}
