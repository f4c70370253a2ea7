//! What is parsed, written or stored comes back as it was, and nothing else is taken for it.

#![allow(clippy::unwrap_used)]

use std::{fmt::Display, str::FromStr};

use perennial_types::{
    AttemptId, CustomerId, EventId, PaymentMethodId, PlanName, PriceId, ReturnPath, SetupIntentId,
    SubscriptionId, Timestamp, UserId,
};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

/// Whether the text is taken, and if so, that each way out and in again gives the same.
fn survives<T>(text: &str) -> Result<bool, TestCaseError>
where
    T: FromStr + Display + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let json = serde_json::to_string(text).unwrap();
    let Ok(id) = text.parse::<T>() else {
        prop_assert!(serde_json::from_str::<T>(&json).is_err(), "{}", text);
        return Ok(false);
    };
    prop_assert_eq!(id.to_string(), text);
    prop_assert_eq!(serde_json::to_string(&id).unwrap(), &*json);
    prop_assert_eq!(serde_json::from_str::<T>(&json).unwrap(), id);
    Ok(true)
}

/// Which kinds of id take the text.
fn kinds(text: &str) -> Result<Vec<&'static str>, TestCaseError> {
    let taken = [
        ("cus_", survives::<CustomerId>(text)?),
        ("seti_", survives::<SetupIntentId>(text)?),
        ("pm_", survives::<PaymentMethodId>(text)?),
        ("sub_", survives::<SubscriptionId>(text)?),
        ("price_", survives::<PriceId>(text)?),
        ("evt_", survives::<EventId>(text)?),
        ("chk_", survives::<AttemptId>(text)?),
    ];
    let taken = taken.into_iter().filter(|(_, taken)| *taken);
    Ok(taken.map(|(prefix, _)| prefix).collect())
}

proptest! {
    #[test]
    fn an_id_is_of_one_kind_and_comes_back(
        prefix in prop::sample::select(vec!["cus_", "seti_", "pm_", "sub_", "price_", "evt_", "chk_"]),
        tail in "[A-Za-z0-9_]{1,249}",
    ) {
        prop_assert_eq!(kinds(&format!("{prefix}{tail}"))?, vec![prefix]);
    }

    #[test]
    fn an_id_with_a_strange_character_is_of_no_kind(
        prefix in "cus_|seti_|pm_|sub_|price_|evt_|chk_",
        before in "[A-Za-z0-9_]{0,20}",
        strange in "[^A-Za-z0-9_]",
        after in "[A-Za-z0-9_]{0,20}",
    ) {
        let text = [prefix, before, strange, after].concat();
        prop_assert!(kinds(&text)?.is_empty());
    }

    #[test]
    fn generated_attempts_come_back(seconds in any::<i64>()) {
        let id = AttemptId::generate(Timestamp::from_unix(seconds));
        prop_assert!(survives::<AttemptId>(id.as_str())?);
    }

    #[test]
    fn users_and_plan_names_come_back(user in "[!-~]{1,255}", plan in "[a-z0-9-]{1,64}") {
        prop_assert!(survives::<UserId>(&user)?);
        prop_assert!(survives::<PlanName>(&plan)?);
    }

    #[test]
    fn no_user_or_plan_name_holds_a_control_character(text in any::<String>()) {
        if survives::<UserId>(&text)? || survives::<PlanName>(&text)? {
            prop_assert!(text.chars().all(|c| c.is_ascii() && !c.is_ascii_control()));
        }
    }

    #[test]
    fn a_moment_that_can_be_written_comes_back(seconds in -62_167_219_200..=253_402_300_799_i64) {
        let moment = Timestamp::from_unix(seconds);
        let json = serde_json::to_string(&moment).unwrap();
        prop_assert!(json.ends_with("Z\""), "{} is not in UTC", json);
        prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), moment);
    }

    #[test]
    fn no_moment_overflows(seconds in any::<i64>(), more in any::<i64>()) {
        let moment = Timestamp::from_unix(seconds).plus_seconds(more);
        prop_assert_eq!(moment.unix(), seconds.saturating_add(more));
        prop_assert!(!moment.to_string().is_empty());
    }

    #[test]
    fn a_plain_path_is_taken(path in "/([a-z0-9?&=%.~-][!\"$-\\[\\]-~]{0,200})?") {
        prop_assert!(ReturnPath::try_from(path).is_ok());
    }

    #[test]
    fn a_path_never_leaves_the_shop(
        path in prop_oneof![any::<String>(), "[/\\\\]{0,3}[a-z/\\\\.:@?#%\t\n ]{0,30}"],
    ) {
        if let Ok(taken) = ReturnPath::try_from(path.clone()) {
            prop_assert_eq!(taken.as_str(), path);
            let shop = Url::parse("https://shop.example/account/?a=1").unwrap();
            let page = shop.join(taken.as_str()).unwrap();
            prop_assert_eq!(page.origin(), shop.origin());
            prop_assert_eq!(page.username(), "");
        }
    }
}
