//! A typed client for the Microsoft Dataverse Web API.

pub mod http;
