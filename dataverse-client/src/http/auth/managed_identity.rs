//! An identity that Azure gives to a machine.

use std::fmt;
use std::net::IpAddr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use http::header::AUTHORIZATION;
use serde::Deserialize;
use url::{Host, Url};

use super::entra::{Who, Wire, seconds};
use super::race::within;
use super::{AccessToken, Credential, Secret, TokenRequest, challenge};
use crate::error::{Error, Result, SignIn};

/// The metadata service of a virtual machine.
const MACHINE: &str = "http://169.254.169.254/metadata/identity/oauth2/token";

/// An answer of the metadata service comes from the machine itself.
const PROBE_LIMIT: Duration = Duration::from_secs(1);

/// A key of the Arc agent is longer than nobody's password, and shorter than this.
const MAX_KEY: u64 = 4096;

/// Reads an environment.
type Variables = dyn Fn(&str) -> Option<String> + Send + Sync;

/// An identity that Azure gives to a virtual machine, an App Service, a Function, a container app,
/// or a machine with Azure Arc.
///
/// ```
/// use dataverse_client::auth::ManagedIdentity;
///
/// let of_the_machine = ManagedIdentity::new();
/// let one_of_several = ManagedIdentity::new().client_id("3f1c2f4e-5a0e-4f57-8f0e-0123456789ab");
/// ```
///
/// The environment needs an application user for the identity, with a security role.
///
/// Shape: `GET` with `resource={org}`, from the address in `IDENTITY_ENDPOINT` if there is one, from
/// `169.254.169.254` otherwise; never through a proxy. Errors: `is_credential_unavailable` where there
/// is no such identity. Source: Microsoft Learn, "How to use managed identities on an Azure VM", "App
/// Service: managed identities", "Authenticate against Azure resources with Azure Arc-enabled servers".
#[derive(Clone)]
pub struct ManagedIdentity {
    which: Which,
    variable: Arc<Variables>,
    arc_keys: PathBuf,
    /// Whether to find out first if there is a metadata service at all.
    probes: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Which {
    System,
    ClientId(String),
    ObjectId(String),
    ResourceId(String),
}

/// Where the machine's identity is asked for.
enum Endpoint {
    Machine,
    AppService { url: Url, header: Secret },
    Arc { url: Url },
}

impl ManagedIdentity {
    /// The identity of the machine itself (system-assigned).
    pub fn new() -> Self {
        ManagedIdentity {
            which: Which::System,
            variable: Arc::new(|name| std::env::var(name).ok()),
            arc_keys: arc_keys(),
            probes: false,
        }
    }

    /// One of several identities (user-assigned), by its application's id.
    #[must_use]
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        self.which = Which::ClientId(id.into());
        self
    }

    /// One of several identities (user-assigned), by its object id.
    #[must_use]
    pub fn object_id(mut self, id: impl Into<String>) -> Self {
        self.which = Which::ObjectId(id.into());
        self
    }

    /// One of several identities (user-assigned), by its resource id: `/subscriptions/…`.
    #[must_use]
    pub fn resource_id(mut self, id: impl Into<String>) -> Self {
        self.which = Which::ResourceId(id.into());
        self
    }

    /// Reads the environment by `variable` instead of that of the process.
    #[must_use]
    pub fn variables(
        mut self,
        variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.variable = Arc::new(variable);
        self
    }

    /// The folder where the agent of Azure Arc puts its keys, if it is not the usual one.
    #[must_use]
    pub fn arc_keys(mut self, folder: impl Into<PathBuf>) -> Self {
        self.arc_keys = folder.into();
        self
    }

    /// Finds out first, within a second, if there is a metadata service.
    pub(super) fn probing(mut self) -> Self {
        self.probes = true;
        self
    }

    fn endpoint(&self) -> Result<Endpoint> {
        let variable = |name: &str| (self.variable)(name).filter(|value| !value.is_empty());
        let Some(address) = variable("IDENTITY_ENDPOINT") else {
            return Ok(Endpoint::Machine);
        };
        let url = local(&address)?;
        if variable("IDENTITY_SERVER_THUMBPRINT").is_some() {
            return Err(Error::sign_in(
                SignIn::Unavailable,
                "managed identities of Service Fabric are not supported",
            ));
        }
        match variable("IDENTITY_HEADER") {
            Some(header) => Ok(Endpoint::AppService {
                url,
                header: Secret::new(header),
            }),
            None if self.which != Which::System => Err(Error::input(
                "Azure Arc knows only the identity of the machine itself",
            )),
            None => Ok(Endpoint::Arc { url }),
        }
    }

