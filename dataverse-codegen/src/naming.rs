//! Rust names for what the document names. Wire names are kept in the tables; these are only for
//! reading.
//!
//! Deterministic: names are given in the order of the wire names, whatever the order of the
//! document, and a name that is taken gets `_`, then a number.

use std::collections::BTreeMap;

use rustc_hash::{FxBuildHasher, FxHashSet};

/// How things are called, where it shall not be the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameOptions {
    /// Rust names by what they name, as in `names.lock`: `table account`, `column account.new_type`,
    /// `choice account.industrycode`, `option account.industrycode.12`.
    pub renames: BTreeMap<String, String>,
    /// Publisher prefixes that are left out of Rust names: `new_`.
    pub strip_prefixes: Vec<String>,
}

/// Schema names of tables that every org has: the document holds the logical names only.
const SCHEMA_NAMES: &[(&str, &str)] = &[
    ("actioncard", "ActionCard"),
    ("activityparty", "ActivityParty"),
    ("activitypointer", "ActivityPointer"),
    ("asyncoperation", "AsyncOperation"),
    ("bulkdeleteoperation", "BulkDeleteOperation"),
    ("bulkoperation", "BulkOperation"),
    ("businessunit", "BusinessUnit"),
    ("calendarrule", "CalendarRule"),
    ("campaignactivity", "CampaignActivity"),
    ("campaignresponse", "CampaignResponse"),
    ("connectionrole", "ConnectionRole"),
    ("contractdetail", "ContractDetail"),
    ("contracttemplate", "ContractTemplate"),
    ("customeraddress", "CustomerAddress"),
    ("discounttype", "DiscountType"),
    ("duplicaterecord", "DuplicateRecord"),
    ("duplicaterule", "DuplicateRule"),
    ("emailserverprofile", "EmailServerProfile"),
    ("entitlementchannel", "EntitlementChannel"),
    ("entitlementtemplate", "EntitlementTemplate"),
    (
        "environmentvariabledefinition",
        "EnvironmentVariableDefinition",
    ),
    ("environmentvariablevalue", "EnvironmentVariableValue"),
    ("fieldsecurityprofile", "FieldSecurityProfile"),
    ("fileattachment", "FileAttachment"),
    ("importfile", "ImportFile"),
    ("importjob", "ImportJob"),
    ("importmap", "ImportMap"),
    ("incidentresolution", "IncidentResolution"),
    ("interactionforemail", "InteractionForEmail"),
    ("internaladdress", "InternalAddress"),
    ("invoicedetail", "InvoiceDetail"),
    ("kbarticle", "KbArticle"),
    ("knowledgearticle", "KnowledgeArticle"),
    ("knowledgebaserecord", "KnowledgeBaseRecord"),
    ("mailmergetemplate", "MailMergeTemplate"),
    ("opportunityclose", "OpportunityClose"),
    ("opportunityproduct", "OpportunityProduct"),
    ("orderclose", "OrderClose"),
    ("phonecall", "PhoneCall"),
    ("pluginassembly", "PluginAssembly"),
    ("plugintype", "PluginType"),
    ("pricelevel", "PriceLevel"),
    ("processsession", "ProcessSession"),
    ("processstage", "ProcessStage"),
    ("productpricelevel", "ProductPriceLevel"),
    ("queueitem", "QueueItem"),
    ("quoteclose", "QuoteClose"),
    ("quotedetail", "QuoteDetail"),
    ("recurringappointmentmaster", "RecurringAppointmentMaster"),
    ("routingrule", "RoutingRule"),
    ("salesliterature", "SalesLiterature"),
    ("salesorder", "SalesOrder"),
    ("salesorderdetail", "SalesOrderDetail"),
    ("savedquery", "SavedQuery"),
    ("sdkmessage", "SdkMessage"),
    ("serviceappointment", "ServiceAppointment"),
    ("sharepointdocumentlocation", "SharePointDocumentLocation"),
    ("sharepointsite", "SharePointSite"),
    ("slakpiinstance", "SlaKpiInstance"),
    ("socialactivity", "SocialActivity"),
    ("socialprofile", "SocialProfile"),
    ("stringmap", "StringMap"),
    ("systemform", "SystemForm"),
    ("systemuser", "SystemUser"),
    ("teamtemplate", "TeamTemplate"),
    ("timezonedefinition", "TimeZoneDefinition"),
    ("transactioncurrency", "TransactionCurrency"),
    ("uomschedule", "UomSchedule"),
    ("userquery", "UserQuery"),
    ("usersettings", "UserSettings"),
    ("webresource", "WebResource"),
];

/// Names that generated code uses bare, or that Rust does not allow.
const RESERVED_TYPES: &[&str] = &[
    "Box",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Eq",
    "Err",
    "None",
    "Ok",
    "Option",
    "PartialEq",
    "Result",
    "Self",
    "Some",
    "String",
    "Vec",
];

/// Modules of the output that are no table's; `nav` is in the file of each table, `exports` in a
/// single file.
const RESERVED_MODULES: &[&str] = &[
    "bound",
    "choices",
    "exports",
    "lookups",
    "mod",
    "nav",
    "operations",
    "stubs",
    "types",
];

