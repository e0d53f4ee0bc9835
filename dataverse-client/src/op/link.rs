//! Links between rows.

use std::borrow::Cow;
use std::marker::PhantomData;

use http::{Method, StatusCode};
use uuid::Uuid;

use super::read::{Read, Wanted};
use super::{AfterDoubt, Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::body::absolute_url;
use crate::odata::headers::Prefer;
use crate::odata::key::row_path;
use crate::odata::page::{json_error, read_collection};
use crate::odata::url::Query;
use crate::odata::{Request, Response};
use crate::schema::{
    AnyRow, BindTarget, Entity, Many, Navigation, One, Record, Reference, ReferenceKind, RowRef,
    ToKey,
};
use crate::value::json::{Reader, write_string};
use crate::value::{Id, JsonError, Scalar};

/// A navigation property of a row.
#[derive(Clone)]
struct Place {
    /// The row, or one that the same change set creates.
    from: Reference,
    navigation: Cow<'static, str>,
}

impl Place {
    fn path(&self, scope: &Scope<'_>) -> Result<String> {
        let row = match &self.from.0 {
            ReferenceKind::Row { entity_set, key } => row_path(entity_set, key)?,
            ReferenceKind::Content(_) => absolute_url(&self.from, scope)?,
        };
        Ok(format!("{row}/{}", self.navigation))
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let ReferenceKind::Row { entity_set, .. } = &self.from.0 {
            write!(f, "{entity_set}(…)/")?;
        }
        f.write_str(&self.navigation)
    }
}

/// Links two rows: points a lookup at a row, or adds a row to a collection.
///
/// Shape: `POST accounts(…)/contact_customer_accounts/$ref` for a collection, `PUT
/// accounts(…)/primarycontactid/$ref` for a lookup, with `{"@odata.id":"…"}`.
/// Errors: `is_duplicate` if two rows of a many-to-many relationship are linked already.
/// Source: Microsoft Learn, "Associate and disassociate table rows using the Web API".
#[derive(Debug, Clone)]
pub struct Associate {
    place: Place,
    target: Reference,
    is_collection: bool,
}

impl Associate {
    /// Points the lookup behind `navigation` at `target`.
    pub fn one<E: Entity, F>(
        from: impl BindTarget<Entity = E>,
        navigation: Navigation<E, One<F>>,
        target: impl BindTarget<Entity = F>,
    ) -> Self {
        Associate {
            place: Place {
                from: from.reference(),
                navigation: Cow::Borrowed(navigation.name()),
            },
            target: target.reference(),
            is_collection: false,
        }
    }

    /// Adds `target` to the rows that `navigation` leads to.
    pub fn many<E: Entity, F>(
        from: impl BindTarget<Entity = E>,
        navigation: Navigation<E, Many<F>>,
        target: impl BindTarget<Entity = F>,
    ) -> Self {
        Associate {
            place: Place {
                from: from.reference(),
                navigation: Cow::Borrowed(navigation.name()),
            },
            target: target.reference(),
            is_collection: true,
        }
    }

    /// Points a lookup at `target`, by the exact name of its navigation property.
    pub fn one_named(
        from: impl BindTarget,
        navigation: impl Into<Cow<'static, str>>,
        target: impl BindTarget,
    ) -> Self {
        Associate {
            place: Place {
                from: from.reference(),
                navigation: navigation.into(),
            },
            target: target.reference(),
            is_collection: false,
        }
    }

    /// Adds `target` to a collection, by the exact name of its navigation property.
    pub fn many_named(
        from: impl BindTarget,
        navigation: impl Into<Cow<'static, str>>,
        target: impl BindTarget,
    ) -> Self {
        Associate {
            is_collection: true,
            ..Associate::one_named(from, navigation, target)
        }
    }
}

impl Operation for Associate {
    type Output = ();

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        let path = format!("{}/$ref", self.place.path(scope)?);
        let mut body = String::from("{\"@odata.id\":");
        write_string(&absolute_url(&self.target, scope)?, &mut body);
        body.push('}');
        let method = match self.is_collection {
            true => Method::POST,
            false => Method::PUT,
        };
        Ok(Request::new(method, path).json(body))
    }

    fn decode(&self, response: &Response) -> Result<()> {
        response.success().map(drop)
    }

    fn replay(&self) -> Replay {
        // A link that is there already is what was asked for.
        Replay::Confirm
    }

    fn row_ids(&self) -> Vec<Uuid> {
        self.place.from.id().into_iter().collect()
    }

    fn after_doubt(&self, refusal: &Error) -> AfterDoubt<()> {
        if self.is_collection && refusal.is_duplicate() {
            AfterDoubt::Done(())
        } else {
            AfterDoubt::Unknown
        }
    }
}

