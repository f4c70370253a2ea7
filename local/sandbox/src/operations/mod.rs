//! The operations of the API that change something, and what shoppers, banks and wallets do, one file a resource.

pub(crate) mod billing_portal;
pub(crate) mod customers;
pub(crate) mod disputes;
pub(crate) mod invoices;
pub(crate) mod payment_capture;
pub(crate) mod payment_confirm;
pub(crate) mod payment_intents;
pub(crate) mod payment_method_domains;
pub(crate) mod payment_methods;
pub(crate) mod prices;
pub(crate) mod products;
pub(crate) mod refunds;
pub(crate) mod setup_confirm;
pub(crate) mod setup_intents;
pub(crate) mod setup_settle;
pub(crate) mod subscription_create;
pub(crate) mod subscription_update;
pub(crate) mod subscriptions;
pub(crate) mod test_clocks;
pub(crate) mod tokens;
pub(crate) mod webhook_endpoints;
