//! Choices and their options.

use uuid::Uuid;

use super::{Label, ManagedProperty, OptionSetType};

definition! {
    /// A choice: global, or of one column.
    ///
    /// ```
    /// use dataverse_client::definitions::{OptionDefinition, OptionSetDefinition};
    ///
    /// let colours = OptionSetDefinition::global("new_colour", "Colour")
    ///     .option(OptionDefinition::new(100_000_000, "Red"))
    ///     .option(OptionDefinition::new(100_000_001, "Green"));
    /// assert_eq!(colours.options.len(), 2);
    /// ```
    struct OptionSetDefinition {
        /// The id of the definition.
        metadata_id: Option<Uuid> = "MetadataId",
        /// `new_colour`; of a local one `account_industrycode`.
        name: Option<String> = "Name",
        /// The name people see.
        display_name: Option<Label> = "DisplayName",
        /// What it is for, in words.
        description: Option<Label> = "Description",
        /// What it is for.
        option_set_type: Option<OptionSetType> = "OptionSetType",
        /// Whether columns of several tables share it.
        is_global: Option<bool> = "IsGlobal",
        /// Whether it comes with a managed solution.
        is_managed: Option<bool> = "IsManaged",
        /// Whether an org added it.
        is_custom: Option<bool> = "IsCustomOptionSet",
        /// Whether it can be changed.
        is_customizable: Option<ManagedProperty<bool>> = "IsCustomizable",
        /// The options; none for yes and no.
        options: Vec<OptionDefinition> = "Options",
        /// Yes.
        true_option: Option<OptionDefinition> = "TrueOption",
        /// No.
        false_option: Option<OptionDefinition> = "FalseOption",
    }
}

definition! {
    /// An option of a choice.
    struct OptionDefinition {
        /// The number that rows hold.
        value: Option<i32> = "Value",
        /// The name people see.
        label: Option<Label> = "Label",
        /// What it means.
        description: Option<Label> = "Description",
        /// `#0000ff`.
        color: Option<String> = "Color",
        /// A number of another system.
        external_value: Option<String> = "ExternalValue",
        /// Whether it comes with a managed solution.
        is_managed: Option<bool> = "IsManaged",
        /// Whether forms do not offer it.
        is_hidden: Option<bool> = "IsHidden",
        /// Of `statuscode`: the state it belongs to.
        state: Option<i32> = "State",
        /// Of `statuscode`: what it may change to, as XML.
        transition_data: Option<String> = "TransitionData",
        /// Of `statecode`: the status that a row gets with it.
        default_status: Option<i32> = "DefaultStatus",
        /// Of `statecode`: `Active`, in every language.
        invariant_name: Option<String> = "InvariantName",
    }
}

impl OptionSetDefinition {
    /// A global choice without options, to be created.
    pub fn global(name: impl Into<String>, display_name: impl Into<Label>) -> Self {
        let mut choice = OptionSetDefinition {
            name: Some(name.into()),
            display_name: Some(display_name.into()),
            is_global: Some(true),
            option_set_type: Some(OptionSetType::PICKLIST),
            ..OptionSetDefinition::default()
        };
        choice.typed("OptionSetMetadata");
        choice
    }

    /// A choice of one column, to be created with it.
    pub fn local(options: impl IntoIterator<Item = OptionDefinition>) -> Self {
        let mut choice = OptionSetDefinition {
            is_global: Some(false),
            option_set_type: Some(OptionSetType::PICKLIST),
            options: options.into_iter().collect(),
            ..OptionSetDefinition::default()
        };
        choice.typed("OptionSetMetadata");
        choice
    }

    /// Yes and no, to be created with their column.
    pub fn boolean(yes: impl Into<Label>, no: impl Into<Label>) -> Self {
        OptionSetDefinition {
            true_option: Some(OptionDefinition::new(1, yes)),
            false_option: Some(OptionDefinition::new(0, no)),
            option_set_type: Some(OptionSetType::BOOLEAN),
            ..OptionSetDefinition::default()
        }
    }

    /// With one more option.
    #[must_use]
    pub fn option(mut self, option: OptionDefinition) -> Self {
        self.options.push(option);
        self
    }

    /// The option with this number.
    pub fn option_of(&self, value: i32) -> Option<&OptionDefinition> {
        let boolean = self.true_option.iter().chain(&self.false_option);
        let mut options = self.options.iter().chain(boolean);
        options.find(|option| option.value == Some(value))
    }

    /// Sets the type that a write needs, where an answer does not repeat it.
    pub(crate) fn typed(&mut self, name: &str) {
        let qualified = format!("Microsoft.Dynamics.CRM.{name}");
        let members = &mut self.other.0;
        members.insert("@odata.type".to_owned(), qualified.into());
    }
}

impl OptionDefinition {
    /// An option to be created.
    pub fn new(value: i32, label: impl Into<Label>) -> Self {
        OptionDefinition {
            value: Some(value),
            label: Some(label.into()),
            ..OptionDefinition::default()
        }
    }
}
