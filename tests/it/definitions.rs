//! What real definitions add to real documents.

use dataverse_codegen::definitions::Definitions;
use dataverse_codegen::model::{
    self, Access, ChoiceKind, ColumnType, Model, Required, Table, enrich,
};
use dataverse_codegen::{Error, Options, csdl, generate};
use dataverse_tests::fixture;

const ON_PREMISES: &str = "dynamics-onprem-9.x-csrs-2022-01.csdl.xml.gz";
const ACCOUNT: &str = "retrievemetadatachanges-account.json.gz";

fn definitions(file: &str) -> Definitions {
    let bytes = std::fs::read(fixture("definitions").join(file)).unwrap();
    Definitions::parse(file, bytes).unwrap()
}

fn inline(json: &str) -> Result<Definitions, Error> {
    Definitions::parse("x.json", json.as_bytes().to_vec())
}

fn document(file: &str) -> Model {
    let text = csdl::text(std::fs::read(fixture("csdl").join(file)).unwrap()).unwrap();
    model::build(&csdl::parse(&text).unwrap())
}

/// A document with the table `account` and these members.
fn accounts(members: &str) -> Model {
    let text = format!(
        "<Edmx><DataServices><Schema Namespace=\"N\"><EntityType Name=\"account\"><Key>\
         <PropertyRef Name=\"accountid\"/></Key><Property Name=\"accountid\" Type=\"Edm.Guid\"/>\
         {members}</EntityType><EntityContainer Name=\"C\"><EntitySet Name=\"accounts\" \
         EntityType=\"N.account\"/></EntityContainer></Schema></DataServices></Edmx>"
    );
    model::build(&csdl::parse(&text).unwrap())
}

fn column<'t>(table: &'t Table, name: &str) -> &'t model::Column {
    let mut columns = table.columns.iter();
    columns.find(|column| column.logical_name == name).unwrap()
}

#[test]
fn a_real_account_gets_names_labels_choices_and_states() {
    let mut model = document(ON_PREMISES);
    let before = model.tables["account"].columns.len();
    let warnings = enrich(&mut model, &definitions(ACCOUNT), None).unwrap();
    // Another org's account: what this one lacks is counted once, by kind.
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("defined columns are not in the document"));
    let account = &model.tables["account"];
    assert_eq!(account.columns.len(), before);
    assert_eq!(account.schema_name.as_deref(), Some("Account"));

    let name = column(account, "name");
    assert_eq!(name.definition.schema_name.as_deref(), Some("Name"));
    assert_eq!(name.definition.label.as_deref(), Some("Account Name"));
    assert_eq!(name.definition.required, Required::ByApplication);
    assert!(
        name.description
            .as_deref()
            .unwrap()
            .starts_with("Type the company")
    );
    assert_eq!(column(account, "revenue").column_type, ColumnType::Money);
    assert_eq!(
        column(account, "exchangerate").column_type,
        ColumnType::Decimal
    );

    let state = column(account, "statecode");
    assert_eq!(
        state.column_type,
        ColumnType::Choice("account.statecode".into())
    );
    assert_eq!(model.choices["account.statecode"].kind, ChoiceKind::State);
    let status = &model.choices["account.statuscode"];
    let states = Some("account.statecode".to_owned());
    assert_eq!(status.kind, ChoiceKind::Status { states });
    let options = status.options.iter();
    let options: Vec<_> = options
        .map(|o| (o.value, o.label.as_deref(), o.state))
        .collect();
    assert_eq!(
        options,
        [(1, Some("Active"), Some(0)), (2, Some("Inactive"), Some(1))]
    );
    let credit = &column(account, "creditonhold").definition;
    assert_eq!(
        credit.boolean_labels,
        Some(["No".to_owned(), "Yes".to_owned()])
    );

    let options = Options {
        tables: vec!["account".into()],
        ..Options::default()
    };
    let files = generate(&model, &options).unwrap().files;
    let text = |name: &str| {
        let file = files.iter().find(|file| file.name == name);
        file.unwrap().text.clone()
    };
    assert!(text("choices.rs").contains("Self::Inactive => AccountStateCode::Inactive,"));
    assert!(
        text("account.rs").contains("pub statecode: Option<super::choices::AccountStateCode>,")
    );
}

