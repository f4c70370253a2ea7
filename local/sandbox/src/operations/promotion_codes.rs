//! Promotion codes: created and changed.

use crate::error::ApiError;
use crate::objects::{merge_metadata, promotion_code};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World};

/// `POST /v1/promotion_codes`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let mut code = promotion_code::new(world, &call.params)?;
    merge_metadata(&mut code, &call.params);
    world.create(&code, "promotion_code.created");
    Ok(code)
}

/// `POST /v1/promotion_codes/{id}`
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let before = world.at_path(Kind::PromotionCode, &call.id)?;
    let mut code = before.clone();
    if call.params.has("restrictions") {
        return Err(ApiError::not_simulated("restrictions"));
    }
    if let Some(active) = call.params.at("active").as_bool() {
        if active && !before.flag("_active") {
            let text = before.text("code").unwrap_or_default();
            promotion_code::check_unique(world, text, before.at("customer"), before.id())?;
        }
        code.set("_active", active);
    }
    merge_metadata(&mut code, &call.params);
    let code = promotion_code::seen(world, &code);
    world.update(&before, &code, "promotion_code.updated");
    Ok(code)
}
