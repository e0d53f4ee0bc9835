//! Which elements and attributes there are.
//!
//! Source: Microsoft Learn, "FetchXML reference", 2024, and the schema `Fetch.xsd` (2021), which
//! knows what views hold beside it.

/// An element's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    Fetch,
    Entity,
    Attribute,
    AllAttributes,
    NoAttrs,
    Order,
    LinkEntity,
    Filter,
    Condition,
    Value,
}

/// What an element may hold.
pub(super) struct Rule {
    pub(super) tag: Tag,
    pub(super) name: &'static str,
    pub(super) attributes: &'static [(&'static str, Kind)],
    pub(super) required: &'static [&'static str],
    pub(super) children: &'static [Tag],
}

/// What an attribute may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Text,
    /// `true`, `false`, `1`, `0`.
    Flag,
    /// A whole number of this range.
    Number(u32, u32),
    /// One of these words, whatever their case.
    OneOf(&'static [&'static str]),
}

use Kind::{Flag, Number, OneOf, Text};

/// Rows per page, and rows of `top`.
/// Source: Microsoft Learn, "Page results using FetchXml", 2024.
const MAX_ROWS: u32 = 5000;

/// Rows that an aggregate looks at.
/// Source: Microsoft Learn, "Aggregate data using FetchXml", 2023.
const MAX_AGGREGATED: u32 = 50_000;

/// The link types that are conditions, and stand in a filter.
pub(super) const FILTER_LINKS: &[&str] = &["any", "not any", "all", "not all"];

/// The link types that give no columns.
pub(super) const LINKS_WITHOUT_COLUMNS: &[&str] =
    &["any", "not any", "all", "not all", "exists", "in"];

const LINK_TYPES: &[&str] = &[
    "inner",
    "outer",
    "natural",
    "any",
    "not any",
    "all",
    "not all",
    "exists",
    "in",
    "matchfirstrowusingcrossapply",
];

const AGGREGATES: &[&str] = &["count", "countcolumn", "sum", "avg", "min", "max"];

const DATE_GROUPINGS: &[&str] = &[
    "day",
    "week",
    "month",
    "quarter",
    "year",
    "fiscal-period",
    "fiscal-year",
];

const PARTS_OF_AN_ENTITY: &[Tag] = &[
    Tag::AllAttributes,
    Tag::NoAttrs,
    Tag::Attribute,
    Tag::Order,
    Tag::Filter,
    Tag::LinkEntity,
];

