//! Requests to the emulator that no client sends: it answers, never with 500, and works on.

use bytes::Bytes;
use dataverse_client::http::Transport;
use dataverse_emulator::Emulator;

use super::{changed, changes, check};
use crate::emulator::small;

const WORDS: &[&str] = &[
    "accounts",
    "contacts(00000000-0000-0000-0000-000000000002)",
    "(00000000-0000-0000-0000-000000000001)",
    "(accountnumber='1')",
    "/$ref",
    "/name",
    "/contact_customer_accounts",
    "/primarycontactid",
    "/Microsoft.Dynamics.CRM.UpsertMultiple",
    "?$id=",
    "&$select=name",
    "&$expand=primarycontactid",
    "&$deltatoken=1%2101%2f01%2f2026%2000%3a00%3a00",
    "&partitionId=x",
    "\"@odata.type\":\"Microsoft.Dynamics.CRM.account\",",
    "\"@odata.id\":\"https://x/api/data/v9.2/accounts(accountnumber='1')\"",
    "\"primarycontactid@odata.bind\":",
    "\"contact_customer_accounts@odata.bind\":[",
    "\"contact_customer_accounts\":[{}],",
    "\"primarycontactid\":{",
    "\"partitionid\":\"x\",",
    "\"ttlinseconds\":9223372036854775807,",
    "null",
    "{",
    "}",
    "[",
    "]",
    ",",
    "$1",
    "-1",
    "\n",
];

/// Verb, target, body; a line each.
const REQUESTS: &[&str] = &[
    "POST accounts\n{\"name\":\"a\",\"revenue\":1.50,\"primarycontactid\":{\"lastname\":\"b\",\"parentcustomerid_account\":{\"name\":\"c\"}},\"contact_customer_accounts\":[{\"lastname\":\"d\"}]}",
    "PATCH accounts(accountnumber='1')?$select=name\n{\"name\":\"a\",\"primarycontactid@odata.bind\":\"contacts(00000000-0000-0000-0000-000000000002)\"}",
    "POST accounts(00000000-0000-0000-0000-000000000001)/contact_customer_accounts/$ref\n{\"@odata.id\":\"https://x/api/data/v9.2/contacts(00000000-0000-0000-0000-000000000002)\"}",
    "DELETE accounts(00000000-0000-0000-0000-000000000001)/contact_customer_accounts/$ref?$id=https://x/api/data/v9.2/contacts(00000000-0000-0000-0000-000000000002)\n",
    "PUT accounts(00000000-0000-0000-0000-000000000001)/name\n{\"value\":\"b\"}",
    "POST accounts/Microsoft.Dynamics.CRM.UpdateMultiple\n{\"Targets\":[{\"@odata.type\":\"Microsoft.Dynamics.CRM.account\",\"accountid\":\"00000000-0000-0000-0000-000000000001\",\"name\":\"b\"}]}",
    "POST accounts/Microsoft.Dynamics.CRM.UpsertMultiple\n{\"Targets\":[{\"@odata.type\":\"Microsoft.Dynamics.CRM.account\",\"@odata.id\":\"accounts(accountnumber='1')\",\"name\":\"b\"}]}",
    "POST contacts/Microsoft.Dynamics.CRM.CreateMultiple\n{\"Targets\":[{\"@odata.type\":\"Microsoft.Dynamics.CRM.contact\",\"partitionid\":\"x\",\"ttlinseconds\":5}]}",
    "GET accounts?$select=name&$deltatoken=1000000%2101%2f01%2f2026%2000%3a00%3a00\n",
    "GET accounts?$skiptoken=%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie%2520page%253d%25221%2522%253e%253cuntil%2520last%253d%2522i%253a5%2522%252f%253e%253c%252fcookie%253e%22%20istracking=%22True%22%20/%3E\n",
    "GET RetrieveTotalRecordCount(EntityNames=@p1)?@p1=['account']\n",
    "POST GrantAccess\n{\"Target\":{\"@odata.type\":\"Microsoft.Dynamics.CRM.account\",\"accountid\":\"00000000-0000-0000-0000-000000000001\"},\"PrincipalAccess\":{\"AccessMask\":\"ReadAccess\",\"Principal\":{}}}",
];

/// Sends what is a request; gives the status.
fn send(emulator: &Emulator, text: &[u8]) -> Option<u16> {
    let text = String::from_utf8_lossy(text);
    let (head, body) = text.split_once('\n')?;
    let (method, target) = head.split_once(' ')?;
    let request = http::Request::builder()
        .method(method)
        .uri(format!("{}/api/data/v9.2/{target}", Emulator::URL))
        .header("authorization", "Bearer any")
        .header(
            "prefer",
            "return=representation,odata.include-annotations=\"*\"",
        )
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let answer = runtime.block_on(emulator.send(request)).unwrap();
    Some(answer.status().as_u16())
}

fn emulator() -> Emulator {
    let emulator = small::builder().elastic_table("contact").build().unwrap();
    let account = r#"{"accountid":"00000000-0000-0000-0000-000000000001","accountnumber":"1"}"#;
    emulator.seed("account", [account]).unwrap();
    let contact = r#"{"contactid":"00000000-0000-0000-0000-000000000002"}"#;
    emulator.seed("contact", [contact]).unwrap();
    emulator
}

#[test]
fn a_changed_request_is_answered() {
    for text in REQUESTS {
        let status = send(&emulator(), text.as_bytes()).unwrap();
        assert!(status < 500, "{status}: {text}");
    }
    let request = (proptest::sample::select(REQUESTS), changes(WORDS));
    check(request, |(text, changes)| {
        let emulator = emulator();
        let text = changed(text.as_bytes(), &changes);
        for _ in 0..2 {
            let status = send(&emulator, &text);
            assert_ne!(status, Some(500), "{}", String::from_utf8_lossy(&text));
        }
        assert_eq!(send(&emulator, b"GET accounts\n"), Some(200));
    });
}
