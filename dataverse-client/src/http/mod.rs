//! Floor 4: the wire. Knows neither tables nor OData.

pub mod auth;
mod clock;
mod cloud;
mod reqwest;
pub(crate) mod retry;
mod transport;

pub use auth::{Credential, FixedToken, Secret, TokenRequest};
pub use clock::{Clock, SystemClock, VirtualClock};
pub use cloud::{Cloud, Region};
pub use reqwest::ReqwestTransport;
pub use retry::RetryPolicy;
pub use transport::{Reached, Transport, TransportError};
