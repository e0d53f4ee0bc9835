//! `#[derive(Choice)]`.

use std::collections::HashMap;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Expr, ExprLit, ExprUnary, Fields, Ident, Lit, LitStr, UnOp, Variant};

use crate::attrs;
use crate::diagnostics::Errors;

/// A variant with a number.
struct Known<'a> {
    name: &'a Ident,
    value: i32,
    label: String,
}

pub(crate) fn derive(input: &DeriveInput) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    let krate = attrs::crate_alone(input, &mut errors);
    attrs::refuse_generics(input, "Choice", &mut errors);
    let Data::Enum(data) = &input.data else {
        errors.at(&input.ident, "`Choice` needs an enum");
        return errors.into_result(TokenStream::new());
    };
    let mut known: Vec<Known<'_>> = Vec::new();
    let mut unknown: Option<&Ident> = None;
    for variant in &data.variants {
        match &variant.fields {
            Fields::Unit => known.extend(known_variant(variant, &mut errors)),
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 && unknown.is_none() => {
                unknown = Some(&variant.ident);
            }
            _ => errors.at(
                variant,
                "a variant is a number (`Active = 0`), and one holds the rest (`Unknown(i32)`)",
            ),
        }
    }
    refuse_repeated(&known, &mut errors);
    if unknown.is_none() {
        errors.at(
            &input.ident,
            "a maker may add options at any time: add the variant `Unknown(i32)` for them",
        );
    }
    let unknown = errors.into_result(unknown)?;
    let name = &input.ident;
    let names: Vec<_> = known.iter().map(|known| known.name).collect();
    let values: Vec<_> = known.iter().map(|known| known.value).collect();
    let labels: Vec<_> = known.iter().map(|known| &known.label).collect();
    Ok(quote! {
        impl #krate::value::Choice for #name {
            const OPTIONS: &'static [#krate::value::ChoiceOption] = &[
                #(#krate::value::ChoiceOption::new(#values, ::std::stringify!(#names), #labels),)*
            ];

            fn from_value(value: i32) -> Self {
                match value {
                    #(#values => Self::#names,)*
                    other => Self::#unknown(other),
                }
            }

            fn value(self) -> i32 {
                match self {
                    #(Self::#names => #values,)*
                    Self::#unknown(value) => value,
                }
            }
        }

        #krate::__choice_traits!(#name);
    })
}

fn known_variant<'a>(variant: &'a Variant, errors: &mut Errors) -> Option<Known<'a>> {
    let mut label: Option<LitStr> = None;
    let mut value: Option<i32> = None;
    attrs::each_item(&variant.attrs, errors, |meta| {
        if meta.path.is_ident("label") {
            label = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("value") {
            let expression: Expr = meta.value()?.parse()?;
            value = Some(number(&expression)?);
        } else {
            return Err(meta.error("unknown here; `label` and `value` are known"));
        }
        Ok(())
    });
    if let Some((_, expression)) = &variant.discriminant {
        match number(expression) {
            Ok(number) => value = Some(number),
            Err(error) => errors.add(error),
        }
    } else if value.is_none() {
        errors.at(
            variant,
            "which number? Say `#[dataverse(value = 1)]`, or `= 1` on an enum with `#[repr(i32)]`",
        );
    }
    Some(Known {
        name: &variant.ident,
        value: value?,
        label: label.map_or_else(|| variant.ident.to_string(), |label| label.value()),
    })
}

/// `1`, `-1`.
fn number(expression: &Expr) -> syn::Result<i32> {
    let (literal, is_negative) = match expression {
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_),
            expr,
            ..
        }) => (&**expr, true),
        other => (other, false),
    };
    let Expr::Lit(ExprLit {
        lit: Lit::Int(digits),
        ..
    }) = literal
    else {
        return Err(syn::Error::new_spanned(
            expression,
            "the number of an option is written as such: `= 727000000`",
        ));
    };
    let number: i64 = digits.base10_parse()?;
    let number = if is_negative { -number } else { number };
    i32::try_from(number)
        .map_err(|_| syn::Error::new_spanned(expression, "a choice is a number of 32 bits"))
}

fn refuse_repeated(known: &[Known<'_>], errors: &mut Errors) {
    let mut seen: HashMap<i32, &Ident> = HashMap::new();
    for option in known {
        if let Some(first) = seen.insert(option.value, option.name) {
            errors.at(
                option.name,
                format!("{} is the number of `{first}` already", option.value),
            );
        }
    }
}
