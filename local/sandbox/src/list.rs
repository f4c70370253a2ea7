//! Lists with `limit`, `starting_after` and `ending_before`, and the filters that several of them share.

use crate::error::{ApiError, Result};
use crate::state::index::indexed;
use crate::state::render::shown;
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};
use std::ops::Bound;

/// What lists are filtered by that is the id of another object.
const REFERENCES: [(&str, Kind); 11] = [
    ("charge", Kind::Charge),
    ("customer", Kind::Customer),
    ("invoice", Kind::Invoice),
    ("payment.payment_intent", Kind::PaymentIntent),
    ("payment_intent", Kind::PaymentIntent),
    ("payment_method", Kind::PaymentMethod),
    ("price", Kind::Price),
    ("product", Kind::Product),
    ("setup_intent", Kind::SetupIntent),
    ("subscription", Kind::Subscription),
    ("test_clock", Kind::TestClock),
];

/// The page of a list that the parameters ask for, the newest first.
///
/// A filter by the id of an object that is not there is refused with `resource_missing`.
pub(crate) fn page(
    world: &World,
    kind: Kind,
    url: &str,
    params: &Value,
    is_listed: impl Fn(&Value, &Value) -> bool,
) -> Result<Value> {
    for (name, of) in REFERENCES {
        if let Some(id) = params.text(name)
            && world.store.get(of, id).is_none()
        {
            return Err(of.no_such(id, &bracketed(name)));
        }
    }
    let by = indexed(kind).iter().find_map(|field| {
        let last = field.rsplit('.').next().unwrap_or(field);
        Some((*field, params.text(field).or_else(|| params.text(last))?))
    });
    page_by(world, kind, by, url, params, |object| {
        is_listed(object, params)
    })
}

/// The page of the objects that have a text in an indexed field, or of all.
pub(crate) fn page_by(
    world: &World,
    kind: Kind,
    by: Option<(&str, &str)>,
    url: &str,
    params: &Value,
    is_listed: impl Fn(&Value) -> bool,
) -> Result<Value> {
    // Beyond its bounds Stripe takes the nearest number that is allowed.
    let limit = params.int("limit").unwrap_or(10).clamp(1, 100);
    let limit = usize::try_from(limit).unwrap_or(10);
    let place = |name: &str| -> Result<Option<u64>> {
        let Some(id) = params.text(name) else {
            return Ok(None);
        };
        let place = world.store.place(kind, id);
        place.map(Some).ok_or_else(|| kind.no_such(id, name))
    };
    let (after, before) = (place("starting_after")?, place("ending_before")?);
    let mut found: Vec<&Value> = match (after, before) {
        (Some(_), Some(_)) => {
            let message = "Received both starting_after and ending_before parameters. Please pass in only one.";
            return Err(ApiError::validation(message));
        }
        (None, Some(before)) => {
            let newer = world
                .store
                .between(kind, by, (Bound::Excluded(before), Bound::Unbounded));
            newer
                .filter(|object| is_listed(object))
                .take(limit + 1)
                .collect()
        }
        (after, None) => {
            let until = after.map_or(Bound::Unbounded, Bound::Excluded);
            let older = world
                .store
                .between(kind, by, (Bound::Unbounded, until))
                .rev();
            older
                .filter(|object| is_listed(object))
                .take(limit + 1)
                .collect()
        }
    };
    let has_more = found.len() > limit;
    found.truncate(limit);
    if before.is_some() {
        found.reverse();
    }
    let data: Vec<Value> = found.into_iter().map(shown).collect();
    let mut list = json!({"object": "list", "data": [], "has_more": has_more, "url": url});
    // The macro would copy it.
    list.set("data", data);
    Ok(list)
}

/// The page of the lines that an object itself has, in their own order.
pub(crate) fn page_of_lines(all: &[Value], url: &str, params: &Value) -> Result<Value> {
    let limit = usize::try_from(params.int("limit").unwrap_or(10).clamp(1, 100)).unwrap_or(10);
    let place = |name: &str| -> Result<Option<usize>> {
        let Some(id) = params.text(name) else {
            return Ok(None);
        };
        let place = all.iter().position(|line| line.id() == id);
        let none = || {
            ApiError::invalid(format!("No such line item: '{id}'"))
                .with_code("resource_missing")
                .with_param(name)
        };
        place.map(Some).ok_or_else(none)
    };
    let (from, to) = match (place("starting_after")?, place("ending_before")?) {
        (Some(_), Some(_)) => {
            let message = "Received both starting_after and ending_before parameters. Please pass in only one.";
            return Err(ApiError::validation(message));
        }
        (None, Some(before)) => (before.saturating_sub(limit), before),
        (after, None) => {
            let from = after.map_or(0, |after| after + 1);
            (from, all.len().min(from + limit))
        }
    };
    let has_more = if params.has("ending_before") {
        from > 0
    } else {
        to < all.len()
    };
    let data: Vec<Value> = all
        .get(from..to)
        .unwrap_or_default()
        .iter()
        .map(shown)
        .collect();
    Ok(json!({"object": "list", "data": data, "has_more": has_more, "url": url}))
}

