//! Why nobody was signed in: one predicate for each decision a program can take.

use super::{Error, Kind};

/// What the sign-in service said, as far as a program can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignIn {
    /// A wrong or expired secret, certificate or assertion.
    SecretRefused,
    /// No application or tenant of this name.
    ApplicationUnknown,
    /// Nobody agreed that the application may act.
    ConsentRequired,
    /// A person must be there.
    InteractionRequired,
    /// The tenant does not know the org.
    OrgUnknown,
    /// The user is not known in the tenant, or not assigned to the application.
    UserRefused,
    /// The refresh token, code or device code is used up, expired or revoked.
    GrantExpired,
    /// A person said no.
    Declined,
    /// There is nothing here to sign in with.
    Unavailable,
}

impl Error {
    fn has_reason(&self, reason: SignIn) -> bool {
        self.0.kind == Kind::Credential && self.0.sign_in == Some(reason)
    }

    /// The application's secret is wrong or expired, or its certificate or federated token is not
    /// registered.
    ///
    /// Cause: the id of the secret was given instead of its value, or its time is over. Make a new
    /// one in the app registration, below "Certificates & secrets".
    pub fn is_secret_refused(&self) -> bool {
        self.has_reason(SignIn::SecretRefused)
    }

    /// The tenant does not exist, or has no application with this id. Check both, and that the
    /// cloud is the right one.
    pub fn is_application_unknown(&self) -> bool {
        self.has_reason(SignIn::ApplicationUnknown)
    }

    /// Nobody agreed that the application may act for the user. An administrator agrees for all
    /// at `https://login.microsoftonline.com/TENANT/adminconsent?client_id=APPLICATION`.
    pub fn is_consent_required(&self) -> bool {
        self.has_reason(SignIn::ConsentRequired)
    }

    /// The tenant wants a person to be there: a second factor, or a rule of conditional access.
    /// Sign in by [`AuthorizationCode`](crate::auth::AuthorizationCode), or exclude the
    /// application from the rule.
    pub fn is_interaction_required(&self) -> bool {
        self.has_reason(SignIn::InteractionRequired)
    }

    /// The tenant does not know the org: its address has the wrong region (`crm4`), or it belongs
    /// to another tenant. [`Discovery::find`](crate::Discovery::find) tells the right address.
    pub fn is_org_unknown(&self) -> bool {
        self.has_reason(SignIn::OrgUnknown)
    }

    /// The user is not in the tenant, is disabled, or is not assigned to the application; or has a
    /// token, but is no member of the environment.
    ///
    /// Add the user, or the application user, to the environment and give it a security role.
    pub fn is_user_refused(&self) -> bool {
        // UserNotMemberOfOrg.
        self.has_reason(SignIn::UserRefused) || self.code() == Some(0x8007_2560)
    }

    /// What was to be exchanged for a token is used up, expired or revoked: a refresh token, a code,
    /// a device code. Sign in once more.
    pub fn is_grant_expired(&self) -> bool {
        self.has_reason(SignIn::GrantExpired)
    }

    /// There is nothing here to sign in with: no variables, no managed identity, no Azure CLI, or
    /// nobody is signed in to it. [`Chain`](crate::auth::Chain) goes on with the next.
    pub fn is_credential_unavailable(&self) -> bool {
        self.has_reason(SignIn::Unavailable)
    }

    /// The person said no.
    pub fn is_sign_in_declined(&self) -> bool {
        self.has_reason(SignIn::Declined)
    }
}
