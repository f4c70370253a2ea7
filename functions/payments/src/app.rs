//! What the function holds between requests.

use perennial_api::SignedLinks;
use perennial_config::{Api, Env, Shop, Start, StartError, all, link_secret};
use perennial_flows::Clients;
use perennial_types::Clock;

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    pub(crate) clients: Clients,
    pub(crate) api: Api,
    pub(crate) shop: Shop,
    pub(crate) links: SignedLinks,
    pub(crate) clock: Clock,
}

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let own = all((Api::read(env), Shop::read(env), link_secret(env)));
        let (clients, (api, shop, links)) = Clients::connect(env, clock.clone(), own).await?;
        Ok(Self {
            clients,
            api,
            shop,
            links: SignedLinks::fetch(links).await?,
            clock,
        })
    }
}
