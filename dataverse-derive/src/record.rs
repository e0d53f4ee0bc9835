//! `#[derive(Record)]`.

use std::collections::HashMap;

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Field, Ident, Path, Type};

use crate::attrs::{self, ColumnName};
use crate::diagnostics::Errors;

/// A field of the user's struct.
struct Part<'a> {
    name: &'a Ident,
    field_type: &'a Type,
    source: Source,
}

/// Where a field comes from.
enum Source {
    Column(ColumnName),
    /// The formatted value of a column.
    Label(ColumnName),
    /// A navigation property.
    Expand(Path),
    /// `Default`.
    Skip,
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
        errors.at(&input.ident, attrs::WHICH_TABLE);
    }
    let fields = attrs::named_fields(input, "Record", &mut errors);
    let parts: Vec<_> = fields
        .into_iter()
        .flatten()
        .filter_map(|field| part(field, &mut errors))
        .collect();
    refuse_repeated(&parts, &mut errors);
    let entity = errors.into_result(entity)?;
    Ok(expand(input, entity.as_ref(), &krate, &parts))
}

fn part<'a>(field: &'a Field, errors: &mut Errors) -> Option<Part<'a>> {
    let name = field.ident.as_ref()?;
    let mut source: Option<Source> = None;
    attrs::each_item(&field.attrs, errors, |meta| {
        let found = if meta.path.is_ident("column") {
            Source::Column(ColumnName::of(name, Some(attrs::text(meta)?)))
        } else if meta.path.is_ident("formatted") {
            Source::Label(ColumnName::of(name, Some(attrs::text(meta)?)))
        } else if meta.path.is_ident("expand") {
            Source::Expand(attrs::path(meta)?)
        } else if meta.path.is_ident("skip") {
            Source::Skip
        } else {
            return Err(
                meta.error("unknown here; `column`, `formatted`, `expand` and `skip` are known")
            );
        };
        match source.replace(found) {
            None => Ok(()),
            Some(_) => Err(meta.error("a field comes from one place only; keep one of these")),
        }
    });
    Some(Part {
        name,
        field_type: &field.ty,
        source: source.unwrap_or_else(|| Source::Column(ColumnName::of(name, None))),
    })
}

fn refuse_repeated(parts: &[Part<'_>], errors: &mut Errors) {
    let mut seen: HashMap<&str, &Ident> = HashMap::new();
    for part in parts {
        let Source::Column(column) = &part.source else {
            continue;
        };
        if let Some(first) = seen.insert(&column.logical_name, part.name) {
            errors.add(syn::Error::new(
                column.span,
                format!(
                    "column `{}` is read by field `{first}` already",
                    column.logical_name
                ),
            ));
        }
    }
}

/// What is written for the fields of one kind.
#[derive(Default)]
struct Group<'a> {
    names: Vec<&'a Ident>,
    types: Vec<&'a Type>,
    /// Checked against rustc's knowledge, at the user's tokens.
    checks: Vec<TokenStream>,
}

impl<'a> Group<'a> {
    fn add(&mut self, part: &Part<'a>, check: TokenStream) {
        self.names.push(part.name);
        self.types.push(part.field_type);
        self.checks.push(check);
    }

    fn indexes(&self) -> Vec<Literal> {
        (0..self.names.len())
            .map(Literal::usize_unsuffixed)
            .collect()
    }
}

