//! Lists with `limit`, `starting_after` and `ending_before`, and the filters that several of them share.

use crate::error::{ApiError, Result};
use crate::state::render::shown;
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// The page of a list that the parameters ask for, the newest first.
pub(crate) fn page(
    world: &World,
    kind: Kind,
    url: &str,
    params: &Value,
    is_listed: impl Fn(&Value, &Value) -> bool,
) -> Result<Value> {
    page_of(
        world
            .store
            .newest_first(kind)
            .filter(|object| is_listed(object, params)),
        kind,
        url,
        params,
    )
}

/// The page of objects that come the newest first.
pub(crate) fn page_of<'a>(
    objects: impl Iterator<Item = &'a Value>,
    kind: Kind,
    url: &str,
    params: &Value,
) -> Result<Value> {
    let limit = match params.int("limit").unwrap_or(10) {
        limit @ 1..=100 => usize::try_from(limit).unwrap_or(10),
        other => {
            let bound = if other < 1 {
                "greater than or equal to 1"
            } else {
                "less than or equal to 100"
            };
            return Err(ApiError::validation(format!(
                "This value must be {bound} (it currently is '{other}')."
            ))
            .with_param("limit"));
        }
    };
    let (after, before) = (params.text("starting_after"), params.text("ending_before"));
    if after.is_some() && before.is_some() {
        return Err(ApiError::exclusive("starting_after", "ending_before"));
    }
    let all: Vec<&Value> = objects.collect();
    let place = |id: &str, param: &str| {
        all.iter()
            .position(|object| object.id() == id)
            .ok_or_else(|| kind.no_such(id, param))
    };
    let (from, to) = if let Some(id) = after {
        let from = place(id, "starting_after")? + 1;
        (from, all.len().min(from + limit))
    } else if let Some(id) = before {
        let to = place(id, "ending_before")?;
        (to.saturating_sub(limit), to)
    } else {
        (0, all.len().min(limit))
    };
    let has_more = if before.is_some() {
        from > 0
    } else {
        to < all.len()
    };
    let data: Vec<Value> = all
        .get(from..to)
        .unwrap_or_default()
        .iter()
        .map(|object| shown(object))
        .collect();
    let mut list = json!({"object": "list", "data": [], "has_more": has_more, "url": url});
    // The macro would copy it.
    list.set("data", data);
    Ok(list)
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
    use super::{in_range, page_of};
    use crate::state::{Fields, Kind};
    use serde_json::{Value, json};

    fn pages(params: &Value) -> Result<(Vec<String>, bool), String> {
        let all: Vec<Value> = (0..5)
            .rev()
            .map(|n| json!({"id": format!("cus_{n}")}))
            .collect();
        page_of(all.iter(), Kind::Customer, "/v1/customers", params)
            .map(|list| {
                (
                    list.list("data")
                        .iter()
                        .map(|object| object.id().to_owned())
                        .collect(),
                    list.flag("has_more"),
                )
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
        assert!(pages(&json!({"limit": 101})).is_err());
        assert!(pages(&json!({"starting_after": "cus_1", "ending_before": "cus_2"})).is_err());
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
