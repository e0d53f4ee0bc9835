use dataverse_client::Choice;

#[derive(Clone, Copy, Choice)]
enum NoRest {
    #[dataverse(value = 1)]
    Open,
}

#[derive(Clone, Copy, Choice)]
enum NoNumber {
    Open,
    Unknown(i32),
}

#[derive(Clone, Copy, Choice)]
#[dataverse(colour = "blue")]
#[repr(i32)]
enum Mistakes {
    #[dataverse(colour = "blue")]
    A = 1,
    B = 1,
    C = 3000000000,
    #[dataverse(value = "x")]
    D,
    E { number: i32 },
    Unknown(i32),
    Other(i32),
}

#[derive(Clone, Copy, Choice)]
struct NotAnEnum;

#[derive(Clone, Copy, Choice)]
enum Generic<T> {
    Unknown(T),
}

fn main() {}
