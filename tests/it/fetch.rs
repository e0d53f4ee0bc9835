//! Snapshots of an org's metadata.

use std::path::Path;

use dataverse_client::http::{Credential, FixedToken};
use dataverse_codegen::definitions::Definitions;
use dataverse_codegen::fetch::{FetchOptions, Snapshot, from_environment};
use dataverse_codegen::{Error, Generator, Options, csdl, generate, model};
use dataverse_emulator::Emulator;
use dataverse_tests::fixture;
use dataverse_tests::script::Script;

const ON_PREMISES: &str = "dynamics-onprem-9.x-csrs-2022-01.csdl.xml.gz";

fn document() -> String {
    csdl::text(std::fs::read(fixture("csdl").join(ON_PREMISES)).unwrap()).unwrap()
}

fn definitions() -> Vec<u8> {
    let file = "retrievemetadatachanges-account.json.gz";
    let bytes = std::fs::read(fixture("definitions").join(file)).unwrap();
    csdl::text(bytes).unwrap().into_bytes()
}

async fn fetch(script: &Script, tables: &[&str]) -> Result<Snapshot, Error> {
    let (client, _) = script.client().unwrap();
    let options = FetchOptions {
        tables: tables.iter().map(|table| (*table).to_owned()).collect(),
        ..FetchOptions::default()
    };
    Snapshot::fetch(&client, &options, |_, _| {}).await
}

#[tokio::test]
async fn a_snapshot_is_sorted_complete_and_without_its_origin() {
    let script = Script::new()
        .answer(200, &[], document())
        .answer(200, &[], definitions());
    let snapshot = fetch(&script, &["account"]).await.unwrap();
    let sent = script.sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(
        sent[0].line,
        "GET https://org.crm.dynamics.com/api/data/v9.2/$metadata?annotations=true"
    );
    assert_eq!(sent[0].header("accept"), "application/xml");
    let query = sent[1].line.split("?@q=").nth(1).unwrap();
    let query = url::form_urlencoded::parse(format!("q={query}").as_bytes())
        .next()
        .unwrap()
        .1
        .into_owned();
    let query: serde_json::Value = serde_json::from_str(&query).unwrap();
    assert_eq!(
        query["Criteria"]["Conditions"][0]["Value"]["Value"],
        "account"
    );
    assert_eq!(query["LabelQuery"]["FilterLanguages"][0], 1033);

    // The document means the same, and so do the definitions.
    let text = document();
    let before = model::build(&csdl::parse(&text).unwrap());
    let after = model::build(&csdl::parse(&snapshot.metadata).unwrap());
    let everything = Options {
        operations: Some(vec!["all".into()]),
        ..Options::default()
    };
    assert!(generate(&before, &everything).unwrap() == generate(&after, &everything).unwrap());
    let definitions_text = snapshot.definitions.clone().unwrap();
    let parsed = Definitions::parse("x", definitions_text.clone().into_bytes()).unwrap();
    let (mut left, mut right) = (before.clone(), before);
    model::enrich(&mut left, &parsed, None).unwrap();
    let whole = Definitions::parse("x", definitions()).unwrap();
    model::enrich(&mut right, &whole, None).unwrap();
    assert!(left == right);
    for part in ["dynamics.com", "MetadataId", "null", "UserLocalizedLabel"] {
        assert!(!definitions_text.contains(part), "{part}");
    }
    assert!(!snapshot.metadata.contains("org.crm"));

    // Another order of the answers makes no difference.
    let mut shuffled: serde_json::Value = serde_json::from_slice(&definitions()).unwrap();
    let attributes = shuffled["EntityMetadata"][0]["Attributes"]
        .as_array_mut()
        .unwrap();
    attributes.reverse();
    let script = Script::new()
        .answer(200, &[], snapshot.metadata.clone())
        .answer(200, &[], format!("\u{feff}{shuffled}"));
    assert_eq!(fetch(&script, &["acc*"]).await.unwrap(), snapshot);

    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("snapshot");
    let _ = std::fs::remove_dir_all(&folder);
    assert_eq!(snapshot.write(&folder).unwrap(), 2);
    assert_eq!(snapshot.write(&folder).unwrap(), 0);
    let generated = Generator::new(folder)
        .tables(["account"])
        .generate()
        .unwrap();
    let choices = generated
        .files
        .iter()
        .find(|file| file.name == "choices.rs")
        .unwrap();
    assert!(choices.text.contains("pub enum AccountStateCode {"));
}

