//! A path to return to: whatever is accepted stays in the shop.

#![no_main]

use libfuzzer_sys::fuzz_target;
use perennial_fuzz::text;
use perennial_types::ReturnPath;
use url::Url;

fuzz_target!(|data: &[u8]| {
    let given = text(data);
    let Ok(path) = ReturnPath::try_from(given.to_string()) else {
        return;
    };
    assert_eq!(path.as_str(), given);
    for shop in [
        "https://shop.example/account?tab=1",
        "http://localhost:8080/",
    ] {
        let shop: Url = shop.parse().expect("a URL");
        let page = shop.join(path.as_str()).expect("a path of the shop");
        assert_eq!(page.origin(), shop.origin(), "{path:?}");
        assert!(page.username().is_empty() && page.password().is_none());
        assert_eq!(page.fragment(), None);
    }
    let stored = serde_json::to_string(&path).expect("a path is JSON");
    let again: ReturnPath = serde_json::from_str(&stored).expect("a path comes back");
    assert_eq!(again, path);
});
