//! A certificate from a PFX file.

use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use dataverse_client::auth::{Certificate, ClientCertificate, Secret};
use dataverse_tests::script::Script;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::certificate::assertion;
use super::{TOKEN, ask};

const PASSWORD: &str = "Pässwörd 1";

fn file(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/pfx/");
    std::fs::read(format!("{folder}{name}")).unwrap()
}

fn read(name: &str, password: &str) -> dataverse_client::Result<Certificate> {
    Certificate::from_pfx(&file(name), &Secret::new(password))
}

/// The key in PKCS#8, the certificate and its issuer's.
fn parts() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let pem = file("app.pem");
    let key = PrivatePkcs8KeyDer::from_pem_slice(&pem).unwrap();
    let mut chain = CertificateDer::pem_slice_iter(&pem).map(|der| der.unwrap().to_vec());
    let key = key.secret_pkcs8_der().to_vec();
    (key, chain.next().unwrap(), chain.next().unwrap())
}

#[tokio::test]
async fn every_file_signs_as_the_pem_of_the_same_key_does() {
    let key = KeyPair::from_pkcs8(&parts().0).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key.public_key().as_ref());
    let sign = async |certificate: Certificate| {
        assert_eq!(format!("{certificate:?}"), "Certificate(…)");
        let credential = ClientCertificate::new("contoso.com", "app", certificate.sends_chain());
        let script = Script::new().answer(200, &[], TOKEN);
        ask(&credential, &script).await.unwrap();
        let (signed, header, mut claims, signature) = assertion(&script);
        public.verify(signed.as_bytes(), &signature).unwrap();
        claims.as_object_mut().unwrap().remove("jti").unwrap();
        (header, claims)
    };
    let expected = sign(Certificate::from_pem(&file("app.pem")).unwrap()).await;
    assert_eq!(expected.0["x5c"].as_array().unwrap().len(), 2);
    for name in [
        "modern.pfx",
        "legacy.pfx",
        "aes128-rc2.pfx",
        "des3-des2.pfx",
        "nomac.pfx",
    ] {
        let certificate = read(name, PASSWORD).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(sign(certificate).await, expected, "{name}");
    }
    assert_eq!(
        sign(read("empty-password.pfx", "").unwrap()).await,
        expected
    );
    // Without the issuer.
    let (header, claims) = sign(read("no-password.pfx", "").unwrap()).await;
    assert_eq!(header["x5t#S256"], expected.0["x5t#S256"]);
    assert_eq!(header["x5c"].as_array().unwrap().len(), 1);
    assert_eq!(claims, expected.1);
}

#[test]
fn what_cannot_be_used_is_told() {
    for (name, password, why) in [
        (
            "modern.pfx",
            "secret-guess",
            "password of the PFX file is wrong",
        ),
        (
            "legacy.pfx",
            "secret-guess",
            "password of the PFX file is wrong",
        ),
        (
            "nomac.pfx",
            "secret-guess",
            "password of the PFX file is wrong",
        ),
        ("modern.pfx", "", "password of the PFX file is wrong"),
        (
            "empty-password.pfx",
            "secret-guess",
            "password of the PFX file is wrong",
        ),
        (
            "no-password.pfx",
            "secret-guess",
            "password of the PFX file is wrong",
        ),
        (
            "rc4.pfx",
            PASSWORD,
            "a cipher that is not known (1.2.840.113549.1.12.1.1)",
        ),
        ("nokey.pfx", PASSWORD, "no private key"),
        ("nocert.pfx", PASSWORD, "no certificate of its key"),
        ("ec.pfx", PASSWORD, "not RSA"),
        ("app.pem", PASSWORD, "is no PFX file"),
    ] {
        let error = read(name, password).unwrap_err();
        assert!(error.is_invalid_input(), "{name}: {error}");
        assert!(error.to_string().contains(why), "{name}: {error}");
        assert!(!format!("{error:?}").contains("secret-guess"), "{name}");
    }
    // A password is not looked for in a file that was changed behind its checksum.
    let mut changed = file("modern.pfx");
    changed[1000] ^= 1;
    let error = Certificate::from_pfx(&changed, &Secret::new(PASSWORD)).unwrap_err();
    assert!(error.to_string().contains("or the file was changed"));
}

/// An element of DER.
fn der(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82][..], &length, &content].concat()
}

/// A name of PKCS: `1.2.840.113549.1` and this.
fn pkcs(rest: &[u8]) -> Vec<u8> {
    der(6, &[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1], rest])
}

