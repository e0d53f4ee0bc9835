//! Where to sign in: the authority of a cloud, and a tenant.

use http::header::{ACCEPT, USER_AGENT};
use url::{Host, Url};

use super::refused::Who;
use super::wire::Wire;
use crate::error::{Error, Result};
use crate::http::Cloud;
use crate::http::auth::{TokenRequest, challenge};

/// Hosts that sign in for a cloud, beside its [`Cloud::authority`].
const OTHER_AUTHORITIES: &[&str] = &[
    "https://login.windows.net",
    "https://login.microsoft.com",
    "https://sts.windows.net",
    "https://login.chinacloudapi.cn",
];

/// A tenant of Microsoft Entra ID.
///
/// ```
/// use dataverse_client::auth::Tenant;
///
/// let by_id = Tenant::from("0b2a1f5e-7f3e-4c1e-9d39-0123456789ab");
/// let by_domain = Tenant::from("contoso.onmicrosoft.com");
/// let whichever_the_org_is_in = Tenant::of_org();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant(Option<String>);

impl Tenant {
    /// The tenant that the org is in. The org is asked before each sign-in, without a token; only
    /// the authority of its own cloud is believed.
    pub fn of_org() -> Self {
        Tenant(None)
    }
}

impl From<&str> for Tenant {
    fn from(tenant: &str) -> Self {
        Tenant(Some(tenant.to_owned()))
    }
}

impl From<String> for Tenant {
    fn from(tenant: String) -> Self {
        Tenant(Some(tenant))
    }
}

/// `https://login.microsoftonline.com/TENANT`.
#[derive(Debug, Clone)]
pub(crate) struct Place(String);

impl Place {
    /// Finds the place; asks the org for its tenant if none is known.
    pub(crate) async fn find(
        tenant: &Tenant,
        authority: Option<&str>,
        client_id: &str,
        request: &TokenRequest,
    ) -> Result<Self> {
        let org = check_origin(&request.resource, "the org")?;
        let authority = match authority {
            Some(authority) => check_origin(authority, "the authority")?,
            None => match org
                .host_str()
                .and_then(Cloud::of_host)
                .or_else(|| discovery(&org))
            {
                Some(cloud) => check_origin(cloud.authority(), "the authority")?,
                None => {
                    return Err(Error::input(format!(
                        "`{}` is in no cloud that is known here: say where to sign in, with \
                         `authority`",
                        request.resource
                    )));
                }
            },
        };
        let tenant = match &tenant.0 {
            Some(tenant) => tenant.trim().to_owned(),
            None => ask_org(&org, &authority, client_id, request).await?,
        };
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if tenant.is_empty() || tenant.starts_with('.') || !tenant.chars().all(is_part) {
            return Err(Error::input(
                "a tenant is an id or a domain: `contoso.onmicrosoft.com`",
            ));
        }
        let authority = authority.origin().ascii_serialization();
        Ok(Place(format!("{authority}/{tenant}")))
    }

    pub(crate) fn endpoint(&self, name: &str) -> String {
        format!("{}/oauth2/v2.0/{name}", self.0)
    }

    pub(crate) fn who(&self, client_id: &str) -> Who {
        Who {
            place: self.0.clone(),
            client_id: client_id.to_owned(),
        }
    }
}

/// The cloud whose list of orgs is at this address.
fn discovery(url: &Url) -> Option<Cloud> {
    let origin = url.origin().ascii_serialization();
    let mut clouds = Cloud::ALL.iter().copied();
    clouds.find(|cloud| cloud.discovery_url() == origin)
}

/// A host, https (loopback excepted), and nothing more.
///
/// Errors: `is_invalid_input`.
pub(crate) fn check_origin(text: &str, what: &str) -> Result<Url> {
    let wrong = |why: &str| Error::input(format!("the address of {what} {why}"));
    let url = Url::parse(text.trim()).map_err(|error| wrong("is not a URL").with_source(error))?;
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(wrong("names no host")),
    };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback => {}
        _ => return Err(wrong("is not https, and secrets would be sent in the open")),
    }
    let has_more = !matches!(url.path(), "" | "/")
        || url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some();
    match has_more {
        true => Err(wrong(
            "is more than a host: no path, query, user or password",
        )),
        false => Ok(url),
    }
}

/// The tenant that a refusal of the org names.
///
/// Shape: `GET {org}/api/data/v9.2/` without a token; 401 with `WWW-Authenticate: Bearer
/// authorization_uri=https://login.microsoftonline.com/TENANT/oauth2/authorize`.
async fn ask_org(
    org: &Url,
    authority: &Url,
    client_id: &str,
    request: &TokenRequest,
) -> Result<String> {
    let origin = org.origin().ascii_serialization();
    let who = Who {
        place: origin.clone(),
        client_id: client_id.to_owned(),
    };
    let unknown = |why: &str| who.failed(&format!("{why}; name the tenant"));
    let message = http::Request::get(format!("{origin}/api/data/v9.2/"))
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, crate::http::auth::PRODUCT)
        .body(Vec::new())
        .map_err(|error| unknown("the org has no valid address").with_source(error))?;
    let wire = Wire {
        request,
        who: who.clone(),
        repeats_in_doubt: true,
        also: &[],
    };
    let answer = wire.send(message).await?;
    if answer.status() != http::StatusCode::UNAUTHORIZED {
        return Err(unknown(&format!(
            "the org was asked for its tenant and answered {} in place of 401; check its address",
            answer.status()
        )));
    }
    let found = challenge::parameters(answer.headers(), "bearer");
    let uri = challenge::value(&found, "authorization_uri")
        .or_else(|| challenge::value(&found, "authorization"))
        .and_then(|uri| Url::parse(uri).ok())
        .ok_or_else(|| unknown("the org does not say where to sign in"))?;
    let is_known =
        |known: &str| Url::parse(known).is_ok_and(|known| known.origin() == uri.origin());
    let mut known = Cloud::ALL.iter().map(|cloud| cloud.authority());
    let is_trusted = uri.origin() == authority.origin()
        || known.any(is_known)
        || OTHER_AUTHORITIES.iter().any(|known| is_known(known));
    if !is_trusted || !uri.username().is_empty() {
        return Err(unknown(
            "the org names a place to sign in that is not Microsoft's; nothing was sent there",
        ));
    }
    if let Some(resource) = challenge::value(&found, "resource_id")
        && !is_same_org(org, resource)
    {
        return Err(unknown("the org says that it is another one"));
    }
    match uri.path_segments().and_then(|mut segments| segments.next()) {
        None | Some("" | "common" | "organizations" | "consumers") => {
            Err(unknown("the org does not say which tenant it is in"))
        }
        Some(tenant) => Ok(tenant.to_owned()),
    }
}

/// `contoso.crm4.dynamics.com` and `contoso.api.crm4.dynamics.com` are one org.
fn is_same_org(org: &Url, resource: &str) -> bool {
    let Ok(resource) = Url::parse(resource) else {
        return false;
    };
    let name = |url: &Url| url.host_str().map(|host| host.replacen(".api.", ".", 1));
    org.scheme() == resource.scheme()
        && org.port() == resource.port()
        && name(org) == name(&resource)
}
