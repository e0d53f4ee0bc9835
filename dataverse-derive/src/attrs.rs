//! Reading `#[dataverse(…)]` and the shape of the input.

use proc_macro2::Span;
use quote::format_ident;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Data, DeriveInput, Field, Fields, GenericArgument, Ident, LitStr, Path,
    PathArguments, Token, Type,
};

use crate::diagnostics::Errors;

/// What a struct without its table is told.
pub(crate) const WHICH_TABLE: &str =
    "which table? Say `#[dataverse(entity = Account)]` with the table's type";

/// A table, a choice and a list of targets are one thing each.
pub(crate) fn refuse_generics(input: &DeriveInput, derive: &str, errors: &mut Errors) {
    if !input.generics.params.is_empty() {
        errors.at(
            &input.generics,
            format!("`{derive}` takes no type parameters or lifetimes"),
        );
    }
}

/// Rows own their values.
pub(crate) fn refuse_lifetimes(input: &DeriveInput, derive: &str, errors: &mut Errors) {
    for lifetime in input.generics.lifetimes() {
        errors.at(
            lifetime,
            format!("`{derive}` takes no lifetimes: rows own their values"),
        );
    }
}

/// The named fields of a struct.
pub(crate) fn named_fields<'a>(
    input: &'a DeriveInput,
    derive: &str,
    errors: &mut Errors,
) -> Option<&'a Punctuated<Field, Token![,]>> {
    refuse_lifetimes(input, derive, errors);
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) if !fields.named.is_empty() => return Some(&fields.named),
            _ => errors.at(
                &input.ident,
                format!("`{derive}` needs a struct with at least one named field"),
            ),
        },
        _ => errors.at(&input.ident, format!("`{derive}` needs a struct")),
    }
    None
}

/// Calls `item` for everything in the `#[dataverse(…)]` of `attributes`.
pub(crate) fn each_item(
    attributes: &[Attribute],
    errors: &mut Errors,
    mut item: impl FnMut(&ParseNestedMeta<'_>) -> syn::Result<()>,
) {
    for attribute in attributes {
        if attribute.path().is_ident("dataverse")
            && let Err(error) = attribute.parse_nested_meta(|meta| item(&meta))
        {
            errors.add(error);
        }
    }
}

/// The path in `name = some::path`.
pub(crate) fn path(meta: &ParseNestedMeta<'_>) -> syn::Result<Path> {
    // `crate = crate` and `crate = self` are keywords, which a plain path takes, too.
    meta.value()?.call(Path::parse_mod_style)
}

/// The text in `name = "text"`.
pub(crate) fn text(meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    let text: LitStr = meta.value()?.parse()?;
    let value = text.value();
    let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
    if value.is_empty() || !value.chars().all(is_name) {
        return Err(syn::Error::new_spanned(
            &text,
            "a name in Dataverse has letters, digits and `_` only",
        ));
    }
    Ok(text)
}

/// The text in `name = "text"`, which may be qualified.
pub(crate) fn qualified_name(meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    let text: LitStr = meta.value()?.parse()?;
    let value = text.value();
    let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let mut parts = value.split('.');
    if parts.any(|part| part.is_empty() || !part.chars().all(is_name)) {
        return Err(syn::Error::new_spanned(
            &text,
            "a name in Dataverse has letters, digits and `_` only, or is qualified by \
             `Microsoft.Dynamics.CRM.`",
        ));
    }
    Ok(text)
}

/// Where `dataverse_client` is.
pub(crate) fn default_crate() -> Path {
    Ident::new("dataverse_client", Span::call_site()).into()
}

/// Where `dataverse_client` is, by attributes that say nothing else.
pub(crate) fn crate_alone(input: &DeriveInput, errors: &mut Errors) -> Path {
    let mut krate = default_crate();
    each_item(&input.attrs, errors, |meta| {
        if meta.path.is_ident("crate") {
            krate = path(meta)?;
            return Ok(());
        }
        Err(meta.error("unknown here; `crate` is known"))
    });
    krate
}

/// The column that a field stands for.
pub(crate) struct ColumnName {
    /// The logical name.
    pub(crate) logical_name: String,
    /// Where the user wrote it.
    pub(crate) span: Span,
}

impl ColumnName {
    /// The name given by `#[dataverse(column = …)]`, or the field's own.
    pub(crate) fn of(field: &Ident, given: Option<LitStr>) -> Self {
        match given {
            Some(text) => ColumnName {
                logical_name: text.value(),
                span: text.span(),
            },
            None => ColumnName {
                logical_name: field.unraw().to_string(),
                span: field.span(),
            },
        }
    }

    /// The table's constant for the column, blamed on the user's own token.
    pub(crate) fn constant(&self) -> Ident {
        let name = self.logical_name.to_uppercase();
        format_ident!("{name}", span = self.span)
    }
}

/// The `T` of `Option<T>`.
pub(crate) fn option_content(field_type: &Type) -> Option<&Type> {
    content_of(field_type, "Option")
}

/// Whether the last segment of a type's path is `name`.
pub(crate) fn is_called(field_type: &Type, name: &str) -> bool {
    matches!(field_type, Type::Path(path)
        if path.path.segments.last().is_some_and(|last| last.ident == name))
}

/// The `T` of `name<T>`.
pub(crate) fn content_of<'t>(field_type: &'t Type, name: &str) -> Option<&'t Type> {
    let Type::Path(path) = field_type else {
        return None;
    };
    let last = path.path.segments.last()?;
    if last.ident != name {
        return None;
    }
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
            GenericArgument::Type(content) => Some(content),
            _ => None,
        },
        _ => None,
    }
}