const KEYWORDS: &[&str] = &[
    "Self", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue",
    "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if",
    "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub",
    "ref", "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield", "_",
];

const LONGEST_KEYWORD: usize = "abstract".len();

/// Gives each name once.
#[derive(Debug, Default)]
pub(crate) struct Taken(FxHashSet<String>);

impl Taken {
    /// `name`, or the first like it that is free.
    pub(crate) fn give(&mut self, name: String) -> String {
        let mut candidate = name;
        if self.reserve(&candidate) {
            return candidate;
        }
        if !candidate.ends_with('_') {
            candidate.push('_');
        }
        let base = candidate.clone();
        let mut number = 2;
        while !self.0.insert(candidate.clone()) {
            candidate = format!("{base}{number}");
            number += 1;
        }
        candidate
    }
}

impl Taken {
    /// Keeps `name` from being given; whether it was free.
    pub(crate) fn reserve(&mut self, name: &str) -> bool {
        self.0.insert(name.to_owned())
    }
}

/// The names, each given once.
pub(crate) fn each_once(names: Vec<String>) -> Vec<String> {
    let mut seen = FxHashSet::with_capacity_and_hasher(names.len(), FxBuildHasher);
    // Nearly always no two are alike, and none needs a copy.
    if names.iter().all(|name| seen.insert(name.as_str())) {
        return names;
    }
    let mut taken = Taken::default();
    names.into_iter().map(|name| taken.give(name)).collect()
}

/// A label as the name of a variant: `FinancialServices` of `Financial Services`; None if it has
/// no letter or digit.
pub(crate) fn variant(label: &str) -> Option<String> {
    let ascii = deunicode::deunicode_with_tofu(label, " ");
    let is_apostrophe = |char: char| matches!(char, '\'' | '`');
    let mut out = String::with_capacity(ascii.len());
    for word in ascii.split(|char: char| !char.is_ascii_alphanumeric() && !is_apostrophe(char)) {
        let mut letters = word.chars().filter(|char| !is_apostrophe(*char));
        let Some(first) = letters.next() else {
            continue;
        };
        // Two numbers in a row would read as one.
        if first.is_ascii_digit() && out.ends_with(|char: char| char.is_ascii_digit()) {
            out.push('_');
        }
        out.push(first.to_ascii_uppercase());
        out.extend(letters);
    }
    let first = out.chars().next()?;
    if first.is_ascii_digit() {
        out.insert(0, '_');
    }
    Some(identifier(&out))
}

/// `SystemUser` of `systemuser`, `NewProject` of `new_project`.
pub(crate) fn type_name(logical_name: &str) -> String {
    let known = SCHEMA_NAMES.binary_search_by_key(&logical_name, |(name, _)| name);
    if let Ok(index) = known {
        return SCHEMA_NAMES[index].1.to_owned();
    }
    item_name(logical_name)
}

/// The type of an operation or of an answer.
pub(crate) fn item_name(name: &str) -> String {
    let mut name = pascal(name);
    if RESERVED_TYPES.contains(&name.as_str()) {
        name.push('_');
    }
    name
}

/// Words begin at `_`; what is upper case already stays so.
pub(crate) fn pascal(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let is_letter = |char: char| char != '_' && is_part(char);
    for word in name.split(|char| !is_letter(char)) {
        let mut chars = word.chars();
        if let Some(first) = chars.next() {
            out.extend(first.to_uppercase());
            out.push_str(chars.as_str());
        }
    }
    if !out.starts_with(is_start) {
        out.insert(0, 'X');
    }
    out
}

/// A module, also a file: the same on disks that do not tell upper from lower case, and in ASCII,
/// without which Rust does not find the file; so it is no type's name either, where letters have no
/// case.
pub(crate) fn module_name(logical_name: &str) -> String {
    let mut name = match logical_name.is_ascii() {
        true => identifier(logical_name).to_lowercase(),
        false => identifier(deunicode::deunicode(logical_name).trim()).to_lowercase(),
    };
    if RESERVED_MODULES.contains(&name.as_str()) {
        name.push('_');
    }
    name
}

/// Whether [`identifier`] leaves it as it is, it is in lower case, and [`constant_name`] only turns
/// that into upper case: two such names are never one constant.
pub(crate) fn is_plain_field(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().fold(true, |all, byte| all & is_part(byte))
        && !is_keyword(name)
}

/// A field or a module: the name as it is, unless Rust does not allow it.
pub(crate) fn identifier(name: &str) -> String {
    let mut out = if is_plain(name) {
        name.to_owned()
    } else {
        let allowed = |char| if is_part(char) { char } else { '_' };
        name.chars().map(allowed).collect()
    };
    if !out.starts_with(|first: char| is_start(first) || first == '_') {
        out.insert(0, '_');
    }
    if is_keyword(&out) {
        out.push('_');
    }
    out
}

fn is_keyword(name: &str) -> bool {
    name.len() <= LONGEST_KEYWORD && KEYWORDS.contains(&name)
}