/// A bag that says which key it belongs to, or does not.
fn bag(kind: u8, value: &[u8], local_key_id: Option<&[u8]>) -> Vec<u8> {
    let attributes = local_key_id.map_or(Vec::new(), |id| {
        let value = der(0x31, &[&der(4, &[id])]);
        der(0x31, &[&der(0x30, &[&pkcs(&[9, 21]), &value])])
    });
    let name = pkcs(&[12, 10, 1, kind]);
    der(0x30, &[&name, &der(0xa0, &[value]), &attributes])
}

fn certificate_bag(certificate: &[u8], local_key_id: Option<&[u8]>) -> Vec<u8> {
    let value = der(0xa0, &[&der(4, &[certificate])]);
    bag(3, &der(0x30, &[&pkcs(&[9, 22, 1]), &value]), local_key_id)
}

/// A file that is neither encrypted nor protected.
fn plain(bags: &[&[u8]]) -> Vec<u8> {
    let data = |content: &[u8]| {
        let content = der(0xa0, &[&der(4, &[content])]);
        der(0x30, &[&pkcs(&[7, 1]), &content])
    };
    let boxes = der(0x30, &[&data(&der(0x30, bags))]);
    der(0x30, &[&[2, 1, 3], &data(&boxes)])
}

#[tokio::test]
async fn the_certificate_is_the_one_of_the_key() {
    let (key, own, issuer) = parts();
    let read = |bags: &[&[u8]]| Certificate::from_pfx(&plain(bags), &Secret::new(""));
    let mut renewed = own.clone();
    *renewed.last_mut().unwrap() ^= 1;
    let key_bag = bag(1, &key, Some(b"2"));
    let issuer = certificate_bag(&issuer, None);
    // The issuer stands first, and twice; another certificate of the same key in between.
    let certificate = read(&[
        &issuer,
        &issuer,
        &certificate_bag(&renewed, Some(b"1")),
        &certificate_bag(&own, Some(b"2")),
        &key_bag,
    ])
    .unwrap();
    let script = Script::new()
        .answer(200, &[], TOKEN)
        .answer(200, &[], TOKEN);
    let credential = ClientCertificate::new("t", "app", certificate.sends_chain());
    ask(&credential, &script).await.unwrap();
    let header = assertion(&script).1;
    let pem = Certificate::from_pem(&file("app.pem")).unwrap();
    ask(
        &ClientCertificate::new("t", "app", pem.sends_chain()),
        &script,
    )
    .await
    .unwrap();
    assert_eq!(header, assertion(&script).1);

    for (bags, why) in [
        (
            &[
                &key_bag[..],
                &certificate_bag(&renewed, None),
                &certificate_bag(&own, None),
            ][..],
            "2 certificates of its key",
        ),
        (
            &[
                &bag(1, &key, None),
                &certificate_bag(&renewed, None),
                &certificate_bag(&own, None),
            ],
            "2 certificates of its key",
        ),
        (&[&key_bag, &key_bag], "holds 2 private keys"),
        (&[&key_bag, &issuer], "no certificate of its key"),
        (&[], "no private key"),
    ] {
        let error = read(bags).unwrap_err();
        assert!(error.is_invalid_input());
        assert!(error.to_string().contains(why), "{why}: {error}");
    }
}

/// A key that is encrypted by triple DES with so many rounds.
fn encrypted_key(rounds: u32, data: u64) -> Vec<u8> {
    let rounds = der(2, &[&rounds.to_be_bytes()]);
    let parameters = der(0x30, &[&der(4, &[b"salt"]), &rounds]);
    let algorithm = der(0x30, &[&pkcs(&[12, 1, 3]), &parameters]);
    let data = der(4, &[&data.to_be_bytes()]);
    bag(2, &der(0x30, &[&algorithm, &data]), None)
}

#[test]
fn a_file_keeps_no_program_busy() {
    let read = |bags: &[&[u8]]| {
        let error = Certificate::from_pfx(&plain(bags), &Secret::new("")).unwrap_err();
        assert!(error.is_invalid_input());
        error.to_string()
    };
    let told = read(&[&encrypted_key(u32::MAX, 0)]);
    assert!(told.contains("wants 4294967295 rounds"), "{told}");
    // All keys of a file together: the first can be decrypted, so that there is a second.
    let first = (0..)
        .map(|data| encrypted_key(1, data))
        .find(|key| !read(&[key]).contains("password of the PFX file is wrong"))
        .unwrap();
    let told = read(&[&first, &encrypted_key(15_000_000, 0)]);
    assert!(told.contains("wants 15000001 rounds"), "{told}");
}
