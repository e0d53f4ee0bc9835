//! What Entra's errors mean: cause and remedy in words.
//!
//! Source: Microsoft Learn, "Microsoft Entra authentication and authorization error codes".

use oauth2::{ErrorResponseType, RequestTokenError, StandardErrorResponse};

use crate::error::{Error, SignIn};

/// Number, what a program can do, cause and remedy.
const CODES: &[(u32, SignIn, &str)] = &[
    (
        7_000_215,
        SignIn::SecretRefused,
        "the client secret is wrong; give the secret's value, not its id",
    ),
    (
        7_000_222,
        SignIn::SecretRefused,
        "the client secret has expired; make a new one in the app registration",
    ),
    (
        7_000_218,
        SignIn::SecretRefused,
        "the application must prove itself; give a secret or a certificate, or allow public client \
         flows in the app registration",
    ),
    (
        700_025,
        SignIn::SecretRefused,
        "the application is a public client; give no secret and no certificate, or forbid public \
         client flows in the app registration",
    ),
    (
        700_027,
        SignIn::SecretRefused,
        "the certificate is not registered with the application, or has expired",
    ),
    (
        700_024,
        SignIn::SecretRefused,
        "the assertion is not valid now; set the clock of this machine",
    ),
    (
        700_023,
        SignIn::SecretRefused,
        "the assertion is meant for another tenant or cloud; check both",
    ),
    (
        700_030,
        SignIn::SecretRefused,
        "the certificate has another name or issuer than the application is registered with",
    ),
    (
        70_021,
        SignIn::SecretRefused,
        "no federated credential of the application fits the token; compare issuer, subject and \
         audience",
    ),
    (
        700_211,
        SignIn::SecretRefused,
        "no federated credential of the application has the token's issuer",
    ),
    (
        700_213,
        SignIn::SecretRefused,
        "no federated credential of the application has the token's subject",
    ),
    (
        700_016,
        SignIn::ApplicationUnknown,
        "the tenant has no application with this id; check the id, the tenant and the cloud",
    ),
    (
        90_002,
        SignIn::ApplicationUnknown,
        "there is no such tenant; check it, and the cloud",
    ),
    (
        900_023,
        SignIn::ApplicationUnknown,
        "the tenant is neither an id nor a domain",
    ),
    (
        7_000_112,
        SignIn::ApplicationUnknown,
        "the application is disabled in the tenant",
    ),
    (
        7_000_229,
        SignIn::ApplicationUnknown,
        "the tenant has no service principal of the application; an administrator of the tenant adds \
         it",
    ),
    (
        50_194,
        SignIn::ApplicationUnknown,
        "the application is of one tenant; name that tenant",
    ),
    (
        50_059,
        SignIn::ApplicationUnknown,
        "no tenant was named; name it",
    ),
    (
        500_011,
        SignIn::OrgUnknown,
        "the tenant does not know the org; check the region in its address, and the tenant",
    ),
    (
        500_014,
        SignIn::OrgUnknown,
        "Dataverse is disabled in the tenant; an administrator looks at its licences",
    ),
    (
        650_052,
        SignIn::OrgUnknown,
        "the tenant has not subscribed to Dataverse, or it is not enabled there",
    ),
    (
        50_001,
        SignIn::OrgUnknown,
        "the org is disabled in the tenant, or does not exist; check the region in its address",
    ),
    (
        650_057,
        SignIn::OrgUnknown,
        "the application lists no permission for Dataverse; add `user_impersonation`",
    ),
    (
        65_005,
        SignIn::OrgUnknown,
        "the application lists no permission for Dataverse; add `user_impersonation`",
    ),
    (
        65_001,
        SignIn::ConsentRequired,
        "nobody agreed that the application may act for the user; an administrator agrees at",
    ),
    (
        65_004,
        SignIn::Declined,
        "the user did not agree that the application may act for them",
    ),
    (
        90_094,
        SignIn::ConsentRequired,
        "only an administrator can agree that the application may act for users, at",
    ),
    (
        50_076,
        SignIn::InteractionRequired,
        "a second factor is needed; sign in with a browser",
    ),
    (
        50_079,
        SignIn::InteractionRequired,
        "the user must register a second factor; sign in with a browser",
    ),
    (
        50_072,
        SignIn::InteractionRequired,
        "the user must register a second factor; sign in with a browser",
    ),
    (
        50_074,
        SignIn::InteractionRequired,
        "a second factor is needed; sign in with a browser",
    ),
    (
        50_055,
        SignIn::InteractionRequired,
        "the password has expired; change it in a browser",
    ),
    (
        50_097,
        SignIn::InteractionRequired,
        "conditional access wants a registered device; sign in with a browser there",
    ),
    (
        53_001,
        SignIn::InteractionRequired,
        "conditional access wants a device of the domain; sign in with a browser there",
    ),
    (
        53_002,
        SignIn::InteractionRequired,
        "conditional access wants an approved application; ask an administrator",
    ),
    (
        53_004,
        SignIn::InteractionRequired,
        "the user must register a second factor from a place without risk; sign in with a browser",
    ),
    (
        53_000,
        SignIn::InteractionRequired,
        "conditional access wants a compliant device; sign in with a browser there",
    ),
    (
        53_003,
        SignIn::InteractionRequired,
        "conditional access forbids this way of signing in; sign in with a browser, or ask an \
         administrator",
    ),
    (
        50_158,
        SignIn::InteractionRequired,
        "conditional access wants more; sign in with a browser",
    ),
    (
        50_058,
        SignIn::InteractionRequired,
        "nobody is signed in; sign in with a browser",
    ),
    (
        50_105,
        SignIn::UserRefused,
        "the user is not assigned to the application",
    ),
    (50_034, SignIn::UserRefused, "the user is not in the tenant"),
    (
        50_020,
        SignIn::UserRefused,
        "the user is of another tenant and no guest of this one",
    ),
    (
        90_072,
        SignIn::UserRefused,
        "the user is of another tenant and no guest of this one",
    ),
    (
        50_053,
        SignIn::UserRefused,
        "the user is locked after too many wrong passwords, or comes from a place with a bad name",
    ),
    (50_057, SignIn::UserRefused, "the user is disabled"),
    (
        50_173,
        SignIn::GrantExpired,
        "the password was changed, or the session revoked; sign in once more",
    ),
    (
        50_013,
        SignIn::GrantExpired,
        "the user's token is not valid here: expired, or not meant for this application",
    ),
    (
        700_082,
        SignIn::GrantExpired,
        "the refresh token was not used for too long; sign in once more",
    ),
    (
        700_084,
        SignIn::GrantExpired,
        "the refresh token has reached its end; sign in once more",
    ),
    (
        70_008,
        SignIn::GrantExpired,
        "the code or refresh token has expired; sign in once more",
    ),
    (
        70_043,
        SignIn::GrantExpired,
        "the refresh token has expired by conditional access; sign in once more",
    ),
    (
        54_005,
        SignIn::GrantExpired,
        "the code was used before; sign in once more",
    ),
    (
        70_020,
        SignIn::GrantExpired,
        "the device code has expired; sign in once more",
    ),
    (
        70_016,
        SignIn::InteractionRequired,
        "the user has not finished signing in",
    ),
];