#[test]
fn multi_select_and_global_choices_are_known_by_their_attribute_type() {
    let mut model = accounts(
        "<Property Name=\"cdsify_multiselect\" Type=\"Edm.String\"/>\
         <Property Name=\"industrycode\" Type=\"Edm.String\"/>",
    );
    let warnings = enrich(&mut model, &definitions(ACCOUNT), None).unwrap();
    let account = &model.tables["account"];
    let key = "socialprofile_community".to_owned();
    assert_eq!(
        column(account, "cdsify_multiselect").column_type,
        ColumnType::Choices(key)
    );
    assert!(model.choices["socialprofile_community"].is_global);
    // A choice that is text in the document stays what the document says.
    assert_eq!(
        column(account, "industrycode").column_type,
        ColumnType::Text
    );
    assert!(
        warnings
            .iter()
            .any(|w| w.contains("`account.industrycode`")),
        "{warnings:?}"
    );
}

#[test]
fn answers_about_single_columns_are_put_together() {
    let mut all = definitions("amp-contact-attributes.json");
    all.merge(definitions("amp-contact-picklists-optionset.json"));
    all.merge(definitions("amp-contact-states-optionset.json"));
    assert_eq!(all.tables(), 1);
    let mut model = document(ON_PREMISES);
    enrich(&mut model, &all, None).unwrap();
    let contact = &model.tables["contact"];
    let state = column(contact, "statecode");
    assert_eq!(
        state.column_type,
        ColumnType::Choice("contact.statecode".into())
    );
    assert_eq!(state.access, Access::UpdateOnly);
    assert_eq!(column(contact, "createdon").access, Access::ReadOnly);
    assert_eq!(column(contact, "contactid").access, Access::CreateOnly);
}

#[test]
fn labels_are_in_the_language_asked_for_never_in_the_user_s() {
    let json = r#"{"value":[{"LogicalName":"account","EntitySetName":"accounts",
        "DisplayName":{"LocalizedLabels":[{"Label":"Firma","LanguageCode":1031},
            {"Label":"Account","LanguageCode":1033}],
            "UserLocalizedLabel":{"Label":"Compte","LanguageCode":1036}},
        "Attributes":[{"LogicalName":"accountid","IsSecured":null},
            {"LogicalName":"old","AttributeTypeName":{"Value":"StringType"},"MaxLength":100,
             "DisplayName":{"LocalizedLabels":[{"Label":"Alt (Deprecated)","LanguageCode":1031}]}},
            {"LogicalName":"local","AttributeTypeName":{"Value":"DateTimeType"},
             "DateTimeBehavior":{"Value":"TimeZoneIndependent"},"MaxLength":"wide",
             "DisplayName":{"UserLocalizedLabel":{"Label":"Ortszeit"}}},
            {"LogicalName":"due","AttributeTypeName":{"Value":"DateTimeType"},
             "DateTimeBehavior":{"Value":"UserLocal"},"Format":"DateOnly"},
            {"LogicalName":"instant","AttributeTypeName":{"Value":"DateTimeType"},
             "DateTimeBehavior":{"Value":"UserLocal"},"Format":"DateAndTime"}]}]}"#;
    let members = "<Property Name=\"old\" Type=\"Edm.String\"/>\
        <Property Name=\"due\" Type=\"Edm.DateTimeOffset\"/>\
        <Property Name=\"instant\" Type=\"Edm.DateTimeOffset\"/>\
        <Property Name=\"local\" Type=\"Edm.DateTimeOffset\"/>";
    for (lcid, wanted) in [
        (None, "Account"),
        (Some(1031), "Firma"),
        (Some(1036), "Account"),
    ] {
        let mut model = accounts(members);
        let warnings = enrich(&mut model, &inline(json).unwrap(), lcid).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        let account = &model.tables["account"];
        assert_eq!(account.label.as_deref(), Some(wanted));
        let old = &column(account, "old").definition;
        assert!(old.deprecated && old.max_length == Some(100));
        let local = column(account, "local");
        assert_eq!(local.column_type, ColumnType::LocalDateTime);
        assert_eq!(local.definition.label.as_deref(), Some("Ortszeit"));
    }
    let mut model = accounts(members);
    enrich(&mut model, &inline(json).unwrap(), None).unwrap();
    let files = generate(&model, &Options::default()).unwrap().files;
    let account = files.iter().find(|file| file.name == "account.rs").unwrap();
    assert!(
        account
            .text
            .contains("    #[deprecated]\n    pub old: Option<String>,")
    );
    assert!(
        account
            .text
            .contains("    #[deprecated]\n    pub const OLD: ")
    );
    assert!(
        account
            .text
            .contains("pub local: Option<dv::LocalDateTime>,")
    );
    assert!(account.text.contains("pub due: Option<dv::UserLocalDate>,"));
    assert!(account.text.contains("pub instant: Option<dv::DateTime>,"));
    let module = files.iter().find(|file| file.name == "mod.rs").unwrap();
    assert!(
        module
            .text
            .contains("#![allow(dead_code, deprecated, missing_docs, unused_imports)]")
    );
}

