//! What is done before an example is sent, beside making the rows that it names, and what stands in
//! place of what only the answers of an org can tell: tokens, versions, ids of definitions.

use dataverse_emulator::Emulator;
use serde_json::{Value, json};

use super::setup::ROW;
use crate::emulator::send;

/// Replaces what is printed by what is sent.
type Replaced = Vec<(String, String)>;

struct Before<'e> {
    emulator: &'e Emulator,
    replaced: Replaced,
}

/// Does it; gives what to replace.
pub(super) async fn done(emulator: &Emulator, id: &str, request: &Value) -> Replaced {
    let mut before = Before {
        emulator,
        replaced: Replaced::new(),
    };
    match id {
        "auto-number-2019#1" => before.table("new_Widget").await,
        "auto-number-2019#2" => {
            before.table("new_Widget").await;
            let column = json!({
                "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
                "SchemaName": "new_SerialNumber", "AutoNumberFormat": "WID-{SEQNUM:5}",
            });
            let path = "EntityDefinitions(LogicalName='new_widget')/Attributes";
            before.send("POST", path, &column).await;
        }
        "attachment-annotation-files#2" | "attachment-annotation-files#3" => {
            before.begin_attachment(request).await;
        }
        "attachment-annotation-files#5" => {
            let attachment = json!({ "body": "AAAA", "filename": "25mb.pdf" });
            let path = format!("activitymimeattachments({ROW})");
            before.send("PATCH", &path, &attachment).await;
        }
        "attachment-annotation-files#8" => {
            let note = json!({ "documentbody": "AAAA", "filename": "25mb.pdf" });
            let path = format!("annotations({ROW})");
            before.send("PATCH", &path, &note).await;
        }
        "bulk-operations#4" => {
            let message = json!({ "name": "CreateMultiple" });
            let path = "sdkmessages(00000000-0000-0000-0000-0000000000d1)";
            before.send("PATCH", path, &message).await;
        }
        "conditional-operations#1" => {
            let path = "accounts(00000000-0000-0000-0000-000000000001)?$select=name";
            before.learn("W/\"468026\"", path, "@odata.etag").await;
        }
        "file-column-data#8" => before.begin_file().await,
        "file-column-data#11"
        | "file-column-data#12"
        | "file-column-data#13"
        | "file-column-data#14"
        | "file-column-data#15" => before.file(id).await,
        "optional-parameters#2" => {
            let account = json!({ "name": "Sample Account" });
            before.send("POST", "accounts", &account).await;
        }
        "retrieve-entity-web-api#1" => {
            let path = "accounts(00000000-0000-0000-0000-000000000001)";
            before
                .send("PATCH", path, &json!({ "name": "Adventure Works" }))
                .await;
        }
        "retrieve-metadata-name-metadataid-2018#2" | "retrieve-metadata-name-metadataid-2018#3" => {
            let table = "EntityDefinitions(LogicalName='account')";
            let printed = "70816501-edb9-4740-a16c-6a5efbc05d84";
            let path = format!("{table}?$select=MetadataId");
            before.learn(printed, &path, "MetadataId").await;
            let column = "Attributes(LogicalName='accountcategorycode')?$select=MetadataId";
            let printed = "118771ca-6fb9-4f60-8fd4-99b6124b63ad";
            before
                .learn(printed, &format!("{table}/{column}"), "MetadataId")
                .await;
        }
        "seq-basic-operations-sample#6" => {
            let path = "contacts(0928bcb4-bb27-ed11-9db1-002248274ada)";
            before
                .send("PATCH", path, &json!({ "telephone1": "555-0105" }))
                .await;
        }
        "seq-functions-actions-sample#15" => {
            for privilege in [
                "886b280c-6396-4d56-a0a3-2c1b0a50ceb0",
                "d26fe964-230b-42dd-ad93-5cc879de411e",
            ] {
                let privilege = json!({ "privilegeid": privilege });
                before.send("POST", "privileges", &privilege).await;
            }
        }
        "use-elastic-tables#5" => {
            let row = json!({
                "contoso_sensordataid": "02d82842-f3f4-ed11-8848-000d3a993550",
                "partitionid": "deviceid-001",
            });
            before.send("POST", "contoso_sensordatas", &row).await;
        }
        "create-update-entity-definitions-2018#2"
        | "create-update-entity-definitions-2018#3"
        | "create-update-entity-definitions-2018#4"
        | "create-update-entity-definitions-2018#5"
        | "create-update-entity-definitions-2018#6"
        | "create-update-entity-relationships-2018#1" => {
            before.table("new_BankAccount").await;
            for printed in [
                "417129e1-207c-e511-80d2-00155d2a68d2",
                "402fa40f-287c-e511-80d2-00155d2a68d2",
            ] {
                let path = "EntityDefinitions(LogicalName='new_bankaccount')?$select=MetadataId";
                before.learn(printed, path, "MetadataId").await;
            }
        }
        _ => {}
    }
    before.replaced
}

