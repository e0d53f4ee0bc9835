//! `#[derive(Entity)]`.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};
use syn::{DeriveInput, Field, Ident, LitStr, Path, Type};

use crate::attrs::{self, ColumnName};
use crate::diagnostics::Errors;

/// The names of the table.
#[derive(Default)]
struct Names {
    table: Option<LitStr>,
    set: Option<LitStr>,
    id: Option<LitStr>,
}

/// A column of the table.
struct Column<'a> {
    field: &'a Ident,
    /// Without the `Option`.
    content: &'a Type,
    name: ColumnName,
    navigation: Option<LitStr>,
    /// `ReadOnly` and the like.
    access: Option<Ident>,
}

pub(crate) fn derive(input: &DeriveInput) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    let mut names = Names::default();
    let mut krate = attrs::default_crate();
    attrs::each_item(&input.attrs, &mut errors, |meta| {
        if meta.path.is_ident("table") {
            names.table = Some(attrs::text(meta)?);
        } else if meta.path.is_ident("set") {
            names.set = Some(attrs::text(meta)?);
        } else if meta.path.is_ident("id") {
            names.id = Some(attrs::text(meta)?);
        } else if meta.path.is_ident("crate") {
            krate = attrs::path(meta)?;
        } else {
            return Err(meta.error("unknown here; `table`, `set`, `id` and `crate` are known"));
        }
        Ok(())
    });
    if names.table.is_none() || names.set.is_none() || names.id.is_none() {
        errors.at(
            &input.ident,
            "which table? Say `#[dataverse(table = \"account\", set = \"accounts\", id = \
             \"accountid\")]` with its logical name, entity set name and primary key",
        );
    }
    let fields = attrs::named_fields(input, "Entity", &mut errors);
    let columns: Vec<_> = fields
        .into_iter()
        .flatten()
        .filter_map(|field| column(field, names.id.as_ref(), &mut errors))
        .collect();
    if let Some(id) = &names.id
        && !columns.iter().any(|c| c.name.logical_name == id.value())
    {
        errors.at(id, format!("no field for the primary key `{}`", id.value()));
    }
    errors.into_result(())?;
    Ok(expand(&input.ident, &names, &krate, &columns))
}

fn column<'a>(field: &'a Field, id: Option<&LitStr>, errors: &mut Errors) -> Option<Column<'a>> {
    let mut name = None;
    let mut navigation = None;
    let mut access = None;
    attrs::each_item(&field.attrs, errors, |meta| {
        let marker = |name: &str| Some(format_ident!("{name}"));
        if meta.path.is_ident("column") {
            name = Some(attrs::text(meta)?);
        } else if meta.path.is_ident("read_only") {
            access = marker("ReadOnly");
        } else if meta.path.is_ident("create_only") {
            access = marker("CreateOnly");
        } else if meta.path.is_ident("update_only") {
            access = marker("UpdateOnly");
        } else if meta.path.is_ident("lookup") {
            meta.parse_nested_meta(|meta| {
                if !meta.path.is_ident("nav") {
                    return Err(meta.error("unknown here; `nav` is known"));
                }
                navigation = Some(attrs::text(&meta)?);
                Ok(())
            })?;
            if navigation.is_none() {
                return Err(meta.error("which navigation property? Say `lookup(nav = \"…\")`"));
            }
        } else {
            return Err(meta.error(
                "unknown here; `column`, `lookup(nav = …)`, `read_only`, `create_only` and \
                 `update_only` are known",
            ));
        }
        Ok(())
    });
    let ident = field.ident.as_ref()?;
    let name = ColumnName::of(ident, name);
    if id.is_some_and(|id| id.value() == name.logical_name) && access.is_none() {
        access = Some(format_ident!("CreateOnly"));
    }
    let Some(content) = attrs::option_content(&field.ty) else {
        errors.at(
            &field.ty,
            "a table's columns are `Option`s: any may be null, or not be asked for",
        );
        return None;
    };
    Some(Column {
        field: ident,
        content,
        name,
        navigation,
        access,
    })
}

fn expand(entity: &Ident, names: &Names, krate: &Path, columns: &[Column<'_>]) -> TokenStream {
    let Names { table, set, id } = names;
    let ordinals: Vec<_> = (0..columns.len()).map(Literal::usize_unsuffixed).collect();
    let fields: Vec<_> = columns.iter().map(|column| column.field).collect();
    let constants = columns.iter().zip(&ordinals).map(|(column, ordinal)| {
        let constant = column.name.constant();
        let content = column.content;
        let access = column.access.iter();
        let doc = format!("`{}`.", column.name.logical_name);
        quote! {
            #[doc = #doc]
            pub const #constant: #krate::schema::Column<Self, #content #(, #krate::schema::#access)*> =
                #krate::schema::Column::new(#ordinal);
        }
    });
    let infos = columns.iter().map(|column| {
        let logical_name = &column.name.logical_name;
        let marker = column.access.as_ref().map(Ident::to_string);
        let access = match marker.as_deref() {
            Some("ReadOnly") => quote!(#krate::schema::Access::Never),
            Some("CreateOnly") => quote!(#krate::schema::Access::InCreate),
            Some("UpdateOnly") => quote!(#krate::schema::Access::InUpdate),
            _ => quote!(#krate::schema::Access::Always),
        };
        let info = quote!(#krate::schema::ColumnInfo);
        match &column.navigation {
            Some(navigation) => {
                let wire_name = format!("_{logical_name}_value");
                quote!(#info::limited_lookup(#logical_name, #wire_name, #navigation, #access))
            }
            None => quote!(#info::limited(#logical_name, #access)),
        }
    });
    // A lookup's type must accept what its navigation property leads to; anything else cannot be
    // bound, and the attribute would be a mistake.
    let lookups = columns
        .iter()
        .filter(|c| c.navigation.is_some())
        .map(|column| {
            let content = column.content;
            quote!(const _: () = #krate::schema::assert_lookup::<#content>();)
        });
    quote! {
        impl #entity {
            #(#constants)*
        }

        impl #krate::schema::Entity for #entity {
            const TABLE: &'static #krate::schema::Table =
                &#krate::schema::Table::new(#table, #set, #id, &[#(#infos),*]);
        }

        impl #krate::schema::Columns for #entity {
            fn cell(&self, ordinal: u16) -> ::std::option::Option<&dyn #krate::schema::Cell> {
                match ordinal {
                    #(#ordinals => ::std::option::Option::Some(&self.#fields),)*
                    _ => ::std::option::Option::None,
                }
            }

            fn cell_mut(
                &mut self,
                ordinal: u16,
            ) -> ::std::option::Option<&mut dyn #krate::schema::Cell> {
                match ordinal {
                    #(#ordinals => ::std::option::Option::Some(&mut self.#fields),)*
                    _ => ::std::option::Option::None,
                }
            }
        }

        #(#lookups)*

        #krate::codegen::table!(#entity);
    }
}
