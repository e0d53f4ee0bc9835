//! `#[derive(FetchRow)]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DeriveInput, Field, Ident, LitStr, Path, Type};

use crate::attrs;
use crate::diagnostics::Errors;

/// A field, and what it is read from.
struct Part<'a> {
    field: &'a Ident,
    field_type: &'a Type,
    alias: String,
}

pub(crate) fn derive(input: &DeriveInput) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    let krate = attrs::crate_alone(input, &mut errors);
    attrs::refuse_generics(input, "FetchRow", &mut errors);
    let fields = attrs::named_fields(input, "FetchRow", &mut errors);
    let parts: Vec<_> = fields
        .into_iter()
        .flatten()
        .filter_map(|field| part(field, &mut errors))
        .collect();
    errors.into_result(())?;
    Ok(expand(input, &krate, &parts))
}

fn part<'a>(field: &'a Field, errors: &mut Errors) -> Option<Part<'a>> {
    let ident = field.ident.as_ref()?;
    let mut alias: Option<LitStr> = None;
    attrs::each_item(&field.attrs, errors, |meta| {
        if meta.path.is_ident("alias") {
            // Of a linked table: `owner.fullname`.
            alias = Some(attrs::qualified_name(meta)?);
            return Ok(());
        }
        Err(meta.error("unknown here; `alias` is known"))
    });
    Some(Part {
        field: ident,
        field_type: &field.ty,
        alias: alias.map_or_else(|| ident.unraw().to_string(), |alias| alias.value()),
    })
}

fn expand(input: &DeriveInput, krate: &Path, parts: &[Part<'_>]) -> TokenStream {
    let name = &input.ident;
    let reads = parts.iter().map(|part| {
        let Part {
            field,
            field_type,
            alias,
        } = part;
        // Blamed on the type, where it cannot be read.
        match attrs::option_content(field_type) {
            Some(content) => quote_spanned! { content.span() =>
                #field: row.get::<#content>(#alias)?
            },
            None => quote_spanned! { field_type.span() =>
                #field: #krate::codegen::present::<#field_type>(&row, #alias)?
            },
        }
    });
    quote! {
        impl #krate::FetchRow for #name {
            type Row = Self;

            fn from_any_row(row: #krate::AnyRow) -> #krate::Result<Self> {
                ::std::result::Result::Ok(#name { #(#reads,)* })
            }
        }
    }
}
