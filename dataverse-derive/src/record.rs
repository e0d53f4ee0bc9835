//! `#[derive(Record)]`.

use std::collections::HashMap;

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Field, Ident, Path, Type};

use crate::attrs::{self, ColumnName};
use crate::diagnostics::Errors;

/// A field of the user's struct.
struct Part<'a> {
    name: &'a Ident,
    field_type: &'a Type,
    column: ColumnName,
}

pub(crate) fn derive(input: &DeriveInput) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    let mut entity: Option<Path> = None;
    let mut krate = attrs::default_crate();
    attrs::each_item(&input.attrs, &mut errors, |meta| {
        if meta.path.is_ident("entity") {
            entity = Some(attrs::path(meta)?);
            Ok(())
        } else if meta.path.is_ident("crate") {
            krate = attrs::path(meta)?;
            Ok(())
        } else {
            Err(meta.error("unknown here; `entity` and `crate` are known"))
        }
    });
    if entity.is_none() {
        errors.at(
            &input.ident,
            "which table? Say `#[dataverse(entity = Account)]` with the table's type",
        );
    }
    let fields = attrs::named_fields(input, "Record", &mut errors);
    let parts: Vec<_> = fields
        .into_iter()
        .flatten()
        .filter_map(|field| part(field, &mut errors))
        .collect();
    refuse_repeated(&parts, &mut errors);
    let entity = errors.into_result(entity)?;
    Ok(expand(&input.ident, entity.as_ref(), &krate, &parts))
}

fn part<'a>(field: &'a Field, errors: &mut Errors) -> Option<Part<'a>> {
    let mut column = None;
    attrs::each_item(&field.attrs, errors, |meta| {
        if meta.path.is_ident("column") {
            column = Some(attrs::text(meta)?);
            Ok(())
        } else {
            Err(meta.error("unknown here; `column` is known"))
        }
    });
    let name = field.ident.as_ref()?;
    Some(Part {
        name,
        field_type: &field.ty,
        column: ColumnName::of(name, column),
    })
}

fn refuse_repeated(parts: &[Part<'_>], errors: &mut Errors) {
    let mut seen: HashMap<&str, &Ident> = HashMap::new();
    for part in parts {
        if let Some(first) = seen.insert(&part.column.logical_name, part.name) {
            errors.add(syn::Error::new(
                part.column.span,
                format!(
                    "column `{}` is read by field `{first}` already",
                    part.column.logical_name
                ),
            ));
        }
    }
}

fn expand(record: &Ident, entity: Option<&Path>, krate: &Path, parts: &[Part<'_>]) -> TokenStream {
    let names: Vec<_> = parts.iter().map(|part| part.name).collect();
    let indexes: Vec<_> = (0..parts.len())
        .map(proc_macro2::Literal::usize_unsuffixed)
        .collect();
    let contents = parts
        .iter()
        .map(|part| attrs::option_content(part.field_type).unwrap_or(part.field_type));
    // The checks stand at the user's tokens, so that rustc blames those.
    let checks = parts.iter().map(|part| {
        let constant = part.column.constant();
        let field_type = part.field_type;
        quote_spanned! {field_type.span()=>
            #krate::schema::field(<#entity>::#constant).read_as::<#field_type>()
        }
    });
    let taken = parts.iter().enumerate().map(|(index, part)| {
        let name = part.name;
        match attrs::option_content(part.field_type) {
            Some(_) => quote!(parts.#name),
            None => {
                let index = proc_macro2::Literal::usize_unsuffixed(index);
                quote! {
                    match parts.#name {
                        ::std::option::Option::Some(value) => value,
                        ::std::option::Option::None => {
                            return ::std::result::Result::Err(
                                #krate::schema::NullColumn { field: #index },
                            );
                        }
                    }
                }
            }
        }
    });
    let parts_type = format_ident!("{record}Parts");
    quote! {
        const _: () = {
            #[derive(::std::default::Default)]
            pub struct #parts_type {
                #(#names: ::std::option::Option<#contents>,)*
            }

            impl #krate::schema::Parts for #parts_type {
                fn part_mut(
                    &mut self,
                    index: u16,
                ) -> ::std::option::Option<&mut dyn #krate::schema::Cell> {
                    match index {
                        #(#indexes => ::std::option::Option::Some(&mut self.#names),)*
                        _ => ::std::option::Option::None,
                    }
                }
            }

            impl #krate::schema::Record for #record {
                type Entity = #entity;
                type Parts = #parts_type;
                const FIELDS: ::std::option::Option<&'static [u16]> =
                    ::std::option::Option::Some(&[#(#checks),*]);

                fn from_parts(
                    parts: #parts_type,
                ) -> ::std::result::Result<Self, #krate::schema::NullColumn> {
                    ::std::result::Result::Ok(Self {
                        #(#names: #taken,)*
                    })
                }
            }
        };
    }
}
