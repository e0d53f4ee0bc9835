//! The address of an org, and what counts as part of it.

use std::borrow::Cow;

use http::Uri;
use url::{Host, Url};

use crate::error::{Error, Result};
use crate::odata::Target;
use crate::odata::url::check_path;

/// Characters of a URL; a part of a batch may have more.
/// Source: Microsoft Learn, "Compose HTTP requests and handle errors", 2024.
const MAX_URL: usize = 32_768;

/// Version of the Web API that this client speaks.
const API_VERSION: &str = "v9.2";

/// Path of the discovery service.
const DISCOVERY: &str = "/api/discovery/v2.0/";

/// Where an org's Web API is, or a discovery service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    /// `https://contoso.crm4.dynamics.com`, no slash at the end.
    origin: String,
    /// `/api/data/v9.2/`.
    root: String,
    /// Where links of the service must lead.
    links: &'static [&'static str],
}

impl Base {
    /// Checks the address of an org.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::input(format!(
                "the address of the org {why}; give it like `https://contoso.crm4.dynamics.com`"
            ))
        };
        let url =
            Url::parse(text.trim()).map_err(|error| wrong("is not a URL").with_source(error))?;
        let is_loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(wrong("names no host")),
        };
        match url.scheme() {
            "https" => {}
            "http" if is_loopback => {}
            "http" => return Err(wrong("is not https, and a token would be sent in the open")),
            _ => return Err(wrong("is not https")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("holds a user name or password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("has a query or fragment"));
        }
        if !matches!(url.path(), "" | "/") {
            return Err(wrong(
                "has a path: the path of the Web API is added here, and organisations with a \
                 path (on premises) are not supported",
            ));
        }
        Ok(Base {
            origin: url.origin().ascii_serialization(),
            root: format!("/api/data/{API_VERSION}/"),
            links: &["/api/data/", "/api/backgroundoperation/"],
        })
    }

    /// Checks the address of a discovery service.
    pub(super) fn discovery(text: &str) -> Result<Self> {
        let base = Base::parse(text)?;
        Ok(Base {
            root: DISCOVERY.to_owned(),
            links: &[DISCOVERY],
            ..base
        })
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    pub(super) fn root(&self) -> &str {
        &self.root
    }

    /// The absolute URI of a target.
    ///
    /// Errors: a link leads elsewhere. The token goes with a request, so nothing is sent.
    pub(super) fn uri(&self, target: &Target) -> Result<Uri> {
        let text = match target {
            Target::Path(path) => {
                check_path(path)?;
                [&*self.origin, &self.root, path].concat()
            }
            Target::Link(link) => {
                let link = self.absolute(link);
                self.check_link(&link)?;
                link.into_owned()
            }
        };
        Uri::try_from(text)
            .map_err(|error| Error::input("the request has no valid URL").with_source(error))
    }

    /// A link as it came, or behind the org's address if it is relative.
    fn absolute<'a>(&self, link: &'a str) -> Cow<'a, str> {
        if link.contains("://") {
            return Cow::Borrowed(link);
        }
        match link.starts_with('/') {
            // Two slashes begin the name of another host.
            true if !link.starts_with("//") => Cow::Owned(format!("{}{link}", self.origin)),
            true => Cow::Borrowed(link),
            false => Cow::Owned(format!("{}{}{link}", self.origin, self.root)),
        }
    }

    /// A target whose URL is too long for a plain request, as a path for a batch.
    pub(super) fn too_long(&self, target: &Target) -> Result<Option<Target>> {
        let (Target::Path(text) | Target::Link(text)) = target;
        if self.origin.len() + self.root.len() + text.len() <= MAX_URL {
            return Ok(None);
        }
        let url = match target {
            Target::Path(path) => return Ok(Some(Target::Path(path.clone()))),
            Target::Link(link) => self.absolute(link),
        };
        if url.len() <= MAX_URL {
            return Ok(None);
        }
        self.check_link(&url)?;
        let path = url.strip_prefix(&self.origin);
        match path.and_then(|path| path.strip_prefix(&self.root)) {
            Some(path) => Ok(Some(Target::Path(path.to_owned()))),
            None => Err(Error::input(format!(
                "a URL of {} characters: the service takes at most {MAX_URL}",
                url.len()
            ))),
        }
    }

    fn check_link(&self, link: &str) -> Result<()> {
        let url = Url::parse(link).map_err(|error| {
            Error::decode("the service gave a link that is no URL").with_source(error)
        })?;
        let is_ours = url.origin().ascii_serialization() == self.origin
            && url.username().is_empty()
            && url.password().is_none()
            && self.links.iter().any(|known| url.path().starts_with(known));
        if is_ours {
            return Ok(());
        }
        Err(Error::decode(format!(
            "the service gave a link to `{}`, which is not the Web API of `{}`; nothing was sent \
             there",
            url.origin().ascii_serialization(),
            self.origin
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_org_is_https_or_loopback_and_nothing_more() {
        for good in [
            "https://contoso.crm4.dynamics.com",
            "https://contoso.crm4.dynamics.com/",
            "http://127.0.0.1:5000",
            "http://localhost:5000/",
            "http://[::1]:5000",
            "http://emulator.localhost",
        ] {
            assert!(Base::parse(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("http://contoso.crm4.dynamics.com", "not https"),
            ("http://127.0.0.1.evil.example", "not https"),
            ("ftp://contoso.crm4.dynamics.com", "not https"),
            ("contoso.crm4.dynamics.com", "not a URL"),
            ("https://contoso.crm4.dynamics.com/api/data/v9.2", "path"),
            ("https://contoso.crm4.dynamics.com?x=1", "query"),
            ("https://contoso.crm4.dynamics.com#x", "fragment"),
            ("https://user:secret@contoso.crm4.dynamics.com", "password"),
            ("", "not a URL"),
            ("https://", "not a URL"),
        ] {
            let error = Base::parse(bad).unwrap_err();
            assert!(error.is_invalid_input(), "{bad}");
            assert!(error.to_string().contains(why), "{bad}: {error}");
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn links_stay_on_the_org() {
        let base = Base::parse("https://org.crm.dynamics.com").unwrap();
        let link = |text: &str| base.uri(&Target::Link(text.to_owned()));
        let good = "https://org.crm.dynamics.com/api/data/v9.1/accounts?$skiptoken=%3Ccookie%20a=%22%253c%22";
        assert_eq!(link(good).unwrap().to_string(), good);
        for bad in [
            "https://org.crm.dynamics.com.evil.example/api/data/v9.2/accounts",
            "http://org.crm.dynamics.com/api/data/v9.2/accounts",
            "https://org.crm.dynamics.com:8443/api/data/v9.2/accounts",
            "https://evil@org.crm.dynamics.com/api/data/v9.2/accounts",
            "https://org.crm.dynamics.com/other",
            "//evil.example/api/data/v9.2/accounts",
            "../../../other",
        ] {
            assert!(link(bad).is_err(), "{bad}");
        }
        let root = "https://org.crm.dynamics.com/api/data/v9.2/";
        for relative in ["/api/data/v9.2/accounts?x=%253c", "accounts?x=%253c"] {
            let url = format!("{root}accounts?x=%253c");
            assert_eq!(link(relative).unwrap().to_string(), url);
        }
    }
}
