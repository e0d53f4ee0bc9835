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
    /// The table that a lookup points at, if it is said.
    target: Option<Path>,
    /// `ReadOnly` and the like.
    access: Option<Ident>,
}

pub(crate) fn derive(input: &DeriveInput) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    let mut names = Names::default();
    let mut keys: Vec<Vec<Ident>> = Vec::new();
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
        } else if meta.path.is_ident("key") {
            let text: LitStr = meta.value()?.parse()?;
            let mut key = Vec::new();
            for name in text.value().split(',') {
                let mut ident: Ident = syn::parse_str(name.trim()).map_err(|_| {
                    syn::Error::new_spanned(
                        &text,
                        "which columns? Say `key = \"accountnumber\"`, `key = \"area, code\"`, by field",
                    )
                })?;
                ident.set_span(text.span());
                key.push(ident);
            }
            keys.push(key);
        } else {
            return Err(
                meta.error("unknown here; `table`, `set`, `id`, `key` and `crate` are known")
            );
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
    attrs::refuse_generics(input, "Entity", &mut errors);
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
    for column in keys.iter().flatten() {
        if !columns.iter().any(|known| known.field == column) {
            errors.at(
                column,
                format!("no field `{column}` for this alternate key"),
            );
        }
    }
    errors.into_result(())?;
    let keys = keys.iter().map(|key| alternate_key(&krate, key, &columns));
    let keys = quote!(#(#keys)*);
    Ok(expand(&input.ident, &names, &krate, &columns, &keys))
}

/// The constant of an alternate key.
fn alternate_key(krate: &Path, key: &[Ident], columns: &[Column<'_>]) -> TokenStream {
    let of_key = |field: &Ident| columns.iter().position(|column| column.field == field);
    let places: Vec<usize> = key.iter().filter_map(of_key).collect();
    let columns: Vec<&Column<'_>> = places.iter().map(|place| &columns[*place]).collect();
    let names: Vec<&str> = columns
        .iter()
        .map(|c| c.name.logical_name.as_str())
        .collect();
    let constant = format_ident!("KEY_{}", names.join("_").to_uppercase());
    let doc = format!("Alternate key over `{}`.", names.join("`, `"));
    // A lookup's part of a key is the bare id.
    let types = columns.iter().map(|column| match column.is_lookup() {
        true => quote!(#krate::uuid::Uuid),
        false => {
            let content = column.content;
            quote!(#content)
        }
    });
    let ordinals = places.into_iter().map(Literal::usize_unsuffixed);
    quote! {
        #[doc = #doc]
        pub const #constant: #krate::schema::AlternateKey<Self, (#(#types,)*)> =
            #krate::schema::AlternateKey::new(&[#(#ordinals),*]);
    }
}

impl Column<'_> {
    /// Whether it is read as `_x_value`.
    fn is_lookup(&self) -> bool {
        self.navigation.is_some() || self.is_any_lookup()
    }

    /// A lookup of several tables, whose navigation properties are with its targets.
    fn is_any_lookup(&self) -> bool {
        attrs::is_called(self.content, "AnyLookup")
    }
}

fn column<'a>(field: &'a Field, id: Option<&LitStr>, errors: &mut Errors) -> Option<Column<'a>> {
    let mut name = None;
    let mut navigation = None;
    let mut target: Option<Path> = None;
    let mut is_marked = false;
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
            is_marked = true;
            meta.parse_nested_meta(|meta| {
                if meta.path.is_ident("nav") {
                    navigation = Some(attrs::text(&meta)?);
                    Ok(())
                } else if meta.path.is_ident("entity") {
                    target = Some(attrs::path(&meta)?);
                    Ok(())
                } else {
                    Err(meta.error("unknown here; `nav` and `entity` are known"))
                }
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
    let column = Column {
        field: ident,
        content,
        name,
        navigation,
        target,
        access,
    };
    if let Some(navigation) = &column.navigation
        && column.is_any_lookup()
    {
        errors.at(
            navigation,
            "a lookup of several tables has a navigation property for each: they are said by its \
             targets, with `#[derive(Targets)]`",
        );
    }
    if !is_marked && attrs::is_called(content, "Lookup") {
        errors.at(
            &field.ty,
            "through which navigation property? Say `#[dataverse(lookup(nav = \"…\"))]`",
        );
    }
    Some(column)
}

fn expand(
    entity: &Ident,
    names: &Names,
    krate: &Path,
    columns: &[Column<'_>],
    keys: &TokenStream,
) -> TokenStream {
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
                quote!(#info::LimitedToOne(#logical_name, #wire_name, #navigation, #access))
            }
            None if column.is_any_lookup() => {
                let wire_name = format!("_{logical_name}_value");
                quote!(#info::LimitedToAny(#logical_name, #wire_name, #access))
            }
            None => quote!(#info::Limited(#logical_name, #access)),
        }
    });
    // A lookup's type must accept what its navigation property leads to; anything else cannot be
    // bound, and the attribute would be a mistake.
    let lookups = columns
        .iter()
        .filter(|c| c.navigation.is_some())
        .map(|column| {
            let content = column.content;
            let target = column.target.as_ref();
            let points_at = target.map(|target| {
                quote!(const _: () = #krate::schema::assert_points_at::<#content, #target>();)
            });
            quote! {
                const _: () = #krate::schema::assert_lookup::<#content>();
                #points_at
            }
        });
    quote! {
        impl #entity {
            #(#constants)*
            #keys
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
