//! Texts in several languages.

/// English (United States).
const ENGLISH: i32 = 1033;

definition! {
    /// One text in several languages.
    ///
    /// Made from text, it is English (1033); an org whose base language is another one takes
    /// [`Label::new`].
    ///
    /// ```
    /// use dataverse_client::definitions::Label;
    ///
    /// let label = Label::new(1031, "Bankname").with(1033, "Bank Name");
    /// assert_eq!(label.text(1033), Some("Bank Name"));
    /// ```
    struct Label {
        /// The text in each language that the org has, or that was asked for.
        localized: Vec<LocalizedLabel> = "LocalizedLabels",
        /// The text in the language of the user who asked.
        user: Option<LocalizedLabel> = "UserLocalizedLabel",
    }
}

definition! {
    /// A text in one language.
    struct LocalizedLabel {
        /// The text.
        text: Option<String> = "Label",
        /// The language, as a locale id: 1033.
        language_code: Option<i32> = "LanguageCode",
        /// Whether it comes with a managed solution.
        is_managed: Option<bool> = "IsManaged",
    }
}

impl Label {
    /// A text in the language with this locale id.
    pub fn new(language_code: i32, text: impl Into<String>) -> Self {
        let mut label = Label::default();
        label.other.0.insert(
            "@odata.type".to_owned(),
            "Microsoft.Dynamics.CRM.Label".into(),
        );
        label.with(language_code, text)
    }

    /// The same in one more language, or another text in this one.
    #[must_use]
    pub fn with(mut self, language_code: i32, text: impl Into<String>) -> Self {
        self.set(language_code, text);
        self
    }

    /// Sets the text in a language.
    pub fn set(&mut self, language_code: i32, text: impl Into<String>) {
        let text = Some(text.into());
        let is_it = |label: &&mut LocalizedLabel| label.language_code == Some(language_code);
        if let Some(user) = self.user.as_mut().filter(is_it) {
            user.text.clone_from(&text);
        }
        if let Some(known) = self.localized.iter_mut().find(is_it) {
            known.text = text;
        } else {
            self.localized
                .push(LocalizedLabel::new(language_code, text));
        }
    }

    /// The text in this language.
    pub fn text(&self, language_code: i32) -> Option<&str> {
        let mut labels = self.localized.iter();
        let found = labels.find(|label| label.language_code == Some(language_code));
        found?.text.as_deref()
    }

    /// The text in the user's language, else in the first that there is.
    pub fn user_text(&self) -> Option<&str> {
        self.user
            .iter()
            .chain(&self.localized)
            .find_map(|label| label.text.as_deref())
    }
}

impl LocalizedLabel {
    fn new(language_code: i32, text: Option<String>) -> Self {
        let mut label = LocalizedLabel {
            text,
            language_code: Some(language_code),
            ..LocalizedLabel::default()
        };
        label.other.0.insert(
            "@odata.type".to_owned(),
            "Microsoft.Dynamics.CRM.LocalizedLabel".into(),
        );
        label
    }
}

/// In English.
impl From<&str> for Label {
    fn from(text: &str) -> Self {
        Label::new(ENGLISH, text)
    }
}

/// In English.
impl From<String> for Label {
    fn from(text: String) -> Self {
        Label::new(ENGLISH, text)
    }
}
