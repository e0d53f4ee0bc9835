//! `#[derive(Targets)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, Ident, LitStr, Type};

use crate::attrs;
use crate::diagnostics::Errors;

/// A variant that is a table.
struct Target<'a> {
    name: &'a Ident,
    entity: &'a Type,
    navigation: LitStr,
}

pub(crate) fn derive(input: &DeriveInput) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    let krate = attrs::crate_alone(input, &mut errors);
    attrs::refuse_generics(input, "Targets", &mut errors);
    let Data::Enum(data) = &input.data else {
        errors.at(&input.ident, "`Targets` needs an enum");
        return errors.into_result(TokenStream::new());
    };
    let mut targets = Vec::new();
    let mut other: Option<&Ident> = None;
    for variant in &data.variants {
        let mut navigation = None;
        attrs::each_item(&variant.attrs, &mut errors, |meta| {
            if meta.path.is_ident("nav") {
                navigation = Some(attrs::text(meta)?);
                return Ok(());
            }
            Err(meta.error("unknown here; `nav` is known"))
        });
        match &variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                let entity = fields
                    .unnamed
                    .first()
                    .and_then(|f| attrs::content_of(&f.ty, "Id"));
                match (entity, navigation) {
                    (Some(entity), Some(navigation)) => targets.push(Target {
                        name: &variant.ident,
                        entity,
                        navigation,
                    }),
                    (None, _) => errors.at(&variant.fields, "a target holds the `Id` of its table"),
                    (_, None) => errors.at(
                        variant,
                        "through which navigation property? Say `#[dataverse(nav = \"…\")]`",
                    ),
                }
            }
            Fields::Named(fields) if other.is_none() && is_other(fields) => {
                other = Some(&variant.ident);
            }
            _ => errors.at(
                variant,
                "a variant is a table (`Account(Id<Account>)`), and one is the rest (`Other { \
                 table: Option<Box<str>>, id: Uuid }`)",
            ),
        }
    }
    if other.is_none() {
        errors.at(
            &input.ident,
            "lookups get more tables in time: add `Other { table: Option<Box<str>>, id: Uuid }`",
        );
    }
    let other = errors.into_result(other)?;
    let name = &input.ident;
    let names: Vec<_> = targets.iter().map(|target| target.name).collect();
    let entities: Vec<_> = targets.iter().map(|target| target.entity).collect();
    let navigations: Vec<_> = targets.iter().map(|target| &target.navigation).collect();
    Ok(quote! {
        impl #krate::value::Targets for #name {
            fn new(table: ::std::option::Option<&str>, id: #krate::uuid::Uuid) -> Self {
                match table {
                    #(::std::option::Option::Some(table)
                        if table == <#entities as #krate::Entity>::TABLE.logical_name() =>
                    {
                        Self::#names(#krate::Id::new(id))
                    })*
                    other => Self::#other {
                        table: other.map(::std::convert::Into::into),
                        id,
                    },
                }
            }

            fn row(&self) -> (::std::option::Option<&str>, #krate::uuid::Uuid) {
                match self {
                    #(Self::#names(id) => (
                        ::std::option::Option::Some(
                            <#entities as #krate::Entity>::TABLE.logical_name(),
                        ),
                        id.uuid(),
                    ),)*
                    Self::#other { table, id } => (table.as_deref(), *id),
                }
            }
        }

        #krate::codegen::targets! {
            #name { #(#entities = #navigations,)* }
        }
    })
}

fn is_other(fields: &syn::FieldsNamed) -> bool {
    let names: Vec<String> = fields
        .named
        .iter()
        .filter_map(|field| field.ident.as_ref().map(Ident::to_string))
        .collect();
    names == ["table", "id"]
}