#[tokio::test]
async fn the_emulator_gives_its_document() {
    let emulator = Emulator::builder().metadata(document()).build().unwrap();
    let client = dataverse_client::Client::builder(Emulator::URL).unwrap();
    let client = client
        .credential(FixedToken::new("any"))
        .transport(emulator)
        .build()
        .unwrap();
    let options = FetchOptions {
        no_definitions: true,
        ..FetchOptions::default()
    };
    let mut told = Vec::new();
    let snapshot = Snapshot::fetch(&client, &options, |done, all| told.push((done, all)));
    let snapshot = snapshot.await.unwrap();
    assert_eq!(told, [(0, 1), (1, 1)]);
    assert!(snapshot.definitions.is_none());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("snapshot-of-emulator");
    let _ = std::fs::remove_dir_all(&folder);
    assert_eq!(snapshot.write(&folder).unwrap(), 1);
    assert!(Generator::new(folder).generate().unwrap().tables > 300);
}

#[tokio::test]
async fn the_emulator_gives_definitions() {
    let emulator = Emulator::builder()
        .metadata(document())
        .definitions(definitions())
        .build()
        .unwrap();
    let client = dataverse_client::Client::builder(Emulator::URL).unwrap();
    let client = client
        .credential(FixedToken::new("any"))
        .transport(emulator)
        .build()
        .unwrap();
    let options = FetchOptions {
        tables: vec!["a*".into(), "contact".into()],
        ..FetchOptions::default()
    };
    let snapshot = Snapshot::fetch(&client, &options, |_, _| {}).await.unwrap();
    // An emulator of the snapshot gives the same snapshot.
    let again = Emulator::builder()
        .metadata(snapshot.metadata.clone())
        .definitions(snapshot.definitions.clone().unwrap())
        .build()
        .unwrap();
    let client = dataverse_client::Client::builder(Emulator::URL).unwrap();
    let client = client
        .credential(FixedToken::new("any"))
        .transport(again)
        .build()
        .unwrap();
    let second = Snapshot::fetch(&client, &options, |_, _| {}).await.unwrap();
    assert!(second == snapshot);

    let text = snapshot.definitions.clone().unwrap();
    let fetched = Definitions::parse("x", text.into_bytes()).unwrap();
    assert!(fetched.tables() > 15, "{}", fetched.tables());
    let text = document();
    let plain = model::build(&csdl::parse(&text).unwrap());
    let mut enriched = plain.clone();
    let warnings = model::enrich(&mut enriched, &fetched, None).unwrap();
    // The definitions are of a newer org than the document, for this one table.
    let mut alone = plain.clone();
    let given = Definitions::parse("x", definitions()).unwrap();
    assert_eq!(warnings, model::enrich(&mut alone, &given, None).unwrap());
    // For it they say what they said before, and what the emulator knows of the product.
    let told = &enriched.tables["account"];
    assert_eq!(told.primary_name.as_deref(), Some("name"));
    let name = told.columns.iter().find(|c| c.logical_name == "name");
    assert_eq!(name.unwrap().definition.max_length, Some(160));
    let account = |model: &model::Model| {
        let mut account = model.tables["account"].clone();
        account.primary_name = None;
        account.description = None;
        for column in &mut account.columns {
            column.description = None;
            column.definition.schema_name = None;
            if column.logical_name == "name" {
                column.definition.max_length = None;
            }
        }
        account
    };
    assert!(account(&enriched) == account(&alone));
    // For the others they say nothing of types that the document does not.
    for (name, table) in &plain.tables {
        let types = |table: &model::Table| {
            let columns = table.columns.iter();
            let types: Vec<_> = columns.map(|c| c.column_type.clone()).collect();
            types
        };
        if name != "account" {
            assert!(types(table) == types(&enriched.tables[name]), "{name}");
        }
    }
}

#[tokio::test]
async fn many_tables_are_asked_for_in_pieces() {
    let mut script = Script::new().answer(200, &[], document());
    for _ in 0..10 {
        script = script.answer(200, &[], definitions());
    }
    fetch(&script, &[]).await.unwrap();
    let sent = script.sent();
    assert_eq!(sent.len(), 11);
    // URLs stay below what the service takes.
    assert!(sent.iter().all(|sent| sent.line.len() < 16_000));
}

