//! Whichever index a query of a large table goes by, its rows are the same.

use super::{get, send, small};

const ROWS: usize = 10_050;

/// A row: its number as `accountnumber`, and values in another order.
struct Row {
    name: Option<String>,
    fax: usize,
    revenue: usize,
}

impl Row {
    fn new(n: usize) -> Self {
        Row {
            name: (!n.is_multiple_of(10)).then(|| format!("n{}", n * 31 % 4000)),
            fax: n % 100,
            revenue: n * 7919 % ROWS,
        }
    }

    fn json(&self, n: usize) -> String {
        let name = self
            .name
            .as_ref()
            .map_or("null".to_owned(), |name| format!("\"{name}\""));
        format!(
            r#"{{"accountnumber":"{n}","name":{name},"fax":"{}","revenue":{}.50}}"#,
            self.fax, self.revenue
        )
    }
}

/// A condition as OData, as FetchXML, and what it says of a row.
type Condition = (&'static str, &'static str, fn(&Row) -> bool);

fn conditions() -> Vec<Condition> {
    vec![
        ("", "", |_| true),
        (
            "revenue gt 9950",
            "<condition attribute='revenue' operator='gt' value='9950'/>",
            |row| row.revenue >= 9950,
        ),
        (
            "revenue gt 5000",
            "<condition attribute='revenue' operator='gt' value='5000'/>",
            |row| row.revenue >= 5000,
        ),
        (
            "revenue gt 5000 and revenue lt 6000 and fax ne '7'",
            "<condition attribute='revenue' operator='between'><value>5000</value>\
             <value>6000</value></condition><condition attribute='fax' operator='ne' value='7'/>",
            |row| (5000..6000).contains(&row.revenue) && row.fax != 7,
        ),
        (
            "fax eq '42' and revenue ge 3000.50",
            "<condition attribute='fax' operator='eq' value='42'/>\
             <condition attribute='revenue' operator='ge' value='3000.5'/>",
            |row| row.fax == 42 && row.revenue >= 3000,
        ),
        (
            "(fax eq '42' or revenue lt 100) and not (fax eq '1')",
            "<filter type='or'><condition attribute='fax' operator='eq' value='42'/>\
             <condition attribute='revenue' operator='lt' value='100'/></filter>\
             <condition attribute='fax' operator='ne' value='1'/>",
            |row| (row.fax == 42 || row.revenue < 100) && row.fax != 1,
        ),
        (
            "fax eq '42' or contains(name,'99')",
            "<filter type='or'><condition attribute='fax' operator='eq' value='42'/>\
             <condition attribute='name' operator='like' value='%99%'/></filter>",
            |row| row.fax == 42 || row.name.as_ref().is_some_and(|name| name.contains("99")),
        ),
        (
            "name eq null and not (revenue gt 5000)",
            "<condition attribute='name' operator='null'/>\
             <condition attribute='revenue' operator='le' value='5000'/>",
            |row| row.name.is_none() && row.revenue < 5000,
        ),
        (
            "not (name eq null) and 5000 gt revenue",
            "<condition attribute='name' operator='not-null'/>\
             <condition attribute='revenue' operator='lt' value='5000'/>",
            |row| row.name.is_some() && row.revenue < 5000,
        ),
        (
            "revenue lt 0",
            "<condition attribute='revenue' operator='lt' value='0'/>",
            |_| false,
        ),
    ]
}

/// Numbers and names of the rows, page after page.
async fn all(emulator: &dataverse_emulator::Emulator, mut path: String) -> Vec<(usize, String)> {
    let mut rows = Vec::new();
    loop {
        let prefer = [("prefer", "odata.maxpagesize=1500")];
        let page = send(emulator, "GET", &path, &prefer, "").await.json();
        for row in page["value"].as_array().unwrap() {
            let number = row["accountnumber"].as_str().unwrap().parse().unwrap();
            rows.push((number, row["name"].as_str().unwrap_or_default().to_owned()));
        }
        match page["@odata.nextLink"].as_str() {
            Some(link) => path = link.to_owned(),
            None => return rows,
        }
    }
}

/// What the rows of an answer must be, whatever stands between rows of one name.
fn check(what: &str, found: &[(usize, String)], fits: fn(&Row) -> bool, way: &str) {
    let mut numbers: Vec<_> = found.iter().map(|(number, _)| *number).collect();
    numbers.sort_unstable();
    let expected: Vec<_> = (0..ROWS).filter(|n| fits(&Row::new(*n))).collect();
    assert!(numbers == expected, "{what}: {} rows", numbers.len());
    let is_sorted = found.is_sorted_by(|(_, left), (_, right)| match way {
        "desc" => left >= right,
        "asc" => left <= right,
        _ => true,
    });
    assert!(is_sorted, "{what}");
}

#[tokio::test]
async fn every_way_leads_to_the_same_rows() {
    let emulator = small::emulator();
    let rows = (0..ROWS).map(|n| Row::new(n).json(n));
    emulator.seed("account", rows).unwrap();
    for (odata, fetch, fits) in conditions() {
        for way in ["asc", "desc", ""] {
            let mut path = "accounts?$select=name,accountnumber&$count=true".to_owned();
            if !odata.is_empty() {
                path.push_str(&format!("&$filter={}", odata.replace(' ', "%20")));
            }
            if !way.is_empty() {
                path.push_str(&format!("&$orderby=name%20{way}"));
            }
            check(&path, &all(&emulator, path.clone()).await, fits, way);
            let expected = (0..ROWS).filter(|n| fits(&Row::new(*n))).count().min(5000);
            let first = get(&emulator, &path).await.json();
            assert_eq!(first["@odata.count"], expected, "{path}");

            let order = match way {
                "" => String::new(),
                way => format!("<order attribute='name' descending='{}'/>", way == "desc"),
            };
            let mut found = Vec::new();
            for page in 1.. {
                let xml = format!(
                    "<fetch count='4000' page='{page}'><entity name='account'>\
                     <attribute name='name'/><attribute name='accountnumber'/>{order}\
                     <filter>{fetch}</filter></entity></fetch>"
                );
                let xml: String = url::form_urlencoded::byte_serialize(xml.as_bytes()).collect();
                let rows = all(&emulator, format!("accounts?fetchXml={xml}")).await;
                if rows.is_empty() {
                    break;
                }
                found.extend(rows);
            }
            check(&format!("{fetch} {way}"), &found, fits, way);
        }
    }
}
