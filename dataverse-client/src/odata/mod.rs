//! Floor 2: the grammar of the protocol. Knows no operations and no network.

pub(crate) mod body;
pub(crate) mod expansion;
pub mod fetchxml;
mod filter;
mod functions;
pub(crate) mod headers;
pub(crate) mod key;
mod message;
pub(crate) mod multipart;
mod options;
pub(crate) mod page;
mod path;
mod ranges;
mod row_request;
pub(crate) mod url;

pub use expansion::Expansion;
pub use filter::{Filter, Order};
pub use functions::{Period, Unit, UserScope};
pub use message::{Request, Response, Target};
pub(crate) use multipart::{PartAnswer, PartSlot};
pub(crate) use options::User;
pub use options::{Bypass, CallOptions, Session};
pub use page::{NextLink, Page, RowCount};
pub use path::{Hops, Path, column};
pub use ranges::Ranges;
pub(crate) use row_request::{RowRequest, append_key};
