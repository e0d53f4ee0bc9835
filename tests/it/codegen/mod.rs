//! What the generator makes of documents that are hard on it.

mod access;
mod bad_input;
mod choices;
mod names;
mod options;
mod order;
mod output;
mod selection;
mod single_file;
mod wire_names;

use dataverse_codegen::model::{self, Model};
use dataverse_codegen::{File, csdl};
use dataverse_tests::fixture;

const ANNOTATED: &str = "dynamics-onprem-8.2-annotated-de.csdl.xml.gz";
const ON_PREMISES: &str = "dynamics-onprem-9.x-csrs-2022-01.csdl.xml.gz";

fn text(file: &str) -> String {
    csdl::text(std::fs::read(fixture("csdl").join(file)).unwrap()).unwrap()
}

fn model(text: &str) -> Model {
    model::build(&csdl::parse(text).unwrap())
}

/// A document of one schema, `N`.
pub(crate) fn document(types: &str, container: &str) -> String {
    format!(
        "<edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">\
         <edmx:DataServices><Schema Namespace=\"N\" xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">\
         {types}<EntityContainer Name=\"C\">{container}</EntityContainer></Schema>\
         </edmx:DataServices></edmx:Edmx>"
    )
}

/// A table with a key and these members.
pub(crate) fn table(name: &str, members: &str) -> String {
    format!(
        "<EntityType Name=\"{name}\"><Key><PropertyRef Name=\"{name}id\"/></Key>\
         <Property Name=\"{name}id\" Type=\"Edm.Guid\"/>{members}</EntityType>"
    )
}

/// A lookup, and a navigation property for each target.
fn lookup(column: &str, targets: &[&str]) -> String {
    let mut out = format!("<Property Name=\"_{column}_value\" Type=\"Edm.Guid\"/>");
    for target in targets {
        out.push_str(&format!(
            "<NavigationProperty Name=\"{column}_{target}\" Type=\"N.{target}\">\
             <ReferentialConstraint Property=\"_{column}_value\" ReferencedProperty=\"{target}id\"/>\
             </NavigationProperty>"
        ));
    }
    out
}

pub(crate) fn set(table: &str) -> String {
    format!("<EntitySet Name=\"{table}s\" EntityType=\"N.{table}\"/>")
}

fn named<'f>(files: &'f [File], name: &str) -> &'f str {
    let file = files.iter().find(|file| file.name == name);
    &file.unwrap_or_else(|| panic!("no {name}")).text
}
