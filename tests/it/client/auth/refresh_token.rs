//! A refresh token, and the file that it is in.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use dataverse_client::auth::{
    Credential, FileStore, MemoryStore, RefreshToken, Secret, TokenStore,
};
use dataverse_tests::script::Script;

use super::{TOKEN, TOKENS, ask, printed, refusal};

fn folder(name: &str) -> PathBuf {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[tokio::test]
async fn the_new_refresh_token_is_kept() {
    let path = folder("refresh-kept").join("token");
    let store = FileStore::new(&path);
    store.save(&Secret::new("secret-refresh-1")).unwrap();
    let credential = RefreshToken::new("t", "app", store.clone());
    let script = Script::new()
        .answer(200, &[], TOKENS)
        .answer(200, &[], TOKEN);
    for sent in ["secret-refresh-1", "secret-refresh-2"] {
        ask(&credential, &script).await.unwrap();
        let body = script.sent().pop().unwrap().body;
        assert_eq!(
            body,
            format!(
                "grant_type=refresh_token&refresh_token={sent}\
                 &scope=https%3A%2F%2Forg.crm4.dynamics.com%2Fuser_impersonation+offline_access\
                 &client_id=app"
            )
        );
    }
    // The second answer brought none: the one that is there stays.
    assert_eq!(store.load().unwrap(), Some(Secret::new("secret-refresh-2")));
    credential.sign_out().await.unwrap();
    assert!(!path.exists());
    credential.sign_out().await.unwrap();
    let error = ask(&credential, &script).await.unwrap_err();
    assert!(
        error.is_grant_expired() && script.sent().len() == 2,
        "{error}"
    );
}

/// Gives another token after each look: another program uses the same store.
struct Shared(std::sync::atomic::AtomicU32);

impl TokenStore for Shared {
    fn load(&self) -> io::Result<Option<Secret>> {
        let number = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Ok(Some(Secret::new(format!("refresh-{}", number.min(1)))))
    }

    fn save(&self, _: &Secret) -> io::Result<()> {
        Ok(())
    }

    fn delete(&self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_token_that_another_program_exchanged_is_read_again_once() {
    let expired = |script| refusal(script, "invalid_grant", "AADSTS70008: expired");
    let script = expired(Script::new()).answer(200, &[], TOKENS);
    ask(&RefreshToken::new("t", "app", Shared(0.into())), &script)
        .await
        .unwrap();
    assert!(script.sent()[1].body.contains("refresh_token=refresh-1"));
    let script = expired(expired(Script::new()));
    let error = ask(&RefreshToken::new("t", "app", Shared(0.into())), &script).await;
    assert!(error.unwrap_err().is_grant_expired());
    assert_eq!(script.sent().len(), 2);
    let memory = MemoryStore::new();
    memory.save(&Secret::new("only")).unwrap();
    let script = expired(Script::new());
    let error = ask(&RefreshToken::new("t", "app", memory), &script).await;
    assert!(error.unwrap_err().is_grant_expired());
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test]
async fn a_token_that_cannot_be_kept_is_not_used() {
    let path = folder("refresh-lost").join("token");
    FileStore::new(&path)
        .save(&Secret::new("secret-refresh-1"))
        .unwrap();
    struct Full(FileStore);
    impl TokenStore for Full {
        fn load(&self) -> io::Result<Option<Secret>> {
            self.0.load()
        }
        fn save(&self, _: &Secret) -> io::Result<()> {
            Err(io::Error::other("the disk is full"))
        }
        fn delete(&self) -> io::Result<()> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let credential = RefreshToken::new("t", "app", Full(FileStore::new(&path)));
    let error = ask(&credential, &Script::new().answer(200, &[], TOKENS))
        .await
        .unwrap_err();
    assert!(error.is_io(), "{error}");
    assert!(!printed(&error).contains("secret"), "{error}");
    assert!(credential.sign_out().await.unwrap_err().is_io());
}

#[test]
fn a_file_is_replaced_as_a_whole_and_leaves_nothing_beside_it() {
    let folder = folder("store");
    let store = FileStore::new(folder.join("token"));
    assert_eq!(store.load().unwrap(), None);
    for number in 0..3 {
        let token = Secret::new(format!("secret-{number}"));
        store.save(&token).unwrap();
        assert_eq!(store.load().unwrap(), Some(token));
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    // A writer that died leaves its own file, and the token as it was.
    std::fs::write(folder.join("token.dead.tmp"), "half").unwrap();
    assert_eq!(store.load().unwrap(), Some(Secret::new("secret-2")));
    let nowhere = FileStore::new(folder.join("missing/token"));
    assert!(nowhere.save(&Secret::new("x")).is_err());
    assert_eq!(nowhere.load().unwrap(), None);
    // Its place is taken by a folder: nothing stays beside it.
    std::fs::create_dir(folder.join("taken")).unwrap();
    let taken = FileStore::new(folder.join("taken"));
    assert!(taken.save(&Secret::new("x")).is_err() && taken.load().is_err());
    let names = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(names, 3, "token, token.dead.tmp, taken");
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_the_file() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let folder = folder("store-mode");
    let path = folder.join("token");
    let store = FileStore::new(&path);
    store.save(&Secret::new("secret")).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let link = folder.join("link");
    symlink(&path, &link).unwrap();
    assert!(
        FileStore::new(&link).load().is_err(),
        "a link is not followed"
    );
    // Saving through it replaces the link, not what it leads to.
    FileStore::new(&link).save(&Secret::new("other")).unwrap();
    assert_eq!(store.load().unwrap(), Some(Secret::new("secret")));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = store.load().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
}

#[test]
fn a_store_is_shared_by_reference() {
    let store: Arc<dyn TokenStore> = Arc::new(MemoryStore::new());
    store.save(&Secret::new("secret")).unwrap();
    store.delete().unwrap();
    assert_eq!(store.load().unwrap(), None);
}