/// Whether it holds letters and digits of ASCII and `_` alone.
fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().fold(true, |all, byte| all & is_plain(byte))
}

/// Whether Rust allows it within a name.
fn is_part(char: char) -> bool {
    char == '_' || char.is_ascii_digit() || is_start(char)
}

/// Whether Rust lets a name begin with it. Some letters of Unicode only go on with a word.
fn is_start(char: char) -> bool {
    char.is_ascii_alphabetic() || (!char.is_ascii() && unicode_ident::is_xid_start(char))
}

/// Whether the compiler takes it for snake case: no upper case, no `__` between words.
pub(crate) fn is_snake(name: &str) -> bool {
    let has_upper_case = match name.is_ascii() {
        true => name.bytes().any(|byte| byte.is_ascii_uppercase()),
        false => name.chars().any(char::is_uppercase),
    };
    let mut pairs = name.trim_matches('_').as_bytes().windows(2);
    !has_upper_case && !pairs.any(|pair| pair == b"__")
}

/// A constant. No keyword is upper case.
pub(crate) fn constant_name(name: &str) -> String {
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) && is_plain(name) {
        return name.to_ascii_uppercase();
    }
    let name = match name.is_ascii() {
        true => name.to_ascii_uppercase(),
        false => name.to_uppercase(),
    };
    match identifier(&name) {
        only if only.trim_matches('_').is_empty() => format!("X{only}"),
        constant => constant,
    }
}

/// `opportunity_close` of `OpportunityClose`, `entity_id` of `entityID`, `new_name` of `new__Name`.
pub(crate) fn snake(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 4);
    for (index, &char) in chars.iter().enumerate() {
        let after_lower = index > 0 && !chars[index - 1].is_uppercase() && chars[index - 1] != '_';
        let before_lower = index > 0
            && chars[index - 1].is_uppercase()
            && chars.get(index + 1).is_some_and(|next| next.is_lowercase());
        let is_second_underscore = char == '_' && index > 0 && chars[index - 1] == '_';
        if is_second_underscore {
            continue;
        }
        if char.is_uppercase() && (after_lower || before_lower) {
            out.push('_');
        }
        out.extend(char.to_lowercase());
    }
    identifier(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_names_can_be_searched() {
        assert!(SCHEMA_NAMES.is_sorted_by_key(|(name, _)| *name));
        let longest = KEYWORDS.iter().map(|keyword| keyword.len()).max();
        assert_eq!(longest, Some(LONGEST_KEYWORD));
    }

    #[test]
    fn names_are_readable_and_allowed() {
        assert_eq!(type_name("systemuser"), "SystemUser");
        assert_eq!(type_name("ssg_otherasset___result"), "SsgOtherassetResult");
        assert_eq!(type_name("option"), "Option_");
        assert_eq!(type_name("042a"), "X042a");
        assert_eq!(identifier("type"), "type_");
        assert_eq!(identifier("2x"), "_2x");
        assert_eq!(module_name("operations"), "operations_");
        assert_eq!(module_name("nav"), "nav_");
        assert_eq!(constant_name("type"), "TYPE");
        assert_eq!(constant_name("_x"), "_X");
        assert_eq!(constant_name("_"), "X__");
        assert_eq!(constant_name("a-b"), "A_B");
        assert_eq!(type_name("a-b²c"), "ABC");
        assert_eq!(item_name("systemuser"), "Systemuser");
        assert_eq!(snake("OpportunityClose"), "opportunity_close");
        assert_eq!(snake("entityID"), "entity_id");
        assert_eq!(snake("KPIValues"), "kpi_values");
        assert_eq!(snake("Type"), "type_");
        assert_eq!(snake("new_Name"), "new_name");
        assert_eq!(snake("new__Name"), "new_name");
        assert!(is_snake("_a_b_") && !is_snake("a__b") && !is_snake("aB"));
    }

    #[test]
    fn a_name_is_given_once() {
        let mut taken = Taken::default();
        let given: Vec<_> = (0..3).map(|_| taken.give("a".into())).collect();
        assert_eq!(given, ["a", "a_", "a_2"]);
        let given: Vec<_> = (0..3).map(|_| taken.give("type_".into())).collect();
        assert_eq!(given, ["type_", "type_2", "type_3"]);
        let names = |names: [&str; 3]| names.map(str::to_owned).to_vec();
        assert_eq!(each_once(names(["b", "a", "c"])), ["b", "a", "c"]);
        assert_eq!(each_once(names(["b", "a", "b"])), ["b", "a", "b_"]);
    }

    #[test]
    fn a_plain_field_is_named_as_it_is() {
        for name in ["a", "new_type2", "a__b", "typed"] {
            assert!(is_plain_field(name));
            assert_eq!(identifier(name), name);
            assert_eq!(constant_name(name), name.to_ascii_uppercase());
        }
        for name in ["", "_a", "2a", "A", "aB", "type", "a-b", "é"] {
            assert!(!is_plain_field(name), "{name}");
        }
    }
}
