//! Words that the service uses: the known ones are constants, and others may come.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Value, json};

use super::members::Item;

/// Declares a type of words. `wrapped` ones stand in an object: `{"Value":"UserLocal"}`.
///
/// Constants and no variants, as with all enum types of the API: a variant `String` would give that
/// word a second meaning, and compilers then write the path of the other one into their messages.
macro_rules! words {
    (
        $(#[$attribute:meta])*
        $(@$wrapped:ident)? $name:ident { $($(#[$of_word:meta])* $word:ident = $text:literal,)* }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            $($(#[$of_word])* pub const $word: $name = $name(Cow::Borrowed($text));)*

            /// The word on the wire, known here or not.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                $name(Cow::Owned(word.to_owned()))
            }
        }

        impl Item for $name {
            fn read(value: &Value) -> Option<Self> {
                words!(@read value $($wrapped)?).map($name::from)
            }

            fn write(&self) -> Value {
                words!(@write (self.as_str()) $($wrapped)?)
            }
        }
    };
    (@read $value:ident) => { $value.as_str() };
    (@read $value:ident wrapped) => { $value["Value"].as_str() };
    (@write ($text:expr)) => { json!($text) };
    (@write ($text:expr) wrapped) => { json!({ "Value": $text }) };
}

words! {
    /// The type of a column (`AttributeTypeName` without its last four letters), and of the
    /// definition that has its own properties (a cast in a request).
    AttributeType {
        /// 64 bits.
        BIG_INT = "BigInt",
        /// Yes or no.
        BOOLEAN = "Boolean",
        /// A date, possibly with a time.
        DATE_TIME = "DateTime",
        /// Exact.
        DECIMAL = "Decimal",
        /// Floating point.
        DOUBLE = "Double",
        /// The table of a lookup.
        ENTITY_NAME = "EntityName",
        /// A file.
        FILE = "File",
        /// An image.
        IMAGE = "Image",
        /// 32 bits.
        INTEGER = "Integer",
        /// A row of another table; owners and customers, too.
        LOOKUP = "Lookup",
        /// A setting of a solution component.
        MANAGED_PROPERTY = "ManagedProperty",
        /// Long text.
        MEMO = "Memo",
        /// An amount in a currency.
        MONEY = "Money",
        /// Several options of a choice.
        MULTI_SELECT_PICKLIST = "MultiSelectPicklist",
        /// An option of a choice.
        PICKLIST = "Picklist",
        /// `statecode`.
        STATE = "State",
        /// `statuscode`.
        STATUS = "Status",
        /// Text of one line.
        STRING = "String",
        /// A GUID.
        UNIQUE_IDENTIFIER = "UniqueIdentifier",
    }
}

words! {
    /// Who insists on a value in a column.
    RequiredLevel {
        /// Nobody.
        NONE = "None",
        /// Forms recommend one.
        RECOMMENDED = "Recommended",
        /// Forms do; the Web API does not.
        APPLICATION_REQUIRED = "ApplicationRequired",
        /// The service does.
        SYSTEM_REQUIRED = "SystemRequired",
    }
}

words! {
    /// Who owns the rows of a table.
    Ownership {
        /// Nobody.
        NONE = "None",
        /// A user or a team.
        USER_OWNED = "UserOwned",
        /// A team.
        TEAM_OWNED = "TeamOwned",
        /// A business unit.
        BUSINESS_OWNED = "BusinessOwned",
        /// The org.
        ORGANIZATION_OWNED = "OrganizationOwned",
        /// A business unit, through its parents.
        BUSINESS_PARENTED = "BusinessParented",
    }
}

words! {
    /// What happens to related rows.
    CascadeType {
        /// Nothing.
        NO_CASCADE = "NoCascade",
        /// The same to all.
        CASCADE = "Cascade",
        /// The same to active ones.
        ACTIVE = "Active",
        /// The same to those with the same owner.
        USER_OWNED = "UserOwned",
        /// The lookup is cleared.
        REMOVE_LINK = "RemoveLink",
        /// It is refused while there are any.
        RESTRICT = "Restrict",
    }
}

words! {
    /// How related rows are shown.
    MenuBehavior {
        /// Under the plural name of the table.
        USE_COLLECTION_NAME = "UseCollectionName",
        /// Under a label.
        USE_LABEL = "UseLabel",
        /// Not at all.
        DO_NOT_DISPLAY = "DoNotDisplay",
    }
}

words! {
    /// How far the index of an alternate key is.
    IndexStatus {
        /// To be built.
        PENDING = "Pending",
        /// Being built.
        IN_PROGRESS = "InProgress",
        /// The key can be used.
        ACTIVE = "Active",
        /// Rows contradict the key, or its columns are too long.
        FAILED = "Failed",
    }
}

words! {
    /// What a choice is for.
    OptionSetType {
        /// Anything.
        PICKLIST = "Picklist",
        /// `statecode`.
        STATE = "State",
        /// `statuscode`.
        STATUS = "Status",
        /// Yes or no.
        BOOLEAN = "Boolean",
    }
}

words! {
    /// How text is shown and entered.
    @wrapped StringFormat {
        /// Plainly.
        TEXT = "Text",
        /// Several lines.
        TEXT_AREA = "TextArea",
        /// An e-mail address.
        EMAIL = "Email",
        /// A link.
        URL = "Url",
        /// The name of a share.
        TICKER_SYMBOL = "TickerSymbol",
        /// A telephone number.
        PHONE = "Phone",
        /// How a name is pronounced.
        PHONETIC_GUIDE = "PhoneticGuide",
        /// A version.
        VERSION_NUMBER = "VersionNumber",
        /// With formatting.
        RICH_TEXT = "RichText",
        /// JSON.
        JSON = "Json",
    }
}

words! {
    /// How a date is shown and entered.
    DateTimeFormat {
        /// Without a time.
        DATE_ONLY = "DateOnly",
        /// With a time.
        DATE_AND_TIME = "DateAndTime",
    }
}

words! {
    /// What a date means.
    @wrapped DateTimeBehavior {
        /// A moment, shown in the user's time zone.
        USER_LOCAL = "UserLocal",
        /// A day.
        DATE_ONLY = "DateOnly",
        /// A date and time, the same in every time zone.
        TIME_ZONE_INDEPENDENT = "TimeZoneIndependent",
    }
}

words! {
    /// How a whole number is shown and entered.
    IntegerFormat {
        /// As a number.
        NONE = "None",
        /// As a length of time, in minutes.
        DURATION = "Duration",
        /// As a time zone.
        TIME_ZONE = "TimeZone",
        /// As a language.
        LANGUAGE = "Language",
        /// As a locale.
        LOCALE = "Locale",
    }
}

impl AttributeType {
    /// Every type that is known here.
    pub(crate) const ALL: &'static [AttributeType] = &[
        AttributeType::BIG_INT,
        AttributeType::BOOLEAN,
        AttributeType::DATE_TIME,
        AttributeType::DECIMAL,
        AttributeType::DOUBLE,
        AttributeType::ENTITY_NAME,
        AttributeType::FILE,
        AttributeType::IMAGE,
        AttributeType::INTEGER,
        AttributeType::LOOKUP,
        AttributeType::MANAGED_PROPERTY,
        AttributeType::MEMO,
        AttributeType::MONEY,
        AttributeType::MULTI_SELECT_PICKLIST,
        AttributeType::PICKLIST,
        AttributeType::STATE,
        AttributeType::STATUS,
        AttributeType::STRING,
        AttributeType::UNIQUE_IDENTIFIER,
    ];

    /// The qualified name of its definition: `Microsoft.Dynamics.CRM.StringAttributeMetadata`.
    pub fn definition_name(&self) -> String {
        format!("Microsoft.Dynamics.CRM.{}AttributeMetadata", self.as_str())
    }

    /// The type by its name in any of its spellings: `String`, `StringType`,
    /// `#Microsoft.Dynamics.CRM.ComplexStringAttributeMetadata`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let name = name.rsplit(['.', '#']).next()?;
        let name = name.strip_suffix("AttributeMetadata").map_or_else(
            || name.strip_suffix("Type").unwrap_or(name),
            |name| name.strip_prefix("Complex").unwrap_or(name),
        );
        match name {
            "Owner" | "Customer" | "PartyList" => Some(AttributeType::LOOKUP),
            _ => AttributeType::ALL
                .iter()
                .find(|known| known.as_str().eq_ignore_ascii_case(name))
                .cloned(),
        }
    }
}