#[tokio::test]
async fn what_is_no_metadata_is_told_and_nothing_is_written() {
    let page = "<!DOCTYPE html><html><body>Sign in</body></html>";
    for (script, part) in [
        (
            Script::new().answer(200, &[], page),
            "the org's $metadata: byte",
        ),
        (Script::new().error(401, "0x0", "no"), "401"),
        (
            Script::new()
                .answer(200, &[], document())
                .answer(200, &[], "{}"),
            "`EntityMetadata`",
        ),
        (
            Script::new()
                .answer(200, &[], document())
                .answer(200, &[], page),
            "RetrieveMetadataChanges",
        ),
    ] {
        let error = fetch(&script, &["account"]).await.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        assert!(!error.contains("secret-token"));
    }
    let script = Script::new().answer(200, &[], document());
    let error = fetch(&script, &["acount"]).await.unwrap_err().to_string();
    assert!(error.contains("no table `acount`"), "{error}");
}

#[tokio::test]
async fn tokens_come_from_files_commands_and_the_environment() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tokens");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("token");
    std::fs::write(&file, "from-file\n").unwrap();
    let none = |_: &str| None;
    // What the client asks with is private to it: ask through it.
    let bearer = async |credential: Box<dyn Credential>| {
        let answers = Script::new().answer(401, &[], "");
        let client = dataverse_client::Client::builder("https://org.crm.dynamics.com").unwrap();
        let client = client
            .credential(credential)
            .transport(answers.clone())
            .build()
            .unwrap();
        let _ = Snapshot::fetch(&client, &FetchOptions::default(), |_, _| {}).await;
        answers.sent()[0].header("authorization").to_owned()
    };
    let from_file = from_environment(Some(&file), None, none).unwrap();
    assert_eq!(bearer(from_file).await, "Bearer from-file");
    let command = from_environment(None, Some("echo printed"), none).unwrap();
    assert_eq!(bearer(command).await, "Bearer printed");
    let set = |name: &str| (name == "DATAVERSE_TOKEN").then(|| "set".to_owned());
    let variable = from_environment(None, None, set).unwrap();
    assert_eq!(bearer(variable).await, "Bearer set");
    let azure = |name: &str| {
        let value = match name {
            "AZURE_TENANT_ID" => "tenant",
            "AZURE_CLIENT_ID" => "app",
            "AZURE_CLIENT_SECRET" => "very+secret",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let script = Script::new()
        .answer(
            200,
            &[],
            r#"{"access_token":"signed-in","expires_in":3599}"#,
        )
        .answer(400, &[], "");
    let client = dataverse_client::Client::builder("https://org.crm.dynamics.com").unwrap();
    let client = client
        .credential(from_environment(None, None, azure).unwrap())
        .transport(script.clone())
        .build()
        .unwrap();
    let _ = Snapshot::fetch(&client, &FetchOptions::default(), |_, _| {}).await;
    let sent = script.sent();
    assert_eq!(
        sent[0].line,
        "POST https://login.microsoftonline.com/tenant/oauth2/v2.0/token"
    );
    assert!(sent[0].body.ends_with("&client_secret=very%2Bsecret"));
    assert_eq!(sent[1].header("authorization"), "Bearer signed-in");

    for (file, command) in [
        (Some(Path::new("/none")), None),
        (None, Some("exit 3")),
        (None, None),
    ] {
        assert!(from_environment(file, command, none).is_err());
    }
}

#[tokio::test]
async fn a_snapshot_keeps_text_and_puts_overloads_in_order() {
    let snapshot = async |members: &str| {
        let text = format!(
            "<Edmx><DataServices><Schema Namespace=\"N\">{members}</Schema></DataServices></Edmx>"
        );
        let (client, _) = Script::new().answer(200, &[], text).client().unwrap();
        let options = FetchOptions {
            no_definitions: true,
            ..FetchOptions::default()
        };
        let snapshot = Snapshot::fetch(&client, &options, |_, _| {}).await;
        snapshot.unwrap().metadata
    };
    let of = |table: &str| {
        format!(
            "<Action Name=\"Close\" IsBound=\"true\"><Parameter Name=\"entity\" \
             Type=\"N.{table}\"/></Action>"
        )
    };
    let (account, task) = (of("account"), of("task"));
    assert_eq!(
        snapshot(&format!("{task}{account}")).await,
        snapshot(&format!("{account}{task}")).await
    );
    let text = "<Annotation Term=\"T\"><String> A &amp; B &lt;c&gt;<![CDATA[ & d]]> </String>\
                </Annotation>";
    let kept = snapshot(text).await;
    assert!(
        kept.contains("<String>A &amp; B &lt;c&gt; &amp; d</String>"),
        "{kept}"
    );
}
