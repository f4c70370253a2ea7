//! Apple Pay, path by path of the guide to recurring payments.

mod forbidden;
mod killed;
mod left_open;
mod setup_first;
mod subscription_first;
mod trial_ends;

const MONTHLY: &str = "stock-photos-monthly";
const TRIAL: &str = "stock-photos-trial";
