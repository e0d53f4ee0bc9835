//! An application and its certificate.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use dataverse_client::auth::{Certificate, ClientCertificate, Secret};
use dataverse_tests::script::Script;
use serde_json::Value;

use super::{TOKEN, ask};

/// Not parsed by the client: only its bytes count, those of the public key among them.
fn certificate_of(key: &KeyPair) -> Vec<u8> {
    [b"a certificate of ", key.public_key().as_ref()].concat()
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

fn key() -> (KeyPair, String) {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let text = pem("PRIVATE KEY", der.as_ref());
    (key, text)
}

/// The parts of the assertion that was sent last: what was signed, header, claims, signature.
pub(super) fn assertion(script: &Script) -> (String, Value, Value, Vec<u8>) {
    let body = script.sent().pop().unwrap().body;
    let mut pairs = url::form_urlencoded::parse(body.as_bytes());
    let (_, token) = pairs.find(|(name, _)| name == "client_assertion").unwrap();
    let (text, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = text.split_once('.').unwrap();
    let read =
        |part: &str| serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    (text.to_owned(), read(header), read(claims), signature)
}

#[tokio::test]
async fn the_assertion_is_signed_by_the_key_for_the_token_endpoint() {
    let (key, key_pem) = key();
    let der = certificate_of(&key);
    let text = format!(
        "{key_pem}{}{}",
        pem("CERTIFICATE", &der),
        pem("CERTIFICATE", b"issuer")
    );
    let certificate = Certificate::from_pem(text.as_bytes()).unwrap();
    assert_eq!(format!("{certificate:?}"), "Certificate(…)");
    let credential = ClientCertificate::new("contoso.com", "app", certificate);
    let script = Script::new()
        .answer(200, &[], TOKEN)
        .answer(200, &[], TOKEN)
        .answer(200, &[], TOKEN);
    ask(&credential, &script).await.unwrap();
    let sent = script.sent().pop().unwrap();
    let start = "grant_type=client_credentials&scope=https%3A%2F%2Forg.crm4.dynamics.com%2F.default\
                 &client_id=app&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A\
                 client-assertion-type%3Ajwt-bearer&client_assertion=ey";
    assert!(sent.body.starts_with(start), "{}", sent.body);
    let (signed, header, claims, signature) = assertion(&script);
    let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, &der));
    assert_eq!(
        header,
        serde_json::json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint})
    );
    let now = 1_767_225_600;
    assert_eq!(
        claims,
        serde_json::json!({
            "aud": "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token",
            "iss": "app",
            "sub": "app",
            "jti": claims["jti"],
            "nbf": now,
            "iat": now,
            "exp": now + 600,
        })
    );
    let public = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key.public_key().as_ref());
    public.verify(signed.as_bytes(), &signature).unwrap();
    assert!(
        public
            .verify(format!("{signed}x").as_bytes(), &signature)
            .is_err()
    );

    // Each is a new one, for users, too; with the chain where it is wanted.
    ask(&credential.on_behalf_of(Secret::new("user")), &script)
        .await
        .unwrap();
    assert_ne!(assertion(&script).2["jti"], claims["jti"]);
    let certificate = Certificate::from_pem(text.as_bytes())
        .unwrap()
        .sends_chain();
    ask(&ClientCertificate::new("t", "app", certificate), &script)
        .await
        .unwrap();
    let chain = [&*der, b"issuer"].map(|der| BASE64_STANDARD.encode(der));
    assert_eq!(assertion(&script).1["x5c"], serde_json::json!(chain));
    assert!(!format!("{credential:?}").contains("PRIVATE"));
}

#[test]
fn what_is_no_certificate_with_a_key() {
    let (own, key_pem) = key();
    let certificate = pem("CERTIFICATE", &certificate_of(&own));
    let another = pem("CERTIFICATE", &certificate_of(&key().0));
    for (text, why) in [
        (String::new(), "no private key"),
        (certificate.clone(), "no private key"),
        (key_pem.clone(), "no certificate"),
        (format!("{another}{key_pem}"), "not that of the private key"),
        (
            format!("{another}{certificate}{key_pem}"),
            "not that of the private key",
        ),
        (
            format!("{certificate}{}", pem("PRIVATE KEY", b"secret-key")),
            "not RSA",
        ),
        (
            format!("{certificate}{}", pem("RSA PRIVATE KEY", b"secret-key")),
            "not RSA",
        ),
        (
            format!("{certificate}{}", pem("EC PRIVATE KEY", b"secret-key")),
            "not RSA",
        ),
        (
            format!("{certificate}{}", pem("ENCRYPTED PRIVATE KEY", b"x")),
            "decrypted first",
        ),
        (
            format!("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n{key_pem}"),
            "no PEM",
        ),
        (format!("-----BEGIN CERTIFICATE-----\nAAAA\n{key_pem}"), ""),
    ] {
        let error = Certificate::from_pem(text.as_bytes()).unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
        assert!(error.to_string().contains(why), "{why}: {error}");
        assert!(!format!("{error:?}").contains("secret-key"));
    }
}
