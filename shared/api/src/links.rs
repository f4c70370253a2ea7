//! The addresses that a browser is sent to.

use perennial_config::{Api, Shop};
use perennial_http::{ApiError, Request};
use perennial_types::ReturnPath;
use url::Url;

use crate::Checkout;

/// An address of this API: under its configured base, or under the domain that API Gateway says
/// it was asked under, never under a header that the caller chose.
pub fn api_url(api: &Api, request: &Request, path: &str) -> Result<Url, ApiError> {
    let base = match (&api.base, &request.domain) {
        (Some(base), _) => Some(base.clone()),
        (None, Some(domain)) => Url::parse(&format!("https://{domain}/")).ok(),
        (None, None) => None,
    };
    base.map(|mut base| {
        let prefix = base.path().trim_end_matches('/').to_owned();
        base.set_path(&format!("{prefix}{path}"));
        base
    })
    .ok_or_else(|| {
        ApiError::new(
            500,
            "api_base_unknown",
            "The API does not know its own address: set API_BASE_URL.",
        )
    })
}

/// What a shopper's landing says. Parameters of these names that the page has itself are replaced, so
/// that there is one answer only.
const OUTCOME: [&str; 3] = ["checkout", "status", "reason"];

/// The page of the shop where a shopper lands, told how the checkout stands.
pub fn landing(shop: &Shop, return_to: Option<&ReturnPath>, checkout: &Checkout) -> Url {
    let mut page = without(shop.page(return_to), &OUTCOME);
    {
        let mut query = page.query_pairs_mut();
        query.append_pair("checkout", checkout.checkout.as_str());
        query.append_pair("status", checkout.status);
        if let Some(reason) = checkout.reason {
            query.append_pair("reason", reason.as_str());
        }
    }
    page
}

/// The page of the shop where a shopper lands whose return cannot be told whose it is. `reason` is a
/// code of an error.
pub fn landing_without_checkout(shop: &Shop, reason: &str) -> Url {
    let mut page = without(shop.page(None), &OUTCOME);
    page.query_pairs_mut()
        .append_pair("status", "failed")
        .append_pair("reason", reason);
    page
}

/// The page of the shop where a browser lands whose signed link opened nothing. `why` is `expired`, for
/// a link that is wrong or old, or `unavailable`, for one that may open at another try.
pub fn landing_of_link(shop: &Shop, why: &str) -> Url {
    const LINK: &str = "perennial_link";
    let mut page = without(shop.page(None), &[LINK]);
    page.query_pairs_mut().append_pair(LINK, why);
    page
}

/// An address without parameters of these names, in whichever way they are encoded; the others stay as
/// they are.
pub fn without(mut page: Url, names: &[&str]) -> Url {
    let Some(query) = page.query() else {
        return page;
    };
    let others = query.split('&').filter(|part| {
        let name = url::form_urlencoded::parse(part.as_bytes()).next();
        name.is_none_or(|(name, _)| !names.contains(&&*name))
    });
    let others = others.collect::<Vec<_>>().join("&");
    page.set_query((!others.is_empty()).then_some(others.as_str()));
    page
}