/// OAuth's own words, where no number is known.
const WORDS: &[(&str, SignIn, &str)] = &[
    (
        "invalid_client",
        SignIn::SecretRefused,
        "the application could not prove itself",
    ),
    (
        "unauthorized_client",
        SignIn::ApplicationUnknown,
        "the application may not sign in this way",
    ),
    (
        "interaction_required",
        SignIn::InteractionRequired,
        "a person must sign in with a browser",
    ),
    (
        "login_required",
        SignIn::InteractionRequired,
        "a person must sign in with a browser",
    ),
    (
        "consent_required",
        SignIn::ConsentRequired,
        "nobody agreed that the application may act for the user; an administrator agrees at",
    ),
    (
        "invalid_grant",
        SignIn::GrantExpired,
        "what was to be exchanged for a token is no longer valid; sign in once more",
    ),
    (
        "expired_token",
        SignIn::GrantExpired,
        "nobody entered the code in time; sign in once more. Tenants often forbid this way: see \
         conditional access",
    ),
    (
        "bad_verification_code",
        SignIn::GrantExpired,
        "the service does not know the device code",
    ),
    (
        "authorization_declined",
        SignIn::Declined,
        "the user refused to sign in",
    ),
    (
        "access_denied",
        SignIn::Declined,
        "the user refused to sign in, or may not",
    ),
];

