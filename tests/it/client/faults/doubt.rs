//! What is told when an attempt got no answer, and a later one got one that says less than it seems.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use dataverse_client::auth::{AccessToken, Credential, Secret, TokenRequest};
use dataverse_client::http::{Reached, RetryPolicy, VirtualClock};
use dataverse_client::schema::TableName;
use dataverse_client::{
    Associate, Changes, Client, Create, Delete, Disassociate, DownloadFile, Error, FileColumn, Id,
    New, Result, Retrieve, SearchQuery, Update,
};
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard, Contact};
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x11111111_2222_3333_4444_555555555555);

fn account() -> New<Account> {
    New::new().set(Account::NAME, "Contoso")
}

fn changes() -> Changes<Account> {
    Changes::new().set(Account::NAME, "Contoso")
}

/// Has so many tokens, whose end is not known, and then none.
#[derive(Clone)]
struct Tokens(Arc<AtomicU32>);

impl Tokens {
    fn new(tokens: u32) -> Self {
        Tokens(Arc::new(AtomicU32::new(tokens)))
    }
}

#[async_trait]
impl Credential for Tokens {
    async fn token(&self, _: &TokenRequest) -> Result<AccessToken> {
        let left = self.0.load(Ordering::Relaxed);
        if left == 0 {
            return Err(Error::credential("no token is left", None));
        }
        self.0.store(left - 1, Ordering::Relaxed);
        Ok(AccessToken::new(Secret::new(format!("token {left}"))))
    }
}

fn client_with(script: &Script, tokens: u32) -> Client {
    Client::builder("https://org.crm.dynamics.com")
        .unwrap()
        .credential(Tokens::new(tokens))
        .transport(script.clone())
        .clock(VirtualClock::default())
        .build()
        .unwrap()
}

#[tokio::test]
async fn without_a_token_for_the_repeat_the_outcome_of_the_first_attempt_is_unknown() {
    let lost = || Script::new().failure(Reached::Unknown);
    for (script, tokens) in [(lost(), 1), (lost().answer(401, &[], ""), 2)] {
        let client = client_with(&script, tokens);
        let error = client.create(account()).await.unwrap_err();
        assert!(error.is_credential(), "{error}");
        assert!(error.is_outcome_unknown(), "{error}");
        // A read changes nothing, and what was never sent neither.
        let client = client_with(&lost(), 1);
        let error = client.query::<AccountCard>().await.unwrap_err();
        assert!(error.is_credential() && !error.is_outcome_unknown());
        let client = client_with(&Script::new().answer(401, &[], ""), 1);
        let error = client.create(account()).await.unwrap_err();
        assert!(error.is_credential() && !error.is_outcome_unknown());
    }
}

/// The first attempt may have been executed; that the second one was refused does not tell.
#[tokio::test]
async fn a_refusal_of_the_repeat_says_nothing_of_the_first_attempt() {
    for (status, code) in [
        (400, "0x80040265"),
        (403, "0x80040220"),
        (404, "0x80040217"),
        (500, "0x80040265"),
    ] {
        let refused = || {
            let script = Script::new().failure(Reached::Unknown);
            script.error(status, code, "no")
        };
        let id = Id::<Account>::new(ID);
        let (client, _) = refused().client().unwrap();
        let error = client.update(id, changes()).await.unwrap_err();
        assert!(error.is_outcome_unknown(), "update, {status}: {error}");
        assert_eq!(error.status().unwrap().as_u16(), status);
        let (client, _) = refused().client().unwrap();
        let error = client.upsert(id, changes()).await.unwrap_err();
        assert!(error.is_outcome_unknown(), "upsert, {status}: {error}");
        let (client, _) = refused().client().unwrap();
        let set = client.set_column(id, Account::NAME, "a");
        let error = set.await.unwrap_err();
        assert!(error.is_outcome_unknown(), "set_column, {status}: {error}");
        let (client, _) = refused().client().unwrap();
        let contact = Id::<Contact>::new(ID);
        let link = Associate::one_named(id, "primarycontactid", contact);
        let error = client.call(link).await.unwrap_err();
        assert!(error.is_outcome_unknown(), "associate, {status}: {error}");
        if status != 404 {
            let (client, _) = refused().client().unwrap();
            let error = client.delete(id).await.unwrap_err();
            assert!(error.is_outcome_unknown(), "delete, {status}: {error}");
        }
        // Without doubt a refusal is one.
        let (client, _) = Script::new().error(status, code, "no").client().unwrap();
        let error = client.update(id, changes()).await.unwrap_err();
        assert!(!error.is_outcome_unknown(), "{status}: {error}");
    }
}