static RULES: [Rule; 10] = [
    Rule {
        tag: Tag::Fetch,
        name: "fetch",
        attributes: &[
            ("aggregate", Flag),
            ("aggregatelimit", Number(1, MAX_AGGREGATED)),
            ("count", Number(1, MAX_ROWS)),
            ("datasource", OneOf(&["retained", "bin"])),
            ("distinct", Flag),
            ("latematerialize", Flag),
            ("mapping", OneOf(&["logical", "internal"])),
            ("min-active-row-version", Flag),
            ("no-lock", Flag),
            ("options", Text),
            ("output-format", Text),
            ("page", Number(1, u32::MAX)),
            ("paging-cookie", Text),
            ("returntotalrecordcount", Flag),
            // Views in model-driven apps say where they come from.
            ("savedqueryid", Text),
            ("top", Number(1, MAX_ROWS)),
            ("userqueryid", Text),
            ("useraworderby", Flag),
            ("utc-offset", Text),
            ("version", Text),
        ],
        required: &[],
        children: &[Tag::Entity],
    },
    Rule {
        tag: Tag::Entity,
        name: "entity",
        attributes: &[
            ("name", Text),
            ("enableprefiltering", Flag),
            ("forceseek", Text),
            ("prefilterparametername", Text),
        ],
        required: &["name"],
        children: PARTS_OF_AN_ENTITY,
    },
    Rule {
        tag: Tag::Attribute,
        name: "attribute",
        attributes: &[
            ("name", Text),
            ("addedby", Text),
            ("aggregate", OneOf(AGGREGATES)),
            ("alias", Text),
            ("build", Text),
            ("dategrouping", OneOf(DATE_GROUPINGS)),
            ("distinct", Flag),
            ("groupby", Flag),
            ("rowaggregate", OneOf(&["countchildren"])),
            ("usertimezone", Flag),
        ],
        required: &["name"],
        children: &[],
    },
    Rule {
        tag: Tag::AllAttributes,
        name: "all-attributes",
        attributes: &[],
        required: &[],
        children: &[],
    },
    Rule {
        tag: Tag::NoAttrs,
        name: "no-attrs",
        attributes: &[],
        required: &[],
        children: &[],
    },
    Rule {
        tag: Tag::Order,
        name: "order",
        attributes: &[
            ("alias", Text),
            ("attribute", Text),
            ("descending", Flag),
            ("entityname", Text),
        ],
        required: &[],
        children: &[],
    },
    Rule {
        tag: Tag::LinkEntity,
        name: "link-entity",
        attributes: &[
            ("name", Text),
            ("alias", Text),
            ("enableprefiltering", Flag),
            ("from", Text),
            ("intersect", Flag),
            ("link-type", OneOf(LINK_TYPES)),
            ("prefilterparametername", Text),
            ("to", Text),
            ("visible", Flag),
        ],
        required: &["name"],
        children: PARTS_OF_AN_ENTITY,
    },
    Rule {
        tag: Tag::Filter,
        name: "filter",
        attributes: &[
            ("hint", OneOf(&["union"])),
            ("isquickfindfields", Flag),
            ("overridequickfindrecordlimitdisabled", Flag),
            ("overridequickfindrecordlimitenabled", Flag),
            ("type", OneOf(&["and", "or"])),
        ],
        required: &[],
        children: &[Tag::Condition, Tag::Filter, Tag::LinkEntity],
    },
    Rule {
        tag: Tag::Condition,
        name: "condition",
        attributes: &[
            ("aggregate", OneOf(AGGREGATES)),
            ("alias", Text),
            ("attribute", Text),
            ("column", Text),
            ("entityname", Text),
            ("operator", Text),
            ("rowaggregate", OneOf(&["countchildren"])),
            ("uihidden", Flag),
            ("uiname", Text),
            ("uitype", Text),
            ("value", Text),
            ("valueof", Text),
        ],
        required: &["operator"],
        children: &[Tag::Value],
    },
    Rule {
        tag: Tag::Value,
        name: "value",
        attributes: &[("uiname", Text), ("uitype", Text)],
        required: &[],
        children: &[],
    },
];

impl Tag {
    pub(super) fn rule(self) -> &'static Rule {
        // The rules stand in the order of the names; a test says so.
        &RULES[self as usize]
    }

    pub(super) fn of_name(name: &str) -> Option<Tag> {
        let rule = RULES.iter().find(|rule| rule.name == name)?;
        Some(rule.tag)
    }
}

impl Rule {
    /// The attribute of this name.
    pub(super) fn attribute(&self, name: &str) -> Option<&'static (&'static str, Kind)> {
        self.attributes.iter().find(|(known, _)| *known == name)
    }
}

impl Kind {
    /// What is wanted instead, if the value is not of this kind.
    pub(super) fn refuses(self, value: &str) -> Option<String> {
        let fits = match self {
            Text => true,
            Flag => ["true", "false", "1", "0"]
                .iter()
                .any(|word| value.eq_ignore_ascii_case(word)),
            Number(min, max) => value
                .parse::<u32>()
                .is_ok_and(|number| (min..=max).contains(&number)),
            OneOf(words) => words.iter().any(|word| value.eq_ignore_ascii_case(word)),
        };
        if fits {
            return None;
        }
        Some(match self {
            Text => "text".to_owned(),
            Flag => "`true` or `false`".to_owned(),
            Number(min, u32::MAX) => format!("a whole number from {min}"),
            Number(min, max) => format!("a whole number from {min} to {max}"),
            OneOf(words) => format!("one of `{}`", words.join("`, `")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_stand_at_their_names() {
        for (place, rule) in RULES.iter().enumerate() {
            assert_eq!(rule.tag as usize, place, "{}", rule.name);
            assert_eq!(Tag::of_name(rule.name), Some(rule.tag));
            assert!(
                rule.required
                    .iter()
                    .all(|name| rule.attribute(name).is_some())
            );
        }
    }
}