/// Undoes the link between two rows: points a lookup at nothing, or takes a row out of a
/// collection. Neither row is deleted.
///
/// Shape: `DELETE accounts(…)/primarycontactid/$ref`, `DELETE
/// accounts(…)/contact_customer_accounts(<id>)/$ref`.
/// Source: Microsoft Learn, "Associate and disassociate table rows using the Web API".
#[derive(Debug, Clone)]
pub struct Disassociate {
    place: Place,
    /// The row to take out of a collection.
    target: Option<Reference>,
}

impl Disassociate {
    /// Points the lookup behind `navigation` at nothing.
    pub fn one<E: Entity, F>(
        from: impl BindTarget<Entity = E>,
        navigation: Navigation<E, One<F>>,
    ) -> Self {
        Disassociate::one_named(from, navigation.name())
    }

    /// Takes `target` out of the rows that `navigation` leads to.
    pub fn many<E: Entity, F>(
        from: impl BindTarget<Entity = E>,
        navigation: Navigation<E, Many<F>>,
        target: impl BindTarget<Entity = F>,
    ) -> Self {
        Disassociate::many_named(from, navigation.name(), target)
    }

    /// Points a lookup at nothing, by the exact name of its navigation property.
    pub fn one_named(from: impl BindTarget, navigation: impl Into<Cow<'static, str>>) -> Self {
        Disassociate {
            place: Place {
                from: from.reference(),
                navigation: navigation.into(),
            },
            target: None,
        }
    }

    /// Takes `target` out of a collection, by the exact name of its navigation property.
    pub fn many_named(
        from: impl BindTarget,
        navigation: impl Into<Cow<'static, str>>,
        target: impl BindTarget,
    ) -> Self {
        Disassociate {
            target: Some(target.reference()),
            ..Disassociate::one_named(from, navigation)
        }
    }
}

impl Operation for Disassociate {
    type Output = ();

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        let path = self.place.path(scope)?;
        let path = match self.target.as_ref().map(|target| &target.0) {
            None => format!("{path}/$ref"),
            Some(ReferenceKind::Row {
                key: crate::schema::KeyKind::Id(id),
                ..
            }) => format!("{path}({id})/$ref"),
            // A row by an alternate key has a URL, and no id that is known here.
            Some(_) => {
                let mut query = Query::of(format!("{path}/$ref"));
                let target = self.target.as_ref();
                let url = target.map(|target| absolute_url(target, scope));
                query.option("$id", &url.transpose()?.unwrap_or_default());
                query.into_string()
            }
        };
        Ok(Request::new(Method::DELETE, path))
    }

    fn decode(&self, response: &Response) -> Result<()> {
        response.success().map(drop)
    }

    fn replay(&self) -> Replay {
        Replay::Confirm
    }

    fn row_ids(&self) -> Vec<Uuid> {
        self.place.from.id().into_iter().collect()
    }

    fn after_doubt(&self, refusal: &Error) -> AfterDoubt<()> {
        AfterDoubt::of_delete(refusal)
    }
}

/// Reads the row that a lookup points at; None if it points at nothing.
///
/// Shape: `GET accounts(<id>)/primarycontactid?$select=…`.
/// Source: Microsoft Learn, "Retrieve a table row using the Web API", section on related rows.
#[derive(Debug)]
pub struct RetrieveRelated<R: Read> {
    row: RowRef,
    navigation: Cow<'static, str>,
    wanted: Wanted,
    record: PhantomData<fn() -> R>,
}

impl<R: Record> RetrieveRelated<R> {
    /// Reads the row that `navigation` of the row at `key` leads to.
    pub fn new<E: Entity>(
        key: impl ToKey<Entity = E>,
        navigation: Navigation<E, One<R::Entity>>,
    ) -> Self {
        RetrieveRelated {
            row: RowRef::of(key),
            navigation: Cow::Borrowed(navigation.name()),
            wanted: Wanted::default(),
            record: PhantomData,
        }
    }
}

impl RetrieveRelated<AnyRow> {
    /// Reads the row that a navigation property leads to, by its exact name.
    pub fn named(row: RowRef, navigation: impl Into<Cow<'static, str>>) -> Self {
        RetrieveRelated {
            row,
            navigation: navigation.into(),
            wanted: Wanted::default(),
            record: PhantomData,
        }
    }

