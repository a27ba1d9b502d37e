//! The HTTP API: connections, requests and responses.

pub mod admin;
pub mod admin_resource;
pub mod connection;
pub mod problem;
pub mod response;
pub mod server;
pub mod url;
