//! `#[derive(Action)]` and `#[derive(Function)]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Field, Fields, Ident, LitStr, Path, Type};

use crate::attrs;
use crate::diagnostics::Errors;

/// The namespace of everything in Dataverse.
const NAMESPACE: &str = "Microsoft.Dynamics.CRM";

/// A parameter.
struct Parameter<'a> {
    field: &'a Ident,
    name: String,
    method: Ident,
}

pub(crate) fn derive(input: &DeriveInput, kind: &str) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    let mut krate = attrs::default_crate();
    let mut name: Option<LitStr> = None;
    let mut output: Option<Type> = None;
    attrs::each_item(&input.attrs, &mut errors, |meta| {
        if meta.path.is_ident("name") {
            name = Some(attrs::qualified_name(meta)?);
        } else if meta.path.is_ident("output") {
            output = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("crate") {
            krate = attrs::path(meta)?;
        } else {
            return Err(meta.error("unknown here; `name`, `output` and `crate` are known"));
        }
        Ok(())
    });
    attrs::refuse_lifetimes(input, kind, &mut errors);
    let fields: Vec<&Field> = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => fields.named.iter().collect(),
            Fields::Unit => Vec::new(),
            Fields::Unnamed(_) => {
                errors.at(
                    &input.ident,
                    format!("`{kind}` needs named fields, or none"),
                );
                Vec::new()
            }
        },
        _ => {
            errors.at(&input.ident, format!("`{kind}` needs a struct"));
            Vec::new()
        }
    };
    let mut parameters = Vec::new();
    let mut bound: Option<&Ident> = None;
    for field in fields {
        let mut given: Option<LitStr> = None;
        let mut is_binding = false;
        attrs::each_item(&field.attrs, &mut errors, |meta| {
            if meta.path.is_ident("name") {
                given = Some(attrs::text(meta)?);
            } else if meta.path.is_ident("on") {
                is_binding = true;
            } else {
                return Err(meta.error("unknown here; `name` and `on` are known"));
            }
            Ok(())
        });
        let Some(ident) = &field.ident else {
            continue;
        };
        if is_binding {
            if bound.replace(ident).is_some() {
                errors.at(ident, "an operation is called on one row; keep one `on`");
            }
            continue;
        }
        parameters.push(Parameter {
            field: ident,
            name: given.map_or_else(|| pascal(ident), |given| given.value()),
            method: method(&field.ty),
        });
    }
    if output.is_none() && kind == "Function" {
        errors.at(
            &input.ident,
            "what does it answer? Say `#[dataverse(output = Type)]`",
        );
    }
    errors.into_result(())?;
    Ok(expand(
        input,
        kind,
        &krate,
        name,
        output,
        bound,
        &parameters,
    ))
}

fn expand(
    input: &DeriveInput,
    kind: &str,
    krate: &Path,
    name: Option<LitStr>,
    output: Option<Type>,
    bound: Option<&Ident>,
    parameters: &[Parameter<'_>],
) -> TokenStream {
    let message = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let name = name.map_or_else(|| message.to_string(), |name| name.value());
    let name = match bound {
        Some(_) if !name.contains('.') => format!("{NAMESPACE}.{name}"),
        _ => name,
    };
    let kind = format_ident!("{kind}");
    let output = output.map_or_else(|| quote!(()), |output| quote!(#output));
    let fields = parameters.iter().map(|parameter| parameter.field);
    let names = parameters.iter().map(|parameter| &parameter.name);
    let methods = parameters.iter().map(|parameter| &parameter.method);
    let bound = bound.map(|field| {
        quote! {
            fn bound_to(&self) -> ::std::option::Option<#krate::BoundTo> {
                ::std::option::Option::Some(#krate::BoundTo::row(
                    ::std::clone::Clone::clone(&self.#field),
                ))
            }
        }
    });
    quote! {
        impl #generics #krate::Message for #message #arguments #bounds {
            type Output = #output;
            const NAME: &'static str = #name;
            const KIND: #krate::MessageKind = #krate::MessageKind::#kind;

            fn arguments(&self, out: &mut #krate::Arguments<'_>) {
                #(out.#methods(#names, &self.#fields);)*
                let _ = out;
            }

            #bound
        }
    }
}

/// How a parameter is handed over, by the look of its type.
fn method(field_type: &Type) -> Ident {
    let (content, optional) = match attrs::option_content(field_type) {
        Some(content) => (content, "optional_"),
        None => (field_type, ""),
    };
    let what = if attrs::is_called(content, "RowArgument") {
        "row"
    } else if attrs::content_of(content, "Vec")
        .is_some_and(|of| attrs::is_called(of, "RowArgument"))
    {
        "rows"
    } else {
        "value"
    };
    format_ident!("{optional}{what}")
}

/// `NoteTitle` of `note_title`.
fn pascal(field: &Ident) -> String {
    let name = field.to_string();
    let name = name.strip_prefix("r#").unwrap_or(&name);
    let mut out = String::new();
    for word in name.split('_') {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}
