//! Where Dataverse runs.

/// A cloud of Microsoft's: its own sign-in, its own list of orgs.
///
/// The cloud for Germany with hosts below `crm.microsoftdynamics.de` is closed. Source: Microsoft
/// Learn, "Discovery", "Datacenter regions", 2024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cloud {
    /// For everybody.
    Public,
    /// US government community cloud.
    Gcc,
    /// US government community cloud high.
    GccHigh,
    /// US Department of Defense.
    Dod,
    /// China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// Every cloud.
    pub const ALL: &'static [Cloud] = &[
        Cloud::Public,
        Cloud::Gcc,
        Cloud::GccHigh,
        Cloud::Dod,
        Cloud::China,
    ];

    /// Where users and programs sign in: `https://login.microsoftonline.com`.
    pub const fn authority(self) -> &'static str {
        match self {
            Cloud::Public | Cloud::Gcc => "https://login.microsoftonline.com",
            Cloud::GccHigh | Cloud::Dod => "https://login.microsoftonline.us",
            Cloud::China => "https://login.partner.microsoftonline.cn",
        }
    }

    /// Where orgs are listed; also what a token for it must be for.
    pub const fn discovery_url(self) -> &'static str {
        match self {
            Cloud::Public => "https://globaldisco.crm.dynamics.com",
            Cloud::Gcc => "https://globaldisco.crm9.dynamics.com",
            Cloud::GccHigh => "https://globaldisco.crm.microsoftdynamics.us",
            Cloud::Dod => "https://globaldisco.crm.appsplatform.us",
            Cloud::China => "https://globaldisco.crm.dynamics.cn",
        }
    }

    /// The regions of this cloud, as far as they are known here.
    pub fn regions(self) -> impl Iterator<Item = &'static Region> {
        Region::ALL
            .iter()
            .filter(move |region| region.cloud == self)
    }

    /// The cloud that an org with this host is in: `contoso.crm4.dynamics.com`. None for a host
    /// that is no org of Microsoft's.
    ///
    /// Goes by the end of the host, since new regions appear.
    pub fn of_host(host: &str) -> Option<Cloud> {
        let host = host.to_ascii_lowercase();
        let is_below = |domain: &str| {
            let before = host.strip_suffix(domain);
            before.is_some_and(|before| before.ends_with('.') && before.len() > 1)
        };
        if is_below("crm.dynamics.cn") {
            Some(Cloud::China)
        } else if is_below("crm.microsoftdynamics.us") {
            Some(Cloud::GccHigh)
        } else if is_below("crm.appsplatform.us") {
            Some(Cloud::Dod)
        } else if is_below("crm9.dynamics.com") {
            Some(Cloud::Gcc)
        } else {
            let (before, _) = host.strip_suffix(".dynamics.com")?.rsplit_once(".crm")?;
            let number = &host[before.len() + ".crm".len()..host.len() - ".dynamics.com".len()];
            let is_region = number.bytes().all(|byte| byte.is_ascii_digit());
            (is_region && !before.is_empty()).then_some(Cloud::Public)
        }
    }
}

/// A region: the end of the hosts of its orgs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Region {
    /// `EMEA`.
    pub name: &'static str,
    /// `crm4.dynamics.com`.
    pub domain: &'static str,
    /// The cloud it is in.
    pub cloud: Cloud,
}

