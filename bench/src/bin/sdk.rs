//! The floor of a webhook: it checks an HMAC and puts one item by the AWS SDK, with the same roots and the same
//! HTTP client, and has no configuration, no errors of its own and no log.

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use hmac::{Hmac, KeyInit as _, Mac as _};
use lambda_http::{Body, Error, Request, Response, run, service_fn};
use perennial_aws::{Account, SdkClient};
use perennial_https::Trust;
use sha2::Sha256;
use url::Url;

async fn put(client: &Client, request: Request) -> Result<Response<Body>, Error> {
    let header = request.headers().get("stripe-signature");
    let header = header.ok_or("no signature")?.to_str()?;
    let (time, signature) = header.split_once(",v1=").ok_or("a part is missing")?;
    let time = time.strip_prefix("t=").ok_or("the time is missing")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(b"whsec_perennial_sandbox")?;
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(request.body());
    mac.verify_slice(&hex::decode(signature)?)?;
    let body = String::from_utf8(request.into_body().to_vec())?;
    let put = client.put_item().table_name("bench");
    let put = put.item("pk", AttributeValue::S("INBOX".to_owned()));
    put.item("body", AttributeValue::S(body)).send().await?;
    Ok(Response::new(Body::Empty))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let endpoint: Url = std::env::args().nth(1).ok_or("no endpoint")?.parse()?;
    let account = Account::made_up(&endpoint).ok_or("it is not on this machine")?;
    let http = SdkClient::new(&Trust::default())?;
    let client = Client::new(&account.config(http, Some(&endpoint)));
    run(service_fn(async |request| put(&client, request).await)).await
}
