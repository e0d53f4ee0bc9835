//! Floor 2: the grammar of the protocol. Knows no operations and no network.

pub(crate) mod body;
mod filter;
pub(crate) mod headers;
pub(crate) mod key;
mod message;
pub(crate) mod multipart;
pub(crate) mod page;
pub(crate) mod url;

pub use filter::{Filter, Order};
pub use message::{Request, Response, Target};
pub use page::NextLink;