/// A path as it stands in a parameter's name: `a[b]` for `a.b`.
fn bracketed(path: &str) -> String {
    match path.split_once('.') {
        Some((first, rest)) => format!("{first}[{rest}]"),
        None => path.to_owned(),
    }
}

/// Whether an object fits a time filter such as `created[gte]=1` or `created=1`.
pub(crate) fn in_range(at: Option<i64>, filter: &Value) -> bool {
    let Some(at) = at else {
        return filter.is_null();
    };
    match filter {
        Value::Null => true,
        Value::Number(exactly) => exactly.as_i64() == Some(at),
        range => {
            range.int("gt").is_none_or(|limit| at > limit)
                && range.int("gte").is_none_or(|limit| at >= limit)
                && range.int("lt").is_none_or(|limit| at < limit)
                && range.int("lte").is_none_or(|limit| at <= limit)
        }
    }
}

/// Whether the object has what the parameters of these names ask for, and was created when they say.
pub(crate) fn fits(object: &Value, params: &Value, names: &[&str]) -> bool {
    names.iter().all(|name| same(object, params, name))
        && in_range(object.int("created"), params.at("created"))
}

/// Whether the object has the value that the parameter of the same name asks for, if it asks.
pub(crate) fn same(object: &Value, params: &Value, name: &str) -> bool {
    !params.has(name) || object.at(name) == params.at(name)
}

#[cfg(test)]
mod tests {
    use super::{in_range, page};
    use crate::state::world::Origin;
    use crate::state::{Fields, Kind, World};
    use serde_json::{Value, json};

    fn five_customers() -> World {
        let mut world = World {
            store: crate::state::store::Store::default(),
            base_url: String::new(),
            origin: Origin::default(),
            frozen: Some(1),
            due_at: None,
            pretended: None,
        };
        for n in 0..5 {
            let email = if n % 2 == 0 {
                "even@example.com"
            } else {
                "odd@example.com"
            };
            let id = format!("cus_{n}");
            world
                .store
                .put(Kind::Customer, &id, json!({"id": id, "email": email}));
        }
        world
    }

    fn pages(params: &Value) -> Result<(Vec<String>, bool), String> {
        let world = five_customers();
        page(
            &world,
            Kind::Customer,
            "/v1/customers",
            params,
            |customer, params| super::same(customer, params, "email"),
        )
        .map(|list| {
            let ids = list
                .list("data")
                .iter()
                .map(|object| object.id().to_owned());
            (ids.collect(), list.flag("has_more"))
        })
        .map_err(|error| error.message)
    }

    #[test]
    fn pages_go_forwards_and_backwards() {
        let page = |ids: &[&str], more| {
            Ok((
                ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>(),
                more,
            ))
        };
        assert_eq!(pages(&json!({"limit": 2})), page(&["cus_4", "cus_3"], true));
        assert_eq!(
            pages(&json!({"limit": 2, "starting_after": "cus_3"})),
            page(&["cus_2", "cus_1"], true)
        );
        assert_eq!(
            pages(&json!({"limit": 2, "starting_after": "cus_1"})),
            page(&["cus_0"], false)
        );
        assert_eq!(
            pages(&json!({"limit": 2, "ending_before": "cus_1"})),
            page(&["cus_3", "cus_2"], true)
        );
        assert_eq!(
            pages(&json!({"limit": 9, "ending_before": "cus_3"})),
            page(&["cus_4"], false)
        );
        assert!(pages(&json!({"starting_after": "cus_9"})).is_err());
    }

    #[test]
    fn a_page_of_an_index_is_the_same_as_of_all() {
        let even = json!({"email": "even@example.com", "limit": 2});
        assert_eq!(
            pages(&even),
            Ok((vec!["cus_4".to_owned(), "cus_2".to_owned()], true))
        );
        let rest = json!({"email": "even@example.com", "starting_after": "cus_3"});
        assert_eq!(
            pages(&rest),
            Ok((vec!["cus_2".to_owned(), "cus_0".to_owned()], false))
        );
    }

    // Recorded of a test account at 2026-08-26.dahlia.
    #[test]
    fn a_limit_beyond_its_bounds_is_the_nearest_and_two_cursors_are_refused() {
        for limit in [0, -1, -50] {
            assert_eq!(pages(&json!({"limit": limit})).unwrap().0.len(), 1);
        }
        assert_eq!(pages(&json!({"limit": 101})).unwrap().0.len(), 5);
        let both = json!({"starting_after": "cus_1", "ending_before": "cus_2"});
        let message =
            "Received both starting_after and ending_before parameters. Please pass in only one.";
        assert_eq!(pages(&both), Err(message.to_owned()));
    }

    #[test]
    fn a_time_filter_takes_bounds_or_the_very_second() {
        assert!(in_range(Some(5), &json!({"gte": 5, "lt": 6})));
        assert!(!in_range(Some(5), &json!({"gt": 5})));
        assert!(in_range(Some(5), &json!(5)));
        assert!(!in_range(Some(5), &json!(4)));
        assert!(!in_range(None, &json!({"lte": 5})));
    }
}
