//! What of a definition was asked for: `$select`, `$expand`, languages.

use serde_json::Value;

use super::Members;
use super::filter::Filter;
use crate::fault::{Fault, Result};
use crate::url::split_outside;

/// What columns hold that is a definition of its own: there only if expanded.
pub(super) const NAVIGATIONS: &[&str] = &["OptionSet", "GlobalOptionSet"];

/// Which properties of each definition.
#[derive(Debug, Default)]
pub(super) struct Projection {
    select: Option<Vec<String>>,
    expand: Vec<Expand>,
    languages: Vec<i64>,
}

/// A part that comes with each definition.
#[derive(Debug)]
pub(super) struct Expand {
    name: String,
    options: Projection,
    filter: Option<Filter>,
}

impl Expand {
    fn parse(text: &str) -> Result<Self> {
        let bad = || Fault::bad_request(format!("The $expand option '{text}' cannot be read."));
        let Some((name, rest)) = text.split_once('(') else {
            return Ok(Expand {
                name: text.to_owned(),
                options: Projection::default(),
                filter: None,
            });
        };
        let inside = rest.strip_suffix(')').ok_or_else(bad)?;
        let mut expand = Expand {
            name: name.to_owned(),
            options: Projection::default(),
            filter: None,
        };
        for option in split_outside(inside, ';')
            .into_iter()
            .filter(|o| !o.is_empty())
        {
            match option.split_once('=') {
                Some(("$select", names)) => expand.options.select = Some(names_of(names)),
                Some(("$filter", text)) => expand.filter = Some(Filter::parse(text)?),
                Some(("$expand", _)) => {
                    return Err(Fault::bad_request(
                        "Only one level of $expand is supported in definitions.",
                    ));
                }
                _ => return Err(bad()),
            }
        }
        Ok(expand)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn options(&self) -> &Projection {
        &self.options
    }

    pub(super) fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }
}

fn names_of(list: &str) -> Vec<String> {
    let names = list.split(',').map(str::trim);
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

impl Projection {
    pub(super) fn read(
        select: Option<&str>,
        expand: Option<&str>,
        languages: Option<&str>,
    ) -> Result<Self> {
        let expand = expand
            .map(|text| split_outside(text, ','))
            .unwrap_or_default();
        let languages = languages.map(names_of).unwrap_or_default();
        let bad = |text: &String| {
            Fault::bad_request(format!("LabelLanguages: '{text}' is no language code."))
        };
        Ok(Projection {
            select: select.map(names_of),
            expand: expand
                .into_iter()
                .map(|text| Expand::parse(text.trim()))
                .collect::<Result<_>>()?,
            languages: languages
                .iter()
                .map(|text| text.parse().map_err(|_| bad(text)))
                .collect::<Result<_>>()?,
        })
    }

    /// Names of properties.
    pub(super) fn selected(&self) -> impl Iterator<Item = &str> {
        self.select.iter().flatten().map(String::as_str)
    }

    pub(super) fn expands(&self) -> &[Expand] {
        &self.expand
    }

    /// `(LogicalName,OptionSet(Options))`, as a context says it.
    pub(super) fn context(&self) -> String {
        if self.select.is_none() && self.expand.is_empty() {
            return String::new();
        }
        let expanded = self.expand.iter().map(|expand| {
            let names: Vec<&str> = expand.options.selected().collect();
            format!("{}({})", expand.name, names.join(","))
        });
        let selected = self.selected().map(str::to_owned);
        let all: Vec<String> = selected.chain(expanded).collect();
        format!("({})", all.join(","))
    }

    /// The properties that were asked for, with the id; the type where the request did not say it.
    pub(super) fn project(&self, item: &Members, type_name: &str, is_cast: bool) -> Members {
        let is_wanted = |name: &str| match &self.select {
            Some(select) => name == "MetadataId" || select.iter().any(|wanted| wanted == name),
            None => !NAVIGATIONS.contains(&name),
        };
        let mut projected = Members::new();
        for (name, value) in item {
            if name == "@odata.type" {
                let told = value.as_str().and_then(|told| told.rsplit('.').next());
                if !is_cast || told != Some(type_name) {
                    projected.insert(name.clone(), value.clone());
                }
            } else if is_wanted(name) {
                projected.insert(name.clone(), value.clone());
            }
        }
        for name in self.selected() {
            if !projected.contains_key(name) && !NAVIGATIONS.contains(&name) {
                projected.insert(name.to_owned(), Value::Null);
            }
        }
        projected
    }

    /// Removes labels in other languages than asked for.
    pub(super) fn keep_languages(&self, members: &mut Members) {
        if !self.languages.is_empty() {
            members
                .values_mut()
                .for_each(|value| keep_languages(value, &self.languages));
        }
    }
}

/// Removes labels in other languages.
pub(super) fn keep_languages(value: &mut Value, languages: &[i64]) {
    match value {
        Value::Object(members) => {
            if let Some(Value::Array(labels)) = members.get_mut("LocalizedLabels") {
                let is_kept = |label: &Value| {
                    let code = label["LanguageCode"].as_i64();
                    code.is_some_and(|code| languages.contains(&code))
                };
                labels.retain(is_kept);
            }
            for value in members.values_mut() {
                keep_languages(value, languages);
            }
        }
        Value::Array(items) => {
            for item in items {
                keep_languages(item, languages);
            }
        }
        _ => {}
    }
}
