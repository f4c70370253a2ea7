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

/// The page of the shop where a shopper lands, told how the checkout stands.
pub fn landing(shop: &Shop, return_to: Option<&ReturnPath>, checkout: &Checkout) -> Url {
    let mut page = shop.page(return_to);
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
