//! Output does not depend on the order of the document.

use dataverse_codegen::csdl::{self, Csdl};
use dataverse_codegen::{Layout, Options, generate, model};
use dataverse_tests::fixture;

use super::text;

/// A small generator of numbers, the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1);
        (self.0 >> 33) as usize % limit
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// Every order but that of parameters and of an alternate key's columns: those mean something.
fn shuffle(document: &mut Csdl<'_>, dice: &mut Dice) {
    dice.shuffle(&mut document.schemas);
    for schema in &mut document.schemas {
        dice.shuffle(&mut schema.entity_types);
        dice.shuffle(&mut schema.complex_types);
        dice.shuffle(&mut schema.enum_types);
        dice.shuffle(&mut schema.operations);
        dice.shuffle(&mut schema.containers);
        for entity in &mut schema.entity_types {
            dice.shuffle(&mut entity.properties);
            dice.shuffle(&mut entity.navigations);
            dice.shuffle(&mut entity.alternate_keys);
        }
        for complex in &mut schema.complex_types {
            dice.shuffle(&mut complex.properties);
            dice.shuffle(&mut complex.navigations);
        }
        for container in &mut schema.containers {
            dice.shuffle(&mut container.sets);
            dice.shuffle(&mut container.action_imports);
            dice.shuffle(&mut container.function_imports);
        }
    }
}

#[test]
fn a_shuffled_document_gives_the_same_bytes() {
    for entry in std::fs::read_dir(fixture("csdl")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        // The union of all is the same again, only longer.
        if !file.ends_with(".gz") || file.starts_with("synthetic") {
            continue;
        }
        let text = text(&file);
        let mut document = csdl::parse(&text).unwrap();
        let built = model::build(&document);
        let layout = match file.contains("csrs") {
            true => Layout::SingleFile,
            false => Layout::Crate {
                name: "crm".into(),
                client: "\"0.1\"".into(),
            },
        };
        let options = Options {
            operations: Some(vec!["all".into()]),
            // The pieces are those of a folder, put together.
            layout: if file.contains("online") {
                Layout::Folder
            } else {
                layout
            },
            ..Options::default()
        };
        let generated = generate(&built, &options).unwrap();
        let files = &generated.files;
        for seed in 1..=2 {
            shuffle(&mut document, &mut Dice(seed));
            let again = generate(&model::build(&document), &options).unwrap();
            assert_eq!(again.lock, generated.lock, "{file}, seed {seed}");
            let shuffled = again.files;
            for (left, right) in files.iter().zip(&shuffled) {
                assert_eq!(left.name, right.name, "{file}, seed {seed}");
                assert!(left.text == right.text, "{file} {}, seed {seed}", left.name);
            }
            assert_eq!(files.len(), shuffled.len(), "{file}, seed {seed}");
        }
    }
}