    /// The question, with names as this endpoint wants them.
    fn url(&self, base: &Url, version: &str, resource: &str, resource_id: &str) -> Url {
        let mut url = base.clone();
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("api-version", version)
                .append_pair("resource", resource.trim_end_matches('/'));
            match &self.which {
                Which::System => {}
                Which::ClientId(id) => {
                    query.append_pair("client_id", id);
                }
                Which::ObjectId(id) => {
                    query.append_pair("object_id", id);
                }
                Which::ResourceId(id) => {
                    query.append_pair(resource_id, id);
                }
            }
        }
        url
    }
}

#[async_trait]
impl Credential for ManagedIdentity {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let asking = Asking::new(request);
        let resource = request.resource.as_str();
        let answer = match self.endpoint()? {
            Endpoint::Machine => {
                let machine = asking.read_url(MACHINE)?;
                if self.probes {
                    asking.probe(&machine).await?;
                }
                let url = self.url(&machine, "2018-02-01", resource, "msi_res_id");
                asking.send(&url, &[("metadata", "true")]).await?
            }
            Endpoint::AppService { url, header } => {
                let url = self.url(&url, "2019-08-01", resource, "mi_res_id");
                asking
                    .send(&url, &[("x-identity-header", header.expose())])
                    .await?
            }
            Endpoint::Arc { url } => {
                let url = self.url(&url, "2021-02-01", resource, "msi_res_id");
                let challenge = asking.send(&url, &[("metadata", "true")]).await?;
                if challenge.status() != StatusCode::UNAUTHORIZED {
                    return Err(asking.failed("the agent of Azure Arc did not name its key"));
                }
                let key = asking.arc_key(&challenge, &self.arc_keys)?;
                let basic = zeroize::Zeroizing::new(format!("Basic {}", key.expose().trim()));
                let headers = [("metadata", "true"), (AUTHORIZATION.as_str(), &*basic)];
                asking.send(&url, &headers).await?
            }
        };
        asking.token(&answer)
    }
}

impl Default for ManagedIdentity {
    fn default() -> Self {
        ManagedIdentity::new()
    }
}

impl fmt::Debug for ManagedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManagedIdentity").field(&self.which).finish()
    }
}

/// The requests for one token.
struct Asking<'a> {
    request: &'a TokenRequest,
    wire: Wire<'a>,
}

/// An answer; numbers are mostly text.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    access_token: Option<String>,
    expires_on: serde_json::Value,
    expires_in: serde_json::Value,
    refresh_in: serde_json::Value,
    error: String,
    error_description: Option<String>,
}

impl Answer {
    /// The machine asked Entra, and hands its refusal on.
    fn is_of_entra(&self) -> bool {
        let description = self.error_description.as_deref();
        description.is_some_and(|text| text.contains("AADSTS"))
    }
}

impl<'a> Asking<'a> {
    fn new(request: &'a TokenRequest) -> Self {
        let who = Who {
            place: "this machine".to_owned(),
            client_id: "(managed identity)".to_owned(),
        };
        Asking {
            request,
            wire: Wire {
                request,
                who,
                repeats_in_doubt: true,
                // Not yet there, and being updated. Source: Microsoft Learn, "How to use managed
                // identities on an Azure VM to acquire an access token", "Retry guidance".
                also: &[404, 410],
            },
        }
    }

    fn failed(&self, why: &str) -> Error {
        self.wire.who.failed(why)
    }

    fn read_url(&self, text: &str) -> Result<Url> {
        Url::parse(text).map_err(|error| self.failed("the address is no URL").with_source(error))
    }

    async fn send(&self, url: &Url, headers: &[(&str, &str)]) -> Result<http::Response<Bytes>> {
        let mut message = http::Request::get(url.as_str());
        for (name, value) in headers {
            let value = http::HeaderValue::from_str(value).map(|mut value| {
                value.set_sensitive(true);
                value
            });
            // The cause could tell the header.
            let value = value.map_err(|_| self.failed("a key cannot stand in a header"))?;
            message = message.header(*name, value);
        }
        let message = message.body(Vec::new());
        let message = message.map_err(|error| self.failed("no request").with_source(error))?;
        self.wire.send(message).await
    }

