//! `FormatAddress`.

use dataverse_emulator::Emulator;

use super::get;

fn address(country: &str) -> String {
    format!(
        "FormatAddress(Line1=@l,City='Nagoya',StateOrProvince='Aichi',PostalCode='455',\
         Country='{country}')?@l='1%20O''Hara'"
    )
}

#[tokio::test]
async fn an_address_is_written_as_in_its_country() {
    let emulator = Emulator::builder().build().unwrap();
    for (country, expected) in [
        ("USA", "1 O'Hara\r\nNagoya, Aichi 455\r\nUSA"),
        ("Japan", "455\r\nAichi\r\nNagoya\r\n1 O'Hara\r\nJapan"),
    ] {
        let answer = get(&emulator, &address(country)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json()["Address"], expected);
    }
    let unknown = get(&emulator, &address("Atlantis")).await;
    assert_eq!(unknown.status, 501);
    assert!(unknown.error().1.contains("the country 'atlantis'"));
    let missing = get(&emulator, "FormatAddress(Line1='x')").await;
    assert_eq!(
        (missing.status, missing.error().0.as_str()),
        (400, "0x80040203")
    );
}