impl Region {
    /// The regions that are known here; there may be more.
    pub const ALL: &'static [Region] = &[
        region("North America", "crm.dynamics.com", Cloud::Public),
        region("South America", "crm2.dynamics.com", Cloud::Public),
        region("Canada", "crm3.dynamics.com", Cloud::Public),
        region("EMEA", "crm4.dynamics.com", Cloud::Public),
        region("Asia Pacific", "crm5.dynamics.com", Cloud::Public),
        region("Oceania", "crm6.dynamics.com", Cloud::Public),
        region("Japan", "crm7.dynamics.com", Cloud::Public),
        region("India", "crm8.dynamics.com", Cloud::Public),
        region("United Kingdom", "crm11.dynamics.com", Cloud::Public),
        region("France", "crm12.dynamics.com", Cloud::Public),
        region("South Africa", "crm14.dynamics.com", Cloud::Public),
        region("United Arab Emirates", "crm15.dynamics.com", Cloud::Public),
        region("Germany", "crm16.dynamics.com", Cloud::Public),
        region("Switzerland", "crm17.dynamics.com", Cloud::Public),
        region("Norway", "crm19.dynamics.com", Cloud::Public),
        region("Singapore", "crm20.dynamics.com", Cloud::Public),
        region("Korea", "crm21.dynamics.com", Cloud::Public),
        region("US GCC", "crm9.dynamics.com", Cloud::Gcc),
        region("US GCC High", "crm.microsoftdynamics.us", Cloud::GccHigh),
        region("US DoD", "crm.appsplatform.us", Cloud::Dod),
        region("China", "crm.dynamics.cn", Cloud::China),
    ];

    /// The region of an org with this host.
    pub fn of_host(host: &str) -> Option<&'static Region> {
        let host = host.to_ascii_lowercase();
        let is_below = |region: &&Region| {
            let before = host.strip_suffix(region.domain);
            before.is_some_and(|before| before.ends_with('.') && before.len() > 1)
        };
        Region::ALL.iter().find(is_below)
    }

    /// The address of an org: `https://contoso.crm4.dynamics.com`.
    pub fn org_url(&self, org: &str) -> String {
        format!("https://{org}.{}", self.domain)
    }
}

const fn region(name: &'static str, domain: &'static str, cloud: Cloud) -> Region {
    Region {
        name,
        domain,
        cloud,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_tells_its_cloud_and_a_lookalike_does_not() {
        for (host, cloud) in [
            ("contoso.crm.dynamics.com", Some(Cloud::Public)),
            ("contoso.api.crm4.dynamics.com", Some(Cloud::Public)),
            ("Contoso.CRM99.dynamics.com", Some(Cloud::Public)),
            ("contoso.crm9.dynamics.com", Some(Cloud::Gcc)),
            ("contoso.api.crm9.dynamics.com", Some(Cloud::Gcc)),
            ("contoso.crm.microsoftdynamics.us", Some(Cloud::GccHigh)),
            ("contoso.crm.appsplatform.us", Some(Cloud::Dod)),
            ("contoso.crm.dynamics.cn", Some(Cloud::China)),
            ("crm.dynamics.com", None),
            (".crm.dynamics.com", None),
            ("crm.dynamics.cn", None),
            (".crm.dynamics.cn", None),
            ("contoso.crm4.dynamics.com.evil.example", None),
            ("evilcrm.dynamics.cn", None),
            ("contoso.crmx.dynamics.com", None),
            ("localhost", None),
        ] {
            assert_eq!(Cloud::of_host(host), cloud, "{host}");
        }
    }

    #[test]
    fn every_region_is_in_the_cloud_that_its_hosts_tell() {
        for region in Region::ALL {
            let url = region.org_url("contoso");
            let host = url.strip_prefix("https://").unwrap();
            assert_eq!(Cloud::of_host(host), Some(region.cloud), "{host}");
            assert_eq!(Region::of_host(host), Some(region));
            let api = format!("contoso.api.{}", region.domain);
            assert_eq!(Region::of_host(&api), Some(region));
            let below = region.cloud.discovery_url();
            assert!(below.starts_with("https://globaldisco.crm"), "{below}");
        }
        assert_eq!(Cloud::Public.regions().count(), 17);
        for cloud in &Cloud::ALL[1..] {
            let domain = cloud.regions().next().unwrap().domain;
            assert!(cloud.discovery_url().ends_with(domain));
        }
    }
}