    /// Without the header that it wants, the metadata service answers 400 at once.
    async fn probe(&self, machine: &Url) -> Result<()> {
        let mut message = http::Request::new(Bytes::new());
        *message.uri_mut() = machine
            .as_str()
            .parse()
            .map_err(|error| self.failed("the address is no URL").with_source(error))?;
        let clock = &*self.request.clock;
        match within(clock, PROBE_LIMIT, self.request.transport.send(message)).await {
            Some(Ok(answer)) if !is_of_another(answer.status()) => Ok(()),
            _ => Err(Error::sign_in(
                SignIn::Unavailable,
                "no managed identity here: there is no metadata service",
            )),
        }
    }

    /// The key that a challenge names: only a small file of the agent's own.
    fn arc_key(&self, challenge: &http::Response<Bytes>, folder: &Path) -> Result<Secret> {
        let found = challenge::parameters(challenge.headers(), "basic");
        let named = challenge::value(&found, "realm").unwrap_or_default();
        let path = Path::new(named);
        let is_plain = path.components().all(|part| {
            matches!(
                part,
                Component::Normal(_) | Component::RootDir | Component::Prefix(_)
            )
        });
        let is_ours = is_plain
            && path.parent() == Some(folder)
            && path.extension().is_some_and(|extension| extension == "key");
        if !is_ours {
            return Err(self.failed(
                "the agent of Azure Arc names a file that is no key of its own; it was not read",
            ));
        }
        let unread = |error| {
            self.failed(
                "the key of the Azure Arc agent cannot be read; is the user in the group \
                         `himds`?",
            )
            .with_source(error)
        };
        let known = std::fs::symlink_metadata(path).map_err(unread)?;
        if !known.is_file() || known.len() > MAX_KEY {
            return Err(self.failed("the key of the Azure Arc agent is no small file"));
        }
        let key = zeroize::Zeroizing::new(std::fs::read_to_string(path).map_err(unread)?);
        Ok(Secret::new(key.as_str()))
    }

    fn token(&self, answer: &http::Response<Bytes>) -> Result<AccessToken> {
        let read: Answer = serde_json::from_slice(answer.body()).unwrap_or_default();
        let token = match read.access_token {
            Some(token) if answer.status().is_success() => Secret::new(token),
            _ if answer.status() == StatusCode::BAD_REQUEST && !read.is_of_entra() => {
                return Err(Error::sign_in(
                    SignIn::Unavailable,
                    "this machine has no such managed identity; assign one, and check its id",
                ));
            }
            _ if !read.error.is_empty() => {
                let description = read.error_description.as_deref();
                return Err(self.wire.who.refused(&read.error, description));
            }
            _ => {
                let why = format!("the machine answered {} without a token", answer.status());
                return Err(self.failed(&why));
            }
        };
        let now = self.request.clock.now();
        let on = seconds(&read.expires_on).and_then(|on| SystemTime::UNIX_EPOCH.checked_add(on));
        let life = match on {
            Some(on) => Some(on.duration_since(now).unwrap_or_default()),
            None => seconds(&read.expires_in),
        };
        let token = AccessToken::new(token).refreshed(now, seconds(&read.refresh_in));
        Ok(match life {
            Some(life) => token.lasting(now, life),
            None => token,
        })
    }
}

/// Whether a proxy answers for a metadata service that is not there: what that itself may answer is
/// none of these.
/// Source: Microsoft Learn, "How to use managed identities on an Azure VM to acquire an access
/// token", "Error handling".
fn is_of_another(status: StatusCode) -> bool {
    matches!(status.as_u16(), 403 | 407 | 502..=504)
}

/// An address on this machine, or https: a key goes with the question.
fn local(text: &str) -> Result<Url> {
    let wrong = || {
        Error::input(
            "IDENTITY_ENDPOINT is no address of this machine; a key would be sent elsewhere",
        )
    };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => is_this_machine(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => is_this_machine(IpAddr::V6(address)),
        None => false,
    };
    let is_good = match url.scheme() {
        "http" => is_local,
        scheme => scheme == "https",
    };
    match is_good && url.username().is_empty() && url.password().is_none() {
        true => Ok(url),
        false => Err(wrong()),
    }
}

/// Loopback, or link-local: 169.254.0.0/16, fe80::/10.
pub(crate) fn is_this_machine(address: IpAddr) -> bool {
    address.is_loopback()
        || match address {
            IpAddr::V4(address) => address.is_link_local(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        }
}

fn arc_keys() -> PathBuf {
    match cfg!(windows) {
        true => {
            let data = std::env::var("ProgramData");
            let data = data.unwrap_or_else(|_| "C:\\ProgramData".to_owned());
            Path::new(&data)
                .join("AzureConnectedMachineAgent")
                .join("Tokens")
        }
        false => PathBuf::from("/var/opt/azcmagent/tokens"),
    }
}