/// Who wanted to sign in, for errors.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    /// `https://login.microsoftonline.com/TENANT`.
    pub(crate) place: String,
    pub(crate) client_id: String,
}

impl Who {
    /// An error with what was to be done.
    pub(crate) fn failed(&self, why: &str) -> Error {
        Error::credential(self.blame(why), None)
    }

    fn blame(&self, why: &str) -> String {
        let Who { place, client_id } = self;
        format!("application {client_id} was not signed in at {place}: {why}")
    }

    /// What an error of the service means. Of its own words only the error's name and numbers are
    /// told: a text may hold anything.
    pub(crate) fn refused(&self, name: &str, description: Option<&str>) -> Error {
        let description = description.unwrap_or_default();
        let numbers = numbers(description);
        let known = CODES.iter().find(|(code, ..)| numbers.contains(code));
        let known = known
            .map(|(_, reason, words)| (*reason, *words))
            .or_else(|| {
                let word = WORDS.iter().find(|(word, ..)| *word == name);
                word.map(|(_, reason, words)| (*reason, *words))
            });
        let mut text = match known {
            Some((SignIn::ConsentRequired, words)) => {
                format!(
                    "{words} {}/adminconsent?client_id={}",
                    self.place, self.client_id
                )
            }
            Some((_, words)) => words.to_owned(),
            None => match numbers.first() {
                Some(code) => {
                    format!("see https://login.microsoftonline.com/error?code={code}")
                }
                None => "the service refused".to_owned(),
            },
        };
        text.push_str(" (");
        match is_word(name) {
            true => text.push_str(name),
            false => text.push_str("no error of OAuth"),
        }
        for code in &numbers {
            text.push_str(&format!(", AADSTS{code}"));
        }
        if let Some(id) = trace(description) {
            text.push_str(&format!(", trace {id}"));
        }
        text.push(')');
        match known {
            Some((reason, _)) => Error::sign_in(reason, self.blame(&text)),
            None => self.failed(&text),
        }
    }

    /// What the `oauth2` crate says, without the bodies that it keeps.
    pub(crate) fn explain<T>(
        &self,
        error: RequestTokenError<Error, StandardErrorResponse<T>>,
    ) -> Error
    where
        T: ErrorResponseType + std::fmt::Display + 'static,
    {
        match error {
            RequestTokenError::ServerResponse(error) => {
                let description = error.error_description().map(String::as_str);
                self.refused(&error.error().to_string(), description)
            }
            RequestTokenError::Request(error) => error,
            RequestTokenError::Parse(..) => {
                self.failed("the answer is not what OAuth promises; a proxy may have answered")
            }
            RequestTokenError::Other(_) => self.failed("the answer is an error without words"),
        }
    }
}

/// The numbers behind `AADSTS`.
fn numbers(description: &str) -> Vec<u32> {
    let pieces = description.split("AADSTS").skip(1);
    let mut numbers = Vec::new();
    for piece in pieces {
        let digits = piece.split(|c: char| !c.is_ascii_digit()).next();
        if let Some(Ok(number)) = digits.map(str::parse)
            && !numbers.contains(&number)
            && numbers.len() < 4
        {
            numbers.push(number);
        }
    }
    numbers
}

/// The id that Microsoft's support asks for.
fn trace(description: &str) -> Option<uuid::Uuid> {
    let (_, after) = description.split_once("Trace ID: ")?;
    after.get(..36)?.parse().ok()
}

fn is_word(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
    !name.is_empty() && name.len() <= 64 && name.chars().all(is_part)
}
