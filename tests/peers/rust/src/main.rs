// SPDX-License-Identifier: Apache-2.0
//! Arrow's integration scenarios with the arrow-flight crate, as a program with the flags of the others:
//!
//!     cflight-peer server --port 0 [--scenario NAME]
//!     cflight-peer client --host H --port P (--scenario NAME | --path X.json)
//!
//! The crate has no messages for sessions and no choice of alignment, so these two scenarios are missing. JSON mode
//! reads the IPC stream beside the JSON file.

mod client;
mod data;
mod expiration;
mod json;
mod server;

use std::collections::HashMap;
use std::process::ExitCode;

fn flags(arguments: impl Iterator<Item = String>) -> HashMap<String, String> {
    let mut found = HashMap::new();
    let mut arguments = arguments.peekable();
    while let Some(flag) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        found.insert(flag.trim_start_matches('-').to_string(), value);
    }
    found
}

async fn run() -> Result<(), data::Failure> {
    let mut arguments = std::env::args().skip(1);
    let side = arguments.next().unwrap_or_default();
    let flags = flags(arguments);
    let flag = |name: &str| flags.get(name).cloned().unwrap_or_default();

    if side == "server" {
        return server::serve(flag("port").parse()?, flag("scenario")).await;
    }
    let uri = format!("http://{}:{}", flag("host"), flag("port"));
    if flag("scenario").is_empty() {
        json::run_client(uri, &flag("path")).await
    } else {
        client::run(uri, &flag("scenario")).await
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("cflight-peer: {failure}");
            ExitCode::FAILURE
        }
    }
}
