//! What AWS reads of who calls.

use aws_runtime::user_agent::UserAgentInterceptor;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::interceptors::{
        Intercept, context::BeforeSerializationInterceptorContextRef, disable_interceptor,
        dyn_dispatch_hint,
    },
};
use aws_smithy_types::config_bag::ConfigBag;

/// What every call names itself by.
pub(crate) const USER_AGENT: &str = concat!("perennial/", env!("CARGO_PKG_VERSION"));

/// Lets a client of the SDK go by the name that [`SdkClient`](crate::SdkClient) has. The SDK would write its own
/// versions, features and environment anew for each call, into two headers: a tenth of what a webhook does.
#[derive(Debug)]
pub struct WithoutSdkName;

#[dyn_dispatch_hint]
impl Intercept for WithoutSdkName {
    fn name(&self) -> &'static str {
        "WithoutSdkName"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let why = "the HTTP client has a name of its own";
        let disabled = disable_interceptor::<UserAgentInterceptor>(why);
        config.interceptor_state().store_put(disabled);
        Ok(())
    }
}
