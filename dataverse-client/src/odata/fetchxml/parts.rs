//! What `entity` and `link-entity` have in common.

/// The methods that add to an element: `$element` is the field, `$entity` the table.
macro_rules! parts_of_an_entity {
    ($type:ty, $entity:ident, $($generic:ident),+) => {
        impl<$($generic),+> $type {
            /// Reads this column.
            pub fn attribute(self, attribute: impl Into<Attribute<$entity>>) -> Self {
                self.with_part(attribute.into().element)
            }

            /// Reads all columns of the table.
            pub fn all_attributes(self) -> Self {
                self.with_part(Element::new(Tag::AllAttributes))
            }

            /// Only rows that meet `filter`, and every filter given before.
            pub fn filter(mut self, filter: Filter<$entity>) -> Self {
                filter.add_to(&mut self.element);
                self
            }

            /// Joins another table.
            pub fn link_entity<Other>(self, link: LinkEntity<$entity, Other>) -> Self {
                self.with_part(link.element)
            }

            /// Sorts by this column, after those given before.
            pub fn order_by(self, order: Order<$entity>) -> Self {
                self.with_part(order.element)
            }
        }
    };
}

pub(super) use parts_of_an_entity;
