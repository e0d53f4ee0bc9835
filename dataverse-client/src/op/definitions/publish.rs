//! Publishing: until then forms and apps show what was before.

use crate::op::{Arguments, Message, MessageKind};

/// Publishes changes of tables and global choices.
///
/// Shape: `POST PublishXml`; sent with [`Client::invoke`](crate::Client::invoke).
/// Source: Microsoft Learn, "Publish customizations".
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Publish {
    tables: Vec<String>,
    choices: Vec<String>,
}

impl Publish {
    /// Nothing yet.
    pub fn new() -> Self {
        Publish::default()
    }

    /// A table with its columns and relationships, by logical name.
    pub fn table(mut self, logical_name: impl Into<String>) -> Self {
        self.tables.push(logical_name.into());
        self
    }

    /// A global choice, by name.
    pub fn choice(mut self, name: impl Into<String>) -> Self {
        self.choices.push(name.into());
        self
    }
}

impl Message for Publish {
    type Output = ();

    const NAME: &'static str = "PublishXml";
    const KIND: MessageKind = MessageKind::Action;

    fn arguments(&self, out: &mut Arguments<'_>) {
        let mut xml = String::from("<importexportxml>");
        for (group, element, names) in [
            ("entities", "entity", &self.tables),
            ("optionsets", "optionset", &self.choices),
        ] {
            if names.is_empty() {
                continue;
            }
            xml.push_str(&format!("<{group}>"));
            for name in names {
                xml.push_str(&format!("<{element}>{}</{element}>", escape(name)));
            }
            xml.push_str(&format!("</{group}>"));
        }
        xml.push_str("</importexportxml>");
        out.value("ParameterXml", &xml);
    }
}

/// Publishes all changes of the org: minutes.
///
/// Shape: `POST PublishAllXml`; sent with [`Client::invoke`](crate::Client::invoke).
/// Source: Microsoft Learn, "Publish customizations".
#[derive(Debug, Clone, Copy, Default)]
pub struct PublishAll;

impl Message for PublishAll {
    type Output = ();

    const NAME: &'static str = "PublishAllXml";
    const KIND: MessageKind = MessageKind::Action;

    fn arguments(&self, _: &mut Arguments<'_>) {}
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
