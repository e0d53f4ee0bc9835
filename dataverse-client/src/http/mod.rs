//! Floor 4: the wire. Knows neither tables nor OData.

mod clock;
mod transport;

pub use clock::{Clock, SystemClock, VirtualClock};
pub use transport::{Reached, Transport, TransportError};
