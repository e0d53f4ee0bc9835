//! `#[derive(Write)]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Field, Ident, LitStr, Path, Type};

use crate::attrs::{self, ColumnName};
use crate::diagnostics::Errors;

/// A field of the user's struct.
struct Part<'a> {
    name: &'a Ident,
    field_type: &'a Type,
    column: ColumnName,
    how: How,
    is_lookup: bool,
}

/// What a field says.
#[derive(Clone, Copy)]
enum How {
    /// `Edit`: keep, clear or set.
    Edit,
    /// Always a value.
    Always,
    /// An `Option` whose `None` leaves the column alone.
    NoneSkips,
    /// An `Option` whose `None` clears the column.
    NoneClears,
}

pub(crate) fn derive(input: &DeriveInput) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    let mut entity: Option<Path> = None;
    let mut krate = attrs::default_crate();
    let (mut create, mut update) = (false, false);
    attrs::each_item(&input.attrs, &mut errors, |meta| {
        if meta.path.is_ident("entity") {
            entity = Some(attrs::path(meta)?);
        } else if meta.path.is_ident("crate") {
            krate = attrs::path(meta)?;
        } else if meta.path.is_ident("create") {
            create = true;
        } else if meta.path.is_ident("update") {
            update = true;
        } else {
            return Err(
                meta.error("unknown here; `entity`, `create`, `update` and `crate` are known")
            );
        }
        Ok(())
    });
    if entity.is_none() {
        errors.at(&input.ident, attrs::WHICH_TABLE);
    }
    let fields = attrs::named_fields(input, "Write", &mut errors);
    let parts: Vec<_> = fields
        .into_iter()
        .flatten()
        .filter_map(|field| part(field, &mut errors))
        .collect();
    let entity = errors.into_result(entity)?;
    // Whichever is not excluded.
    let (create, update) = if create || update {
        (create, update)
    } else {
        (true, true)
    };
    let bodies = [(create, quote!(New)), (update, quote!(Changes))];
    let conversions = bodies.into_iter().filter(|(is_wanted, _)| *is_wanted);
    Ok(conversions
        .map(|(_, body)| conversion(input, entity.as_ref(), &krate, &body, &parts))
        .collect())
}

fn part<'a>(field: &'a Field, errors: &mut Errors) -> Option<Part<'a>> {
    let name = field.ident.as_ref()?;
    let mut column: Option<LitStr> = None;
    let mut none: Option<How> = None;
    let mut is_lookup = false;
    let mut is_skipped = false;
    attrs::each_item(&field.attrs, errors, |meta| {
        if meta.path.is_ident("column") {
            column = Some(attrs::text(meta)?);
        } else if meta.path.is_ident("lookup") {
            is_lookup = true;
        } else if meta.path.is_ident("skip") {
            is_skipped = true;
        } else if meta.path.is_ident("none") {
            let text: LitStr = meta.value()?.parse()?;
            none = Some(match text.value().as_str() {
                "skip" => How::NoneSkips,
                "clear" => How::NoneClears,
                _ => {
                    return Err(syn::Error::new_spanned(
                        text,
                        "`none = \"skip\"` leaves the column alone, `none = \"clear\"` clears it",
                    ));
                }
            });
        } else {
            return Err(meta.error("unknown here; `column`, `lookup`, `none` and `skip` are known"));
        }
        Ok(())
    });
    if is_skipped {
        return None;
    }
    let is_option = attrs::option_content(&field.ty).is_some();
    let how = match (is_option, none) {
        (true, Some(none)) => none,
        (true, None) => {
            errors.at(
                &field.ty,
                "does `None` leave the column alone, or clear it? Use `Edit<T>`, which says \
                 `Keep`, `Clear` or `Set`; or add `#[dataverse(none = \"skip\")]` or \
                 `#[dataverse(none = \"clear\")]`",
            );
            return None;
        }
        (false, Some(_)) => {
            errors.at(&field.ty, "`none` is for an `Option`");
            return None;
        }
        (false, None) if attrs::is_called(&field.ty, "Edit") => How::Edit,
        (false, None) => How::Always,
    };
    Some(Part {
        name,
        field_type: &field.ty,
        column: ColumnName::of(name, column),
        how,
        is_lookup,
    })
}

fn conversion(
    input: &DeriveInput,
    entity: Option<&Path>,
    krate: &Path,
    body: &TokenStream,
    parts: &[Part<'_>],
) -> TokenStream {
    let write = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let steps = parts.iter().map(|part| {
        let name = part.name;
        let constant = part.column.constant();
        let span = part.field_type.span();
        let column = quote_spanned!(span=> <#entity>::#constant);
        let value = quote_spanned!(span=> write.#name);
        let edit = match part.how {
            How::Edit => value,
            How::Always => quote!(#krate::Edit::Set(#value)),
            How::NoneSkips => quote!(#krate::Edit::or_keep(#value)),
            How::NoneClears => quote!(#krate::Edit::or_clear(#value)),
        };
        // At the field's type, so that rustc blames it.
        match part.is_lookup {
            true => quote_spanned!(span=> let body = body.edit_lookup(#column, #edit);),
            false => quote_spanned!(span=> let body = body.edit(#column, #edit);),
        }
    });
    quote! {
        impl #generics ::std::convert::From<#write #arguments> for #krate::#body<#entity> #bounds {
            fn from(write: #write #arguments) -> Self {
                // All fields may be skipped.
                let _ = &write;
                let body = #krate::#body::<#entity>::new();
                #(#steps)*
                body
            }
        }
    }
}
