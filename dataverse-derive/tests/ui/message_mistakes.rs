use dataverse_client::{Action, Function};

#[derive(Action)]
#[dataverse(name = "new close", colour = "blue")]
struct Mistakes {
    #[dataverse(name = "Note Title")]
    note_title: String,
    #[dataverse(colour = "blue")]
    note_text: String,
}

#[derive(Action)]
struct Twice {
    #[dataverse(on)]
    first: u8,
    #[dataverse(on)]
    second: u8,
}

#[derive(Action)]
struct Tuple(String);

#[derive(Action)]
enum NotAStruct {
    A,
}

#[derive(Function)]
struct NoOutput;

#[derive(Action)]
struct Borrowed<'a> {
    text: &'a str,
}

fn main() {}