#[test]
fn what_is_no_definition_or_of_another_org_is_refused() {
    let refused = |json: &str, part: &str| {
        let error = inline(json).unwrap_err().to_string();
        assert!(
            error.starts_with("x.json: ") && error.contains(part),
            "{error}"
        );
    };
    refused("<html>", "not JSON");
    refused("{\"value\":[]}", "no table, column or choice is defined");
    refused(
        "[1,null,{\"LogicalName\":7}]",
        "no table, column or choice is defined",
    );
    let cut = &std::fs::read(fixture("definitions").join(ACCOUNT)).unwrap()[..2000];
    let error = Definitions::parse("cut.gz", cut.to_vec())
        .unwrap_err()
        .to_string();
    assert!(error.contains("broken gzip data"), "{error}");

    let mut model = accounts("");
    let integration = definitions("retrievemetadatachanges-cdsify_integrationtest.json");
    let error = enrich(&mut model, &integration, None)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("not one of them is in the document"),
        "{error}"
    );
    // Nothing defined is nothing added.
    assert!(
        enrich(&mut model, &Definitions::default(), None)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn the_type_of_a_cast_is_in_the_context_of_the_answer() {
    let mut model = document(ON_PREMISES);
    let picklists = definitions("amp-contact-picklists-optionset.json");
    enrich(&mut model, &picklists, None).unwrap();
    let education = column(&model.tables["contact"], "educationcode");
    let key = "contact.educationcode".to_owned();
    assert_eq!(education.column_type, ColumnType::Choice(key));
}

#[test]
fn what_is_told_of_access_holds_and_null_tells_nothing() {
    let wanted = [
        ("false", "null", Access::UpdateOnly),
        ("null", "false", Access::CreateOnly),
        ("null", "true", Access::ReadWrite),
        ("false", "false", Access::ReadOnly),
    ];
    for (create, update, access) in wanted {
        let mut model = accounts("<Property Name=\"name\" Type=\"Edm.String\"/>");
        let json = format!(
            r#"[{{"LogicalName":"account","Attributes":[{{"LogicalName":"name",
                "IsValidForCreate":{create},"IsValidForUpdate":{update}}}]}}]"#
        );
        enrich(&mut model, &inline(&json).unwrap(), None).unwrap();
        let name = column(&model.tables["account"], "name");
        assert_eq!(name.access, access, "{create} {update}");
    }
}

#[test]
fn options_are_taken_from_where_they_are() {
    let mut model = accounts("<Property Name=\"size\" Type=\"Edm.Int32\"/>");
    let json = r#"[{"LogicalName":"account","Attributes":[{"LogicalName":"size",
        "AttributeTypeName":{"Value":"PicklistType"},"OptionSet":{"Options":[]},
        "GlobalOptionSet":{"Name":"sizes","IsGlobal":true,"Options":[{"Value":1}]}}]}]"#;
    enrich(&mut model, &inline(json).unwrap(), None).unwrap();
    let size = column(&model.tables["account"], "size");
    assert_eq!(size.column_type, ColumnType::Choice("sizes".into()));
}