impl Before<'_> {
    async fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = send(self.emulator, method, path, &[], &body.to_string()).await;
        assert!(answer.status < 300, "{path} {body}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap_or_default()
    }

    fn replace(&mut self, printed: &str, sent: &str) {
        self.replaced.push((printed.to_owned(), sent.to_owned()));
    }

    /// Reads a member, and replaces what is printed by it.
    async fn learn(&mut self, printed: &str, path: &str, member: &str) {
        let answer = send(self.emulator, "GET", path, &[], "").await.json();
        let read = answer[member]
            .as_str()
            .unwrap_or_else(|| panic!("{path}: {answer}"));
        self.replace(printed, read);
    }

    /// Makes a table.
    async fn table(&self, schema_name: &str) {
        let label = json!({
            "LocalizedLabels": [{ "Label": schema_name, "LanguageCode": 1033 }],
        });
        let name = json!({
            "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
            "SchemaName": "new_Name", "IsPrimaryName": true, "DisplayName": label,
        });
        let table = json!({
            "@odata.type": "Microsoft.Dynamics.CRM.EntityMetadata",
            "SchemaName": schema_name, "OwnershipType": "UserOwned", "DisplayName": label,
            "Attributes": [name],
        });
        self.send("POST", "EntityDefinitions", &table).await;
    }

    /// Begins an attachment, with the blocks that the request has.
    async fn begin_attachment(&mut self, request: &Value) {
        let target = json!({ "Target": {
            "@odata.type": "Microsoft.Dynamics.CRM.activitymimeattachment",
            "objectid_email@odata.bind": "emails(b1b7e09f-58a3-ed11-aad1-000d3a9933c9)",
            "objecttypecode": "email", "filename": "25mb.pdf",
        } });
        let email = json!({ "activityid": "b1b7e09f-58a3-ed11-aad1-000d3a9933c9" });
        send(self.emulator, "POST", "emails", &[], &email.to_string()).await;
        let begun = self
            .send("POST", "InitializeAttachmentBlocksUpload", &target)
            .await;
        let token = begun["FileContinuationToken"].as_str().unwrap();
        let body: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap();
        for block in body["BlockList"].as_array().into_iter().flatten() {
            let block = json!({
                "BlockId": block, "BlockData": "AAAA", "FileContinuationToken": token,
            });
            self.send("POST", "UploadBlock", &block).await;
        }
        let member = |name: &str, value: &str| format!("\"{name}\": \"{value}\"");
        let removed = "<Removed for brevity>";
        self.replace(&member("BlockData", removed), &member("BlockData", "AAAA"));
        let name = "FileContinuationToken";
        self.replace(&member(name, removed), &member(name, token));
    }

    /// Begins a file in chunks.
    async fn begin_file(&mut self) {
        let path = format!("accounts({ROW})/sample_filecolumn?x-ms-file-name=25mb.pdf");
        let headers = [("x-ms-transfer-mode", "chunked")];
        let begun = send(self.emulator, "PATCH", &path, &headers, "").await;
        let location = begun.header("location");
        let token = location.split("sessiontoken=").nth(1).unwrap();
        self.replace("<sessiontoken value removed for brevity>", token);
        let chunk = "x".repeat(4 << 20);
        self.replace("< byte[] content removed for brevity>", &chunk);
    }

    /// Puts a file into the column.
    async fn file(&mut self, id: &str) {
        let account = format!("accounts({ROW})");
        self.send("PATCH", &account, &json!({})).await;
        let headers = [
            ("content-type", "application/octet-stream"),
            ("x-ms-file-name", "25mb.pdf"),
        ];
        let path = format!("{account}/sample_filecolumn");
        let put = send(self.emulator, "PATCH", &path, &headers, "content").await;
        assert_eq!(put.status, 204, "{}", put.body);
        if id.ends_with("#12") {
            let body = json!({
                "Target": {
                    "accountid": ROW, "@odata.type": "Microsoft.Dynamics.CRM.account",
                },
                "FileAttributeName": "sample_filecolumn",
            });
            let begun = self
                .send("POST", "InitializeFileBlocksDownload", &body)
                .await;
            let token = begun["FileContinuationToken"].as_str().unwrap();
            self.replace("<file continuation token value removed for brevity>", token);
        }
        if id.ends_with("#15") {
            let printed = "3878e950-8e51-ed11-bba1-000d3a9933c9";
            let path = format!("{account}?$select=sample_filecolumn");
            self.learn(printed, &path, "sample_filecolumn").await;
        }
    }
}
