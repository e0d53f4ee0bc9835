use dataverse_client::{Action, Function};

#[derive(Action)]
#[dataverse(output = (), colour = "blue")]
pub struct NewClose {
    pub reason: String,
}

#[derive(Function)]
#[dataverse(output = String, name = "new close")]
pub struct NewTell {}

fn main() {}
