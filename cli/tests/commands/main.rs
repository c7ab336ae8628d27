//! Tests of what each command of `akili` prints, requests and exits with, against an API server in
//! memory. To accept changed snapshots: `INSTA_UPDATE=always cargo test -p akili-cli`.
#![allow(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

mod api_server;
mod cluster;
mod harness;
mod help;
mod product;
mod quota;
mod tenant;
mod tenant_lifecycle;
