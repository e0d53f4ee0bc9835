//! One file that holds everything.

use dataverse_codegen::model::Model;
use dataverse_codegen::{Layout, Options, generate};

use super::{document, model, set, table};

#[test]
fn a_table_may_be_called_like_what_holds_the_file_together() {
    let mut model = model(&document(
        &[table("exports", ""), table("a2", ""), table("a10", "")].concat(),
        &["exports", "a2", "a10"].map(set).concat(),
    ));
    let single = |model: &Model| {
        let options = Options {
            layout: Layout::SingleFile,
            ..Options::default()
        };
        generate(model, &options).unwrap().files.remove(0).text
    };
    let text = single(&model);
    assert_eq!(text.matches("mod exports {").count(), 1, "{text}");
    assert!(text.contains("pub mod exports_ {"));
    // In the order of rustfmt.
    assert!(text.contains("\n    pub use super::a2::A2;\n    pub use super::a10::A10;\n    pub use super::exports_::Exports;\n"));
    assert!(text.contains("\n#[allow(unused_imports)]\nmod exports {\n"));

    // A re-export of what is deprecated is a use of it.
    model.tables.get_mut("a2").unwrap().deprecated = true;
    assert!(single(&model).contains("\n#[allow(deprecated, unused_imports)]\nmod exports {\n"));
}
