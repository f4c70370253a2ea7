//! The command line.

use std::path::PathBuf;

use clap::Parser;
use perennial_config::Env;
use url::Url;

use crate::env_file::EnvFile;
use crate::options::{Functions, Options};

/// Runs the whole of Perennial on this machine: a demo shop, its API, a table, and a Stripe.
///
/// Without keys, a sandbox stands for Stripe and no money moves.
/// With test keys in `STRIPE_SECRET_KEY` and `STRIPE_PUBLISHABLE_KEY`, Stripe's test mode answers.
#[derive(Debug, Parser)]
#[command(name = "perennial", version, verbatim_doc_comment)]
pub struct Cli {
    /// Port of the shop and its API; 0 picks a free one
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// Port of DynamoDB; 0 picks a free one
    #[arg(long, default_value_t = 9001)]
    dynamodb_port: u16,
    /// Port of the Stripe sandbox; 0 picks a free one
    #[arg(long, default_value_t = 9002)]
    stripe_port: u16,
    /// Folder in which state lives between runs
    #[arg(long, value_name = "DIR", default_value = ".perennial")]
    data: PathBuf,
    /// Keep nothing: all state is gone at the end
    #[arg(long, conflicts_with = "data")]
    memory: bool,
    /// Send the shop's events to this address, signed
    #[arg(long, value_name = "URL", value_parser = web_address)]
    pub events_url: Option<Url>,
    /// File of the plans, in place of the demo's, or of the one that `PLANS_FILE` names; it is read again
    /// when it changes
    #[arg(long, value_name = "FILE")]
    plans: Option<PathBuf>,
    /// The address of your own page, such as `http://localhost:5173`: it may call the API, and shoppers come
    /// back to it
    #[arg(long, value_name = "URL", value_parser = page_address)]
    pub shop_url: Option<Url>,
    /// Write the variables of the functions to this file: for `sam local invoke --env-vars` if its
    /// name ends in .json, for `cargo lambda --env-file` otherwise
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// The name of this machine where those functions run; host.docker.internal for SAM's containers
    #[arg(long, value_name = "HOST", requires = "env_file")]
    env_host: Option<String>,
    /// Also print the addresses as one line of JSON
    #[arg(long)]
    pub json: bool,
}

impl Cli {
    /// Where the variables of the functions are to be written, if anywhere.
    pub fn env_file(&self) -> Option<EnvFile> {
        self.env_file.as_ref().map(|path| EnvFile {
            path: path.clone(),
            host: self.env_host.clone(),
        })
    }

    /// What the server is to be started with.
    pub fn options(&self, environment: Env) -> Options {
        Options {
            port: self.port,
            dynamodb_port: self.dynamodb_port,
            stripe_port: self.stripe_port,
            data: (!self.memory).then(|| self.data.clone()),
            events_url: self.events_url.clone(),
            plans: self
                .plans
                .clone()
                .or_else(|| environment.get("PLANS_FILE").map(PathBuf::from)),
            shop_url: self.shop_url.clone(),
            hosts: self
                .env_file()
                .as_ref()
                .and_then(EnvFile::host)
                .map(str::to_owned)
                .into_iter()
                .collect(),
            environment,
            stream_seed: None,
            functions: Functions::InProcess,
        }
    }
}

fn web_address(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|_| "it is not a URL".to_owned())?;
    if matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err("it must begin with http:// or https://".to_owned())
    }
}

/// The address of a page is shown to shoppers, and what comes back is put behind it.
fn page_address(text: &str) -> Result<Url, String> {
    let url = web_address(text)?;
    if url.username().is_empty() && url.password().is_none() && url.fragment().is_none() {
        Ok(url)
    } else {
        Err("it must have no user and no #".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Result<Options, clap::Error> {
        let arguments = std::iter::once(&"perennial").chain(arguments);
        Ok(Cli::try_parse_from(arguments)?.options(Env::from_pairs::<String, String>([])))
    }

    #[test]
    fn the_ports_and_the_folder_have_the_documented_defaults() {
        let options = options(&[]).unwrap();
        assert_eq!(
            (options.port, options.dynamodb_port, options.stripe_port),
            (9000, 9001, 9002)
        );
        assert_eq!(options.data, Some(PathBuf::from(".perennial")));
    }

    #[test]
    fn events_are_sent_to_a_web_address_only() {
        let url = "http://localhost:3000/events";
        let sent_to = options(&["--events-url", url]).unwrap().events_url;
        assert_eq!(sent_to.unwrap().as_str(), url);
        assert_eq!(options(&[]).unwrap().events_url, None);
        for wrong in ["localhost:3000", "/events", "file:///events"] {
            let refused = options(&["--events-url", wrong]).map(|_| ()).unwrap_err();
            assert_eq!(refused.exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn a_page_of_ones_own_has_a_web_address() {
        let named = options(&["--shop-url", "http://localhost:5173"]).unwrap();
        assert_eq!(named.shop_url.unwrap().as_str(), "http://localhost:5173/");
        for wrong in [
            "localhost:5173",
            "file:///shop",
            "http://a@b/",
            "http://a/#b",
        ] {
            let refused = options(&["--shop-url", wrong]).map(|_| ()).unwrap_err();
            assert_eq!(refused.exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn a_container_may_ask_by_its_name_for_this_machine() {
        assert!(options(&[]).unwrap().hosts.is_empty());
        let of_lambda = options(&["--env-file", "x.env"]).unwrap();
        assert!(of_lambda.hosts.is_empty());
        let of_sam = options(&["--env-file", "x.json"]).unwrap();
        assert_eq!(of_sam.hosts, ["host.docker.internal"]);
        let named = ["--env-file", "x.json", "--env-host", "172.17.0.1"];
        assert_eq!(options(&named).unwrap().hosts, ["172.17.0.1"]);
    }

    #[test]
    fn the_plans_are_the_demos_unless_a_file_is_named() {
        let named = options(&["--plans", "plans/plans.json"]).unwrap().plans;
        assert_eq!(named, Some(PathBuf::from("plans/plans.json")));
    }

    #[test]
    fn memory_keeps_no_folder_and_is_not_said_together_with_one() {
        assert_eq!(options(&["--memory"]).unwrap().data, None);
        let error = options(&["--memory", "--data", "x"])
            .map(|_| ())
            .unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert_eq!(
            options(&["--port", "70000"])
                .map(|_| ())
                .unwrap_err()
                .exit_code(),
            2
        );
    }
}
