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

/// The named fields of a struct without type parameters.
pub(crate) fn named_fields<'a>(
    input: &'a DeriveInput,
    derive: &str,
    errors: &mut Errors,
) -> Option<&'a Punctuated<Field, Token![,]>> {
    if !input.generics.params.is_empty() {
        errors.at(
            &input.generics,
            format!("`{derive}` takes no type parameters or lifetimes: rows own their values"),
        );
    }
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

/// Where `dataverse_client` is.
pub(crate) fn default_crate() -> Path {
    Ident::new("dataverse_client", Span::call_site()).into()
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
    let Type::Path(path) = field_type else {
        return None;
    };
    let last = path.path.segments.last()?;
    if last.ident != "Option" {
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