/// A plug-in that wants names to be unique refuses the repeat because of the row of the first attempt.
#[tokio::test]
async fn a_create_whose_repeat_is_refused_asks_whether_the_row_is_there() {
    let refused = || {
        let script = Script::new().failure(Reached::Unknown);
        script.error(400, "0x80040265", "There is an account of this name")
    };
    let there = || refused().answer(200, &[], r#"{"accountid":"x","name":"Contoso"}"#);
    let script = there();
    let (client, _) = script.client().unwrap();
    let id = client.create(account()).await.unwrap();
    assert!(script.sent()[2].line.contains(&format!("accounts({id})")));
    let (client, _) = there().client().unwrap();
    let create = client.create(account()).returning::<AccountCard>();
    assert_eq!(create.await.unwrap().name, "Contoso");

    let gone = refused().error(404, "0x80040217", "Does Not Exist");
    let (client, _) = gone.client().unwrap();
    let error = client.create(account()).await.unwrap_err();
    assert!(error.is_plugin_error() && !error.is_outcome_unknown());

    let hidden = refused().error(403, "0x80040220", "missing prvReadAccount");
    let (client, _) = hidden.client().unwrap();
    let error = client.create(account()).await.unwrap_err();
    assert!(error.is_plugin_error() && error.is_outcome_unknown());
}

/// A network that wants a sign-in of its own, or a gateway: 200 is not Dataverse's yes.
#[tokio::test]
async fn a_write_is_not_done_because_something_answered() {
    let page = "<html><title>Sign in to the network</title></html>";
    let late = r#"{ "error" : {"code":"0x80040216","message":"failed later"}}"#;
    let html = [("content-type", "text/html; charset=utf-8")];
    let json = [("content-type", "application/json")];
    let id = Id::<Account>::new(ID);
    for (headers, body) in [
        (&html[..], page),
        (&html[..], ""),
        (&[][..], page),
        (&json[..], late),
        (&json[..], "[]"),
        (&[][..], "OK"),
    ] {
        let answer = || Script::new().answer(200, headers, body).client().unwrap().0;
        let created = answer().create(account()).await.map(drop);
        let updated = answer().update(id, changes()).await;
        let put_in = answer().upsert(id, changes()).await;
        let deleted = answer().delete(id).await;
        let contact = Id::<Contact>::new(ID);
        let link = Associate::one_named(id, "primarycontactid", contact);
        let linked = answer().call(link).await;
        let many = answer().update_multiple([(id, changes())]).await;
        let mut batch = answer().batch();
        batch.add(Update::new(id, changes()));
        let sent = batch.send().await.map(drop);
        for (name, result) in [
            ("create", created),
            ("update", updated),
            ("upsert", put_in),
            ("delete", deleted),
            ("associate", linked),
            ("update_multiple", many),
            ("batch", sent),
        ] {
            let error = result.expect_err(&format!("{name}: {body}"));
            assert!(error.is_outcome_unknown(), "{name}, {body}: {error}");
            assert!(error.to_string().len() < 400, "{error}");
        }
    }
    // The question whether a row is there is not answered by a web page, either.
    let script = Script::new()
        .failure(Reached::Unknown)
        .error(412, "0x80040237", "already exists")
        .answer(200, &html, page);
    let error = script.client().unwrap().0.create(account()).await;
    assert!(error.unwrap_err().is_outcome_unknown());
}

#[tokio::test]
async fn a_web_page_is_no_text_of_a_column_and_no_file() {
    let html = [("content-type", "text/html")];
    let answer = || {
        Script::new()
            .answer(200, &html, "<html>")
            .client()
            .unwrap()
            .0
    };
    let id = Id::<Account>::new(ID);
    let error = answer().get_text(id, Account::NAME).await.unwrap_err();
    assert!(error.is_decode() && !error.is_outcome_unknown(), "{error}");
    let column = FileColumn::named(TableName::new("accounts").row(ID), "sample_file");
    let file = answer().call(DownloadFile::new(column));
    assert!(file.await.unwrap_err().is_decode());
    // The service's own answers name its version.
    let own = [("content-type", "text/html"), ("odata-version", "4.0")];
    let script = Script::new().answer(200, &own, "<html>");
    let text = script.client().unwrap().0.get_text(id, Account::NAME);
    assert_eq!(text.await.unwrap().as_deref(), Some("<html>"));
}

#[tokio::test]
async fn what_only_reads_is_never_of_unknown_outcome_whatever_its_verb() {
    let lost = || {
        let mut script = Script::new();
        for _ in 0..10 {
            script = script.failure(Reached::Unknown);
        }
        script.client().unwrap().0
    };
    let error = lost().search(SearchQuery::new("a")).await.unwrap_err();
    assert!(!error.is_outcome_unknown(), "{error}");
    let refused = Script::new()
        .failure(Reached::Unknown)
        .error(403, "0x80040220", "no");
    let (client, _) = refused.client().unwrap();
    let error = client.search(SearchQuery::new("a")).await.unwrap_err();
    assert!(error.is_forbidden() && !error.is_outcome_unknown());
    for writes in [false, true] {
        let mut batch = lost().batch();
        batch.add(Retrieve::<AccountCard>::new(Id::new(ID)));
        if writes {
            batch.add(Update::new(Id::<Account>::new(ID), changes()));
        }
        let error = batch.send().await.unwrap_err();
        assert_eq!(error.is_outcome_unknown(), writes, "{error}");
    }
}

#[tokio::test]
async fn an_unknown_outcome_names_the_rows_to_look_at() {
    let once = || Script::new().failure(Reached::Unknown);
    let policy = RetryPolicy::never;
    let lost = || once().client_with(policy()).unwrap().0;
    let id = Id::<Account>::new(ID);
    let script = once();
    let (client, _) = script.client_with(policy()).unwrap();
    let error = client.create(account()).await.unwrap_err();
    let [row] = error.row_ids() else {
        panic!("{error}");
    };
    assert!(error.is_outcome_unknown());
    assert!(script.sent()[0].body.contains(&row.to_string()));
    let text = error.to_string();
    assert!(text.contains(&format!("check row {row} before")), "{text}");

    let contact = Id::<Contact>::new(ID);
    let link = Associate::one_named(id, "primarycontactid", contact);
    let unlink = Disassociate::one_named(id, "primarycontactid");
    let create = lost().create(account()).with_id(id);
    let returning = lost().create(account()).with_id(id);
    let rows = || [(id, changes())];
    for error in [
        create.await.map(drop),
        returning.returning::<AccountCard>().await.map(drop),
        lost().update(id, changes()).await,
        lost().upsert(id, changes()).await,
        lost().delete(id).await,
        lost().set_column(id, Account::NAME, "a").await,
        lost().call(link).await,
        lost().call(unlink).await,
        lost().update_multiple(rows()).await,
        lost().upsert_multiple(rows()).await,
        lost().delete_multiple([id]).await,
    ]
    .map(Result::unwrap_err)
    {
        assert!(error.is_outcome_unknown(), "{error}");
        assert_eq!(error.row_ids(), [ID], "{error}");
    }

    let script = once();
    let (client, _) = script.client_with(policy()).unwrap();
    let error = client.create_multiple([account(), account()]).await;
    let error = error.unwrap_err();
    assert_eq!(error.row_ids().len(), 2);
    let body = script.sent()[0].body.clone();
    let is_sent = |row: &Uuid| body.contains(&row.to_string());
    assert!(error.row_ids().iter().all(is_sent), "{body}");

    let mut batch = lost().batch();
    batch.add(Retrieve::<AccountCard>::new(Id::new(ID)));
    batch.add(Update::new(id, changes()));
    batch.add(Delete::<Account>::new(Id::new(Uuid::nil())));
    let error = batch.send().await.unwrap_err();
    assert_eq!(error.row_ids(), [ID, Uuid::nil()]);
    assert!(error.to_string().contains("and 1 more"), "{error}");

    // What the service was to choose, nobody knows.
    let create = lost().create(account()).server_assigned_id();
    let error = create.await.unwrap_err();
    assert!(error.is_outcome_unknown() && error.row_ids().is_empty());
}

#[tokio::test]
async fn a_part_of_a_batch_names_its_row() {
    let answers = "--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 403 Forbidden\r\n\r\n\r\n\
                   --b--\r\n";
    let multipart = [("content-type", "multipart/mixed; boundary=b")];
    let script = Script::new().answer(403, &multipart, answers);
    let (client, _) = script.client().unwrap();
    let mut batch = client.batch();
    let create = batch.add(Create::new(account()).with_id(Id::new(ID)));
    let mut replies = batch.send().await.unwrap();
    let error = replies.take(create).unwrap_err();
    assert_eq!(error.row_ids(), [ID], "{error}");
}

/// The first attempt may have done what the repeat was refused.
#[tokio::test]
async fn what_is_refused_in_the_repeat_of_a_batch_may_have_been_executed() {
    let part = |status: &str| {
        format!("--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 {status}\r\n\r\n\r\n")
    };
    let answers = format!(
        "{}{}{}--b--\r\n",
        part("204 No Content"),
        part("403 Forbidden"),
        part("404 Not Found")
    );
    for is_lost in [true, false] {
        let multipart = [("content-type", "multipart/mixed; boundary=b")];
        let script = match is_lost {
            true => Script::new().failure(Reached::Unknown),
            false => Script::new(),
        };
        let script = script.answer(403, &multipart, answers.clone());
        let (client, _) = script.client().unwrap();
        let mut batch = client.batch().continue_on_error();
        let id = Id::<Account>::new(ID);
        let done = batch.add(Update::new(id, changes()));
        let refused = batch.add(Update::new(id, changes()));
        let read = batch.add(Retrieve::<AccountCard>::new(id));
        let mut replies = batch.send().await.unwrap();
        replies.take(done).unwrap();
        let first = replies.first_error().unwrap();
        assert_eq!(first.is_outcome_unknown(), is_lost, "{first}");
        let error = replies.take(refused).unwrap_err();
        assert_eq!(error.is_outcome_unknown(), is_lost, "{error}");
        assert_eq!(error.row_ids(), [ID]);
        let error = replies.take(read).unwrap_err();
        assert!(!error.is_outcome_unknown(), "{error}");
        assert_eq!(script.sent().len(), 1 + usize::from(is_lost));
    }
}
