//! Finding orgs.

use std::fmt;

use url::Url;

use super::builder::ClientBuilder;
use super::{Call, Client};
use crate::error::{Error, Result};
use crate::http::{Clock, Cloud, Credential, RetryPolicy, Transport};
use crate::op::{Instance, Instances, Operation};

/// A client of the discovery service of a cloud: it knows the orgs that a user may enter.
///
/// ```no_run
/// # use dataverse_client::http::{Cloud, Credential};
/// # use dataverse_client::{Client, Discovery};
/// # async fn f(credential: impl Credential + Clone) -> dataverse_client::Result<()> {
/// let discovery = Discovery::builder(Cloud::Public)?
///     .credential(credential.clone())
///     .build()?;
/// for org in discovery.instances().await? {
///     println!("{:?} at {:?}", org.friendly_name, org.api_url);
/// }
/// # Ok(()) }
/// ```
///
/// The token is asked for with the discovery host as its resource, and must be that of a user:
/// programs that sign in as themselves see no orgs.
/// Source: Microsoft Learn, "Discover user organizations".
#[derive(Clone)]
pub struct Discovery {
    client: Client,
}

impl Discovery {
    /// Sets up a client of the discovery service of `cloud`.
    pub fn builder(cloud: Cloud) -> Result<DiscoveryBuilder> {
        Discovery::builder_at(cloud.discovery_url())
    }

    /// Sets up a client of a discovery service at another address: the emulator's, or that of a
    /// cloud that is not known here.
    ///
    /// Errors: `is_invalid_input` if it is not https (loopback excepted), or holds more than a
    /// host and a port.
    pub fn builder_at(url: &str) -> Result<DiscoveryBuilder> {
        ClientBuilder::of_discovery(url).map(DiscoveryBuilder)
    }

    /// All orgs of the user; see [`Instances`].
    pub fn instances(&self) -> Call<Instances> {
        self.call(Instances::all())
    }

    /// Any operation of discovery.
    pub fn call<O: Operation>(&self, operation: O) -> Call<O> {
        self.client.call(operation)
    }

    /// Finds an org by an address that may have the wrong region: most first attempts that end
    /// without a connection, or with a 404 for everything, have. The org's
    /// [`api_url`](Instance::api_url) is the right address.
    ///
    /// ```no_run
    /// # use dataverse_client::Discovery;
    /// # async fn f(discovery: &Discovery) -> dataverse_client::Result<()> {
    /// match discovery.find("https://contoso.crm.dynamics.com").await? {
    ///     Some(org) => println!("it is at {:?}", org.api_url),
    ///     None => println!("this user may enter no org of that name in this cloud"),
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// Errors: `is_invalid_input` if `org` is no URL with a host.
    pub async fn find(&self, org: &str) -> Result<Option<Instance>> {
        let url = Url::parse(org.trim()).ok();
        let host = url.as_ref().and_then(Url::host_str);
        let name = host.and_then(|host| host.split('.').next());
        let name = name.filter(|name| !name.is_empty()).ok_or_else(|| {
            Error::input(
                "the address of the org names no host; give it like \
                 `https://contoso.crm4.dynamics.com`",
            )
        })?;
        // The case of values matters, and a host has none: the comparison is made here.
        let orgs = self.instances().await?;
        Ok(orgs.into_iter().find(|found| {
            let known = found.url_name.as_deref();
            known.is_some_and(|known| known.eq_ignore_ascii_case(name))
        }))
    }
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Discovery").field(&self.client).finish()
    }
}

/// Sets up a [`Discovery`].
#[derive(Debug)]
pub struct DiscoveryBuilder(ClientBuilder);

impl DiscoveryBuilder {
    /// Where tokens come from; they are for the discovery host.
    #[must_use]
    pub fn credential(self, credential: impl Credential) -> Self {
        DiscoveryBuilder(self.0.credential(credential))
    }

    /// Sends through `transport` instead of the network.
    #[must_use]
    pub fn transport(self, transport: impl Transport) -> Self {
        DiscoveryBuilder(self.0.transport(transport))
    }

    /// Tells the time and waits by `clock`.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        DiscoveryBuilder(self.0.clock(clock))
    }

    /// How long and how often requests are repeated.
    #[must_use]
    pub fn retry(self, policy: RetryPolicy) -> Self {
        DiscoveryBuilder(self.0.retry(policy))
    }

    /// The client. Sends nothing.
    ///
    /// Errors: no credential was given, or the TLS library cannot be set up.
    pub fn build(self) -> Result<Discovery> {
        let client = self.0.build()?;
        Ok(Discovery { client })
    }
}