    /// Only these columns, by their names in URLs.
    #[must_use]
    pub fn select<S: AsRef<str>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.wanted.select = Some(crate::odata::expansion::names(columns));
        self
    }
}

impl<R: Read> RetrieveRelated<R> {
    /// Asks for labels, and for names and tables of lookups, too.
    #[must_use]
    pub fn with_annotations(mut self) -> Self {
        self.wanted.annotations = true;
        self
    }
}

impl<R: Read> Clone for RetrieveRelated<R> {
    fn clone(&self) -> Self {
        RetrieveRelated {
            row: self.row.clone(),
            navigation: self.navigation.clone(),
            wanted: self.wanted.clone(),
            record: PhantomData,
        }
    }
}

impl<R: Read> Operation for RetrieveRelated<R> {
    type Output = Option<R::Row>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let row = row_path(self.row.table.entity_set(), &self.row.key)?;
        let mut query = Query::of(format!("{row}/{}", self.navigation));
        self.wanted.add_to::<R>(&mut query)?;
        let mut request = Request::get(query.into_string());
        self.wanted
            .prefer::<R>(Prefer::default(), &mut request.headers);
        Ok(request)
    }

    fn decode(&self, response: &Response) -> Result<Option<R::Row>> {
        let response = response.success()?;
        if response.status == StatusCode::NO_CONTENT || response.body.is_empty() {
            return Ok(None);
        }
        R::read_row(response).map(Some)
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

/// Reads which rows a navigation property leads to: their ids alone. Of a lookup there is one, or
/// none.
///
/// Shape: `GET accounts(<id>)/contact_customer_accounts/$ref`.
#[derive(Debug)]
pub struct References<F> {
    row: RowRef,
    navigation: Cow<'static, str>,
    entity: PhantomData<fn() -> F>,
}

impl<F> References<F> {
    /// The rows that `navigation` of the row at `key` leads to.
    pub fn new<E: Entity>(key: impl ToKey<Entity = E>, navigation: Navigation<E, Many<F>>) -> Self {
        References {
            row: RowRef::of(key),
            navigation: Cow::Borrowed(navigation.name()),
            entity: PhantomData,
        }
    }
}

impl References<crate::schema::AnyTable> {
    /// The rows that a navigation property leads to, by its exact name.
    pub fn named(row: RowRef, navigation: impl Into<Cow<'static, str>>) -> Self {
        References {
            row,
            navigation: navigation.into(),
            entity: PhantomData,
        }
    }
}

impl<F> Clone for References<F> {
    fn clone(&self) -> Self {
        References {
            row: self.row.clone(),
            navigation: self.navigation.clone(),
            entity: PhantomData,
        }
    }
}

impl<F: 'static> Operation for References<F> {
    type Output = Vec<Id<F>>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let row = row_path(self.row.table.entity_set(), &self.row.key)?;
        Ok(Request::get(format!("{row}/{}/$ref", self.navigation)))
    }

    fn decode(&self, response: &Response) -> Result<Vec<Id<F>>> {
        let response = response.success()?;
        // A lookup that points nowhere.
        if response.status == StatusCode::NO_CONTENT {
            return Ok(Vec::new());
        }
        // A lookup has one reference, and no list of them.
        let alone = Reader::from_bytes(&response.body)
            .and_then(|mut reader| reference(&mut reader))
            .map_err(json_error)?;
        let mut references: Vec<Option<Id<F>>> = alone.into_iter().collect();
        let mut next = None;
        if references.is_empty() {
            let envelope = read_collection(&response.body, |reader| {
                references.extend(reference(reader)?);
                Ok(())
            })?;
            next = envelope.next;
        }
        let Some(ids) = references.into_iter().collect::<Option<Vec<_>>>() else {
            return Err(Error::decode(
                "a reference in the answer is no URL of a row by its id",
            ));
        };
        if next.is_some() {
            return Err(Error::decode(format!(
                "`{}` has more rows than one answer holds; read them with a query",
                self.navigation
            )));
        }
        Ok(ids)
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

/// Reads `{"@odata.id":"…/contacts(<id>)"}`: None if it is something else, Some(None) if it names no
/// id.
fn reference<F>(reader: &mut Reader<'_>) -> Result<Option<Option<Id<F>>>, JsonError> {
    let mut found = None;
    reader.object(|reader, key| -> Result<(), JsonError> {
        if key == "@odata.id" {
            found = Some(match reader.scalar()? {
                Scalar::Text(url) => crate::odata::key::id_in(url.as_bytes()).map(Id::new),
                _ => None,
            });
            return Ok(());
        }
        reader.skip()
    })?;
    Ok(found)
}
