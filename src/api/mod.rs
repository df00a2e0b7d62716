//! HTTP: what other systems may send to this process.

mod auth;
mod body;
mod connections;
pub mod receiver;
mod routes;
