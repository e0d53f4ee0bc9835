//! Words that the service uses: each type has the known ones, and `Other` for what comes later.

use serde_json::{Value, json};

use super::members::Item;

/// Declares an enum of words. `wrapped` ones stand in an object: `{"Value":"UserLocal"}`.
macro_rules! words {
    (
        $(#[$attribute:meta])*
        $(@$wrapped:ident)? $name:ident { $($(#[$of_word:meta])* $word:ident,)* }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$of_word])* $word,)*
            /// A word that is not known here.
            Other(Box<str>),
        }

        impl $name {
            /// The word on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$word => stringify!($word),)*
                    $name::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $(stringify!($word) => $name::$word,)*
                    other => $name::Other(other.into()),
                }
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
        BigInt,
        /// Yes or no.
        Boolean,
        /// A date, possibly with a time.
        DateTime,
        /// Exact.
        Decimal,
        /// Floating point.
        Double,
        /// The table of a lookup.
        EntityName,
        /// A file.
        File,
        /// An image.
        Image,
        /// 32 bits.
        Integer,
        /// A row of another table; owners and customers, too.
        Lookup,
        /// A setting of a solution component.
        ManagedProperty,
        /// Long text.
        Memo,
        /// An amount in a currency.
        Money,
        /// Several options of a choice.
        MultiSelectPicklist,
        /// An option of a choice.
        Picklist,
        /// `statecode`.
        State,
        /// `statuscode`.
        Status,
        /// Text of one line.
        String,
        /// A GUID.
        UniqueIdentifier,
    }
}

words! {
    /// Who insists on a value in a column.
    RequiredLevel {
        /// Nobody.
        None,
        /// Forms recommend one.
        Recommended,
        /// Forms do; the Web API does not.
        ApplicationRequired,
        /// The service does.
        SystemRequired,
    }
}

words! {
    /// Who owns the rows of a table.
    Ownership {
        /// Nobody.
        None,
        /// A user or a team.
        UserOwned,
        /// A team.
        TeamOwned,
        /// A business unit.
        BusinessOwned,
        /// The org.
        OrganizationOwned,
        /// A business unit, through its parents.
        BusinessParented,
    }
}

words! {
    /// What happens to related rows.
    CascadeType {
        /// Nothing.
        NoCascade,
        /// The same to all.
        Cascade,
        /// The same to active ones.
        Active,
        /// The same to those with the same owner.
        UserOwned,
        /// The lookup is cleared.
        RemoveLink,
        /// It is refused while there are any.
        Restrict,
    }
}

words! {
    /// How related rows are shown.
    MenuBehavior {
        /// Under the plural name of the table.
        UseCollectionName,
        /// Under a label.
        UseLabel,
        /// Not at all.
        DoNotDisplay,
    }
}

words! {
    /// How far the index of an alternate key is.
    IndexStatus {
        /// To be built.
        Pending,
        /// Being built.
        InProgress,
        /// The key can be used.
        Active,
        /// Rows contradict the key, or its columns are too long.
        Failed,
    }
}

words! {
    /// What a choice is for.
    OptionSetType {
        /// Anything.
        Picklist,
        /// `statecode`.
        State,
        /// `statuscode`.
        Status,
        /// Yes or no.
        Boolean,
    }
}

words! {
    /// How text is shown and entered.
    @wrapped StringFormat {
        /// Plainly.
        Text,
        /// Several lines.
        TextArea,
        /// An e-mail address.
        Email,
        /// A link.
        Url,
        /// The name of a share.
        TickerSymbol,
        /// A telephone number.
        Phone,
        /// How a name is pronounced.
        PhoneticGuide,
        /// A version.
        VersionNumber,
        /// With formatting.
        RichText,
        /// JSON.
        Json,
    }
}

words! {
    /// How a date is shown and entered.
    DateTimeFormat {
        /// Without a time.
        DateOnly,
        /// With a time.
        DateAndTime,
    }
}

words! {
    /// What a date means.
    @wrapped DateTimeBehavior {
        /// A moment, shown in the user's time zone.
        UserLocal,
        /// A day.
        DateOnly,
        /// A date and time, the same in every time zone.
        TimeZoneIndependent,
    }
}

words! {
    /// How a whole number is shown and entered.
    IntegerFormat {
        /// As a number.
        None,
        /// As a length of time, in minutes.
        Duration,
        /// As a time zone.
        TimeZone,
        /// As a language.
        Language,
        /// As a locale.
        Locale,
    }
}

impl AttributeType {
    /// Every type that is known here.
    pub(crate) const ALL: &'static [AttributeType] = &[
        AttributeType::BigInt,
        AttributeType::Boolean,
        AttributeType::DateTime,
        AttributeType::Decimal,
        AttributeType::Double,
        AttributeType::EntityName,
        AttributeType::File,
        AttributeType::Image,
        AttributeType::Integer,
        AttributeType::Lookup,
        AttributeType::ManagedProperty,
        AttributeType::Memo,
        AttributeType::Money,
        AttributeType::MultiSelectPicklist,
        AttributeType::Picklist,
        AttributeType::State,
        AttributeType::Status,
        AttributeType::String,
        AttributeType::UniqueIdentifier,
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
            "Owner" | "Customer" | "PartyList" => Some(AttributeType::Lookup),
            _ => AttributeType::ALL
                .iter()
                .find(|known| known.as_str().eq_ignore_ascii_case(name))
                .cloned(),
        }
    }
}
