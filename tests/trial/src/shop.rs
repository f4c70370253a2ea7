//! The trial's shop: what it sells, and for how much.

/// What is left to be paid with a coupon of the trial, in hundredths.
pub(crate) const SHARE: i64 = 80;

/// A plan of the shop.
pub(crate) struct Sold {
    pub(crate) name: &'static str,
    pub(crate) group: &'static str,
    pub(crate) trial_days: u32,
    pub(crate) interval: &'static str,
    /// In cents for each interval.
    pub(crate) amount: u32,
    pub(crate) is_taxed: bool,
    pub(crate) is_private: bool,
    /// What may be bought beside it, each with its price in cents.
    pub(crate) addons: &'static [(&'static str, u32)],
}

const PHOTOS: Sold = Sold {
    name: "photos",
    group: "photos",
    trial_days: 0,
    interval: "month",
    amount: 1500,
    is_taxed: false,
    is_private: false,
    addons: &[("storage", 500), ("support", 300)],
};

/// All that is sold.
pub(crate) const SOLD: [Sold; 7] = [
    Sold {
        name: "photos-yearly",
        interval: "year",
        amount: 15_000,
        addons: &[],
        ..PHOTOS
    },
    Sold {
        name: "photos-pro",
        amount: 2900,
        // One of those of `photos`, for another price.
        addons: &[("storage", 400)],
        ..PHOTOS
    },
    PHOTOS,
    Sold {
        name: "photos-trial",
        trial_days: 14,
        addons: &[],
        ..PHOTOS
    },
    Sold {
        name: "prints",
        group: "prints",
        addons: &[],
        ..PHOTOS
    },
    Sold {
        name: PARTNER,
        amount: 900,
        is_private: true,
        addons: &[],
        ..PHOTOS
    },
    Sold {
        name: TAXED,
        group: "clips",
        amount: 900,
        is_taxed: true,
        addons: &[],
        ..PHOTOS
    },
];

/// The private plan.
pub const PARTNER: &str = "photos-partner";
/// The plan with taxes on top of its price.
pub const TAXED: &str = "clips";

/// What a plan costs for each of its intervals, in cents.
pub fn price_of(plan: &str) -> i64 {
    let sold = SOLD.iter().find(|sold| sold.name == plan);
    sold.map_or(0, |sold| sold.amount.into())
}

/// What one of an add-on of a plan costs for each of its intervals, in cents.
pub fn addon_price(plan: &str, addon: &str) -> i64 {
    let sold = SOLD.iter().find(|sold| sold.name == plan);
    let mut addons = sold.into_iter().flat_map(|sold| sold.addons);
    let known = addons.find(|(name, _)| *name == addon);
    known.map_or(0, |(_, amount)| (*amount).into())
}

/// The group of a plan.
pub fn group_of(plan: &str) -> &'static str {
    SOLD.iter()
        .find(|sold| sold.name == plan)
        .map_or("", |sold| sold.group)
}
