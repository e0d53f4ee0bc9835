//! `WWW-Authenticate`: why a service refused a token.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use serde_json::{Value, json};

/// Longer headers are nobody's honest challenge.
const MAX_CHALLENGE: usize = 16 << 10;

/// The parameters of a header's challenges of one scheme, names in small letters.
pub(crate) fn parameters(headers: &HeaderMap, scheme: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for header in headers.get_all(WWW_AUTHENTICATE) {
        let Ok(text) = header.to_str() else { continue };
        if text.len() <= MAX_CHALLENGE {
            read(text, scheme, &mut found);
        }
    }
    found
}

/// The first value of a parameter.
pub(crate) fn value<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut named = parameters.iter().filter(|(known, _)| known == name);
    named.next().map(|(_, value)| value.as_str())
}

/// The claims of a client that answers challenges, as JSON.
pub(crate) const ANSWERS_CHALLENGES: &str = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;

/// The claims that a token lacks, and that this client answers challenges, as JSON.
///
/// Source: Microsoft Learn, "Claims challenges, claims requests, and client capabilities".
pub(crate) fn claims(headers: &HeaderMap) -> Option<String> {
    let found = parameters(headers, "bearer");
    if value(&found, "error") != Some("insufficient_claims") {
        return None;
    }
    let text = value(&found, "claims")?;
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let decode = |alphabet| GeneralPurpose::new(alphabet, config).decode(text).ok();
    let bytes = decode(&alphabet::STANDARD).or_else(|| decode(&alphabet::URL_SAFE))?;
    let text = String::from_utf8(bytes).ok()?;
    let mut claims: serde_json::Map<String, Value> = serde_json::from_str(&text).ok()?;
    let token = claims.entry("access_token").or_insert_with(|| json!({}));
    let own = json!({"values": ["cp1"]});
    token.as_object_mut()?.insert("xms_cc".to_owned(), own);
    Some(Value::Object(claims).to_string())
}

/// Reads `Scheme a=b, c="d", Other e=f`. What cannot be read ends the reading.
fn read(text: &str, scheme: &str, found: &mut Vec<(String, String)>) {
    let mut rest = text;
    let mut is_wanted = false;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find(|c: char| !is_token(c)).unwrap_or(rest.len());
        if end == 0 {
            return;
        }
        let (name, after) = rest.split_at(end);
        let Some(after_sign) = after.trim_start().strip_prefix('=') else {
            is_wanted = name.eq_ignore_ascii_case(scheme);
            rest = after;
            continue;
        };
        let (value, after) = match after_sign.trim_start().strip_prefix('"') {
            Some(quoted) => match unquote(quoted) {
                Some(read) => read,
                None => return,
            },
            None => {
                let plain = after_sign.trim_start();
                let end = plain.find([',', ' ']).unwrap_or(plain.len());
                (plain[..end].to_owned(), &plain[end..])
            }
        };
        if is_wanted {
            found.push((name.to_ascii_lowercase(), value));
        }
        rest = after;
    }
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// The text up to the closing quote, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(texts: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for text in texts {
            headers.append(WWW_AUTHENTICATE, text.parse().unwrap());
        }
        headers
    }

    #[test]
    fn parameters_of_one_scheme_are_read_quoted_or_not() {
        let headers = headers(&[
            "Basic realm=/var/opt/key",
            "Bearer authorization_uri=https://login.example/t/oauth2/authorize, \
             resource_id=https://org.example/",
            r#"Negotiate, BEARER Realm="", error = "a \"quoted\", one",scope=x"#,
        ]);
        let found = parameters(&headers, "bearer");
        let expected = [
            (
                "authorization_uri",
                "https://login.example/t/oauth2/authorize",
            ),
            ("resource_id", "https://org.example/"),
            ("realm", ""),
            ("error", "a \"quoted\", one"),
            ("scope", "x"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(found, expected);
        let basic = parameters(&headers, "basic");
        assert_eq!(value(&basic, "realm"), Some("/var/opt/key"));
    }

    #[test]
    fn claims_are_base64_of_either_alphabet_padded_or_not() {
        // {"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}, and {"a":"???>>>"}.
        let long = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNjA0MTA2NjUxIn19fQ";
        for (text, start) in [
            (format!("{long}=="), "{\"access_token\""),
            (long.to_owned(), "{\"access_token\""),
            ("eyJhIjoiPz8/Pj4+In0=".to_owned(), "{\"a\""),
            ("eyJhIjoiPz8_Pj4-In0".to_owned(), "{\"a\""),
        ] {
            let header =
                format!("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{text}\"");
            let found = claims(&headers(&[&header])).unwrap();
            assert!(found.starts_with(start), "{found}");
            let told: Value = serde_json::from_str(&found).unwrap();
            let own: Value = serde_json::from_str(ANSWERS_CHALLENGES).unwrap();
            assert_eq!(
                told["access_token"]["xms_cc"],
                own["access_token"]["xms_cc"]
            );
        }
    }

    #[test]
    fn no_claims_where_none_are_wanted_or_they_are_no_json() {
        for header in [
            "Bearer error=\"invalid_token\", claims=\"e30=\"",
            "Bearer error=\"insufficient_claims\"",
            "Bearer error=\"insufficient_claims\", claims=\"!!\"",
            "Bearer error=\"insufficient_claims\", claims=\"MTI=\"",
            // {"access_token":1}
            "Bearer error=\"insufficient_claims\", claims=\"eyJhY2Nlc3NfdG9rZW4iOjF9\"",
            "Bearer error=\"insufficient_claims\", claims=\"e30=",
            "Basic error=\"insufficient_claims\", claims=\"e30=\"",
        ] {
            assert_eq!(claims(&headers(&[header])), None, "{header}");
        }
    }
}
