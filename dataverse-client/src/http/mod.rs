//! Floor 4: the wire. Knows neither tables nor OData.

pub mod auth;
pub(crate) mod budget;
pub(crate) mod clock;
mod cloud;
pub(crate) mod counters;
pub(crate) mod lanes;
pub(crate) mod limiter;
mod reqwest;
pub(crate) mod retry;
mod transport;

pub use auth::{Credential, FixedToken, Secret, TokenRequest};
pub use clock::{Clock, SystemClock, VirtualClock};
pub use cloud::{Cloud, Region};
pub use counters::Counters;
pub use limiter::Limits;
pub use reqwest::ReqwestTransport;
pub use retry::RetryPolicy;
pub use transport::{Reached, Transport, TransportError};
