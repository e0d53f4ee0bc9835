//! Complex types: structs in parameters and answers of operations.

use super::cell::{Columns, cells};
use crate::value::json::{Reader, write_string};
use crate::value::{JsonError, Scalar, ValueError};

/// A complex type: a generated struct with optional members.
pub trait Complex: Columns {
    /// Wire names of the members, in the order of their cells.
    const MEMBERS: &'static [&'static str];
}

/// A complex type could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ComplexError {
    #[error(transparent)]
    Json(#[from] JsonError),
    #[error("member `{member}`: {error}")]
    Member {
        member: &'static str,
        error: ValueError,
    },
}

/// Reads an object; members that are not known are passed over.
pub(crate) fn read_complex<T: Complex>(reader: &mut Reader<'_>) -> Result<T, ComplexError> {
    let mut complex = T::default();
    reader.object(|reader, key| -> Result<(), ComplexError> {
        let known = (0u16..).zip(T::MEMBERS).find(|(_, member)| **member == key);
        let Some((ordinal, member)) = known else {
            return Ok(reader.skip()?);
        };
        let scalar = reader.scalar()?;
        match complex.cell_mut(ordinal).map(|cell| cell.read(scalar)) {
            Some(Err(error)) => Err(ComplexError::Member { member, error }),
            _ => Ok(()),
        }
    })?;
    Ok(complex)
}

/// The same, of a value inside another.
pub(crate) fn complex_from_scalar<T: Complex>(scalar: Scalar<'_>) -> Result<T, ValueError> {
    let Scalar::Nested(text) = &scalar else {
        return Err(ValueError::new("an object", &scalar));
    };
    match read_complex(&mut Reader::new(text)) {
        Ok(complex) => Ok(complex),
        Err(ComplexError::Member { error, .. }) => Err(error),
        Err(ComplexError::Json(_)) => Err(ValueError::new("an object", &scalar)),
    }
}

/// Appends an object of the members that hold a value.
pub(crate) fn write_complex<T: Complex>(complex: &T, out: &mut String) {
    out.push('{');
    let mut is_first = true;
    for (member, cell) in T::MEMBERS.iter().zip(cells(complex)) {
        if cell.is_null() {
            continue;
        }
        if !std::mem::take(&mut is_first) {
            out.push(',');
        }
        write_string(member, out);
        out.push(':');
        cell.write_json(out);
    }
    out.push('}');
}