fn expand(
    input: &DeriveInput,
    entity: Option<&Path>,
    krate: &Path,
    parts: &[Part<'_>],
) -> TokenStream {
    let record = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let (mut columns, mut labels, mut expands) =
        (Group::default(), Group::default(), Group::default());
    let mut skipped = Vec::new();
    for part in parts {
        let field_type = part.field_type;
        match &part.source {
            Source::Column(column) => {
                let constant = column.constant();
                let check = quote_spanned! {field_type.span()=>
                    #krate::schema::field(<#entity>::#constant).read_as::<#field_type>()
                };
                columns.add(part, check);
            }
            Source::Label(column) => {
                let constant = column.constant();
                labels.add(part, quote!(<#entity>::#constant.ordinal()));
            }
            Source::Expand(navigation) => {
                let check = quote_spanned! {field_type.span()=>
                    #krate::schema::expand::<#entity, _>(#navigation).read_into::<#field_type>()
                };
                expands.add(part, check);
            }
            Source::Skip => skipped.push(part.name),
        }
    }
    let (column_names, column_checks) = (&columns.names, &columns.checks);
    let contents = columns
        .types
        .iter()
        .map(|of| attrs::option_content(of).unwrap_or(of));
    let (label_names, label_checks) = (&labels.names, &labels.checks);
    let (expand_names, expand_checks) = (&expands.names, &expands.checks);
    // The parts of a `Vec` know whether it came; an `Option` may have come as null.
    let expand_types = expands
        .types
        .iter()
        .map(|of| match attrs::option_content(of) {
            Some(_) => quote!(#of),
            None => quote!(::std::option::Option<#of>),
        });
    let (column_indexes, label_indexes, expand_indexes) =
        (columns.indexes(), labels.indexes(), expands.indexes());
    let columns_len = columns.names.len();
    let null = |index: usize| {
        let index = Literal::usize_unsuffixed(index);
        quote! {
            return ::std::result::Result::Err(#krate::schema::NullColumn { field: #index })
        }
    };
    let take =
        |name: &Ident, field_type: &Type, index: usize| match attrs::option_content(field_type) {
            Some(_) => quote!(#name: parts.#name,),
            None => {
                let null = null(index);
                quote! {
                    #name: match parts.#name {
                        ::std::option::Option::Some(value) => value,
                        ::std::option::Option::None => #null,
                    },
                }
            }
        };
    let numbered = |group: &Group<'_>, from: usize| -> Vec<TokenStream> {
        let fields = group.names.iter().zip(&group.types);
        let numbered = fields.enumerate();
        numbered
            .map(|(index, (name, of))| take(name, of, from + index))
            .collect()
    };
    let taken_columns = numbered(&columns, 0);
    let taken_expands = numbered(&expands, columns_len);
    let taken_labels = label_names.iter().zip(&labels.types).map(|(name, of)| {
        match attrs::option_content(of) {
            Some(_) => quote!(#name: parts.#name,),
            // A null has no formatted value.
            None => quote!(#name: parts.#name.unwrap_or_default(),),
        }
    });
    let parts_type = format_ident!("{record}Parts");
    // Every part is an `Option`. By hand: a derive would ask `Default` of type parameters. A
    // marker uses parameters that only skipped fields have.
    let marker = format_ident!("__{record}");
    quote! {
        const _: () = {
            #[allow(non_snake_case)]
            pub struct #parts_type #generics #bounds {
                #(#column_names: ::std::option::Option<#contents>,)*
                #(#label_names: ::std::option::Option<::std::string::String>,)*
                #(#expand_names: #expand_types,)*
                #marker: ::std::marker::PhantomData<fn() -> #record #arguments>,
            }

            impl #generics ::std::default::Default for #parts_type #arguments #bounds {
                fn default() -> Self {
                    #parts_type {
                        #(#column_names: ::std::option::Option::None,)*
                        #(#label_names: ::std::option::Option::None,)*
                        #(#expand_names: ::std::option::Option::None,)*
                        #marker: ::std::marker::PhantomData,
                    }
                }
            }

            impl #generics #krate::schema::Parts for #parts_type #arguments #bounds {
                fn part_mut(
                    &mut self,
                    index: u16,
                ) -> ::std::option::Option<&mut dyn #krate::schema::Cell> {
                    match index {
                        #(#column_indexes => ::std::option::Option::Some(&mut self.#column_names),)*
                        _ => ::std::option::Option::None,
                    }
                }

                fn expanded_mut(
                    &mut self,
                    index: usize,
                ) -> ::std::option::Option<&mut dyn #krate::schema::Expanded> {
                    match index {
                        #(#expand_indexes => ::std::option::Option::Some(&mut self.#expand_names),)*
                        _ => ::std::option::Option::None,
                    }
                }

                fn set_label(&mut self, index: usize, label: &str) {
                    match index {
                        #(#label_indexes => {
                            self.#label_names = ::std::option::Option::Some(label.into());
                        })*
                        _ => { let _ = label; }
                    }
                }
            }

            impl #generics #krate::schema::Record for #record #arguments #bounds {
                type Entity = #entity;
                type Parts = #parts_type #arguments;
                const FIELDS: ::std::option::Option<&'static [u16]> =
                    ::std::option::Option::Some(&[#(#column_checks),*]);
                const EXPANDS: &'static [#krate::schema::Expand] = &[#(#expand_checks),*];
                const LABELS: &'static [u16] = &[#(#label_checks),*];

                fn from_parts(
                    parts: #parts_type #arguments,
                ) -> ::std::result::Result<Self, #krate::schema::NullColumn> {
                    ::std::result::Result::Ok(Self {
                        #(#taken_columns)*
                        #(#taken_expands)*
                        #(#taken_labels)*
                        #(#skipped: ::std::default::Default::default(),)*
                    })
                }
            }
        };
    }
}
