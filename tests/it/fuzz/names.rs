//! Text that becomes part of a URL or of a program.

use std::collections::HashSet;

use dataverse_client::{Operation, Query, Target};
use dataverse_codegen::{Options, csdl, generate, model};
use dataverse_golden::crm::Account;
use proptest::prelude::*;

use super::check;

#[test]
fn a_text_in_a_filter_stays_one_literal() {
    check(any::<String>(), |text| {
        let query = Query::<Account>::new().filter(Account::NAME.eq(text.as_str()));
        let Target::Path(path) = query.request().unwrap().target else {
            panic!("a link")
        };
        let url = url::Url::parse("https://x/").unwrap().join(&path).unwrap();
        assert_eq!(url.path(), "/accounts");
        let options: Vec<_> = url.query_pairs().collect();
        let wanted = format!("name eq '{}'", text.replace('\'', "''"));
        assert_eq!(options, [("$filter".into(), wanted.into())]);
    });
}

fn quoted(text: &str) -> String {
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;");
    format!("\"{escaped}\"")
}

#[test]
fn whatever_columns_are_called_they_become_fields() {
    let word = prop_oneof![
        "\\PC{1,12}",
        "[a-zA-Z0-9_]{1,6}",
        proptest::sample::select(
            &["type", "self", "Self", "_", "crate", "TABLE", "id", "r#fn"][..]
        )
        .prop_map(str::to_owned),
    ]
    .prop_filter("the reader asks for a name", |name| !name.trim().is_empty());
    check(proptest::collection::hash_set(word, 1..8), |names| {
        let properties: String = names
            .iter()
            .map(|name| format!("<Property Name={} Type=\"Edm.String\"/>", quoted(name)))
            .collect();
        let text = crate::codegen::document(
            &crate::codegen::table("thing", &properties),
            &crate::codegen::set("thing"),
        );
        let generated = generate(
            &model::build(&csdl::parse(&text).unwrap()),
            &Options::default(),
        )
        .unwrap();
        let file = generated.files.iter().find(|file| file.name == "thing.rs");
        let parsed = syn::parse_file(&file.unwrap().text).unwrap();
        let fields = parsed.items.iter().find_map(|item| match item {
            syn::Item::Struct(found) => Some(&found.fields),
            _ => None,
        });
        let fields: Vec<_> = fields
            .unwrap()
            .iter()
            .map(|field| field.ident.clone())
            .collect();
        let distinct: HashSet<_> = fields.iter().collect();
        assert_eq!(distinct.len(), fields.len(), "{fields:?}");
        for file in &generated.files {
            assert!(syn::parse_file(&file.text).is_ok(), "{}", file.text);
        }
    });
}
