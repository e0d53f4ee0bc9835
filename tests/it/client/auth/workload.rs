//! A token of another issuer.

use dataverse_client::auth::{Secret, WorkloadIdentity};
use dataverse_tests::script::Script;

use super::{TOKEN, ask};

#[tokio::test]
async fn the_file_is_read_for_every_sign_in() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("federated-token");
    let variable = |name: &str| {
        Some(match name {
            "AZURE_TENANT_ID" => "t".to_owned(),
            "AZURE_CLIENT_ID" => "app".to_owned(),
            "AZURE_FEDERATED_TOKEN_FILE" => file.to_str().unwrap().to_owned(),
            _ => return None,
        })
    };
    let credential = WorkloadIdentity::from_variables(variable).unwrap();
    let script = Script::new()
        .answer(200, &[], TOKEN)
        .answer(200, &[], TOKEN);
    let script = script.answer(200, &[], TOKEN);
    let user = credential.on_behalf_of(Secret::new("user"));
    std::fs::write(&file, "federated-1\n").unwrap();
    ask(&credential, &script).await.unwrap();
    std::fs::write(&file, "federated-2").unwrap();
    ask(&credential, &script).await.unwrap();
    ask(&user, &script).await.unwrap();
    let sent = script.sent();
    let expected = |token: &str| {
        format!(
            "grant_type=client_credentials&scope=https%3A%2F%2Forg.crm4.dynamics.com%2F.default\
             &client_id=app&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A\
             client-assertion-type%3Ajwt-bearer&client_assertion={token}"
        )
    };
    assert_eq!(sent[0].body, expected("federated-1"));
    assert_eq!(sent[1].body, expected("federated-2"));
    assert!(sent[2].body.contains("&assertion=user&"));
    assert!(
        sent[2]
            .body
            .ends_with("jwt-bearer&client_assertion=federated-2")
    );

    std::fs::write(&file, " ").unwrap();
    assert!(
        ask(&credential, &script)
            .await
            .unwrap_err()
            .is_secret_refused()
    );
    std::fs::remove_file(&file).unwrap();
    assert!(
        ask(&credential, &script)
            .await
            .unwrap_err()
            .is_credential_unavailable()
    );
    assert_eq!(script.sent().len(), 3);
    let missing = |name: &str| variable(name).filter(|_| name != "AZURE_FEDERATED_TOKEN_FILE");
    let error = WorkloadIdentity::from_variables(missing).unwrap_err();
    assert!(error.is_credential_unavailable(), "{error}");
}
