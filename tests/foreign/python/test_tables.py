"""Columns of each type, relationships and what they do, alternate keys, changes of definitions."""

import datetime
import enum
import unittest

from PowerPlatform.Dataverse.core.errors import HttpError, MetadataError
from PowerPlatform.Dataverse.models.relationship import (
    CascadeConfiguration,
    LookupAttributeMetadata,
    ManyToManyRelationshipMetadata,
    OneToManyRelationshipMetadata,
)
from PowerPlatform.Dataverse.models.upsert import UpsertItem

from test_client import Case, label

LABEL = "OData.Community.Display.V1.FormattedValue"


class Status(enum.Enum):
    NotStarted = 1
    InProgress = 2

    __labels__ = {
        1033: {"NotStarted": "Not started", "InProgress": "In progress"},
        1036: {"NotStarted": "Non commencé", "InProgress": "En cours"},
    }


COLUMNS = {
    "test_String": "string",
    "test_Text": "text",
    "test_Memo": "memo",
    "test_Multiline": "multiline",
    "test_Int": "int",
    "test_Integer": "integer",
    "test_Decimal": "decimal",
    "test_Money": "money",
    "test_Float": "float",
    "test_Double": "double",
    "test_Datetime": "datetime",
    "test_Date": "date",
    "test_Bool": "bool",
    "test_Boolean": "boolean",
    "test_File": "file",
    "test_Status": Status,
}


class Columns(Case):
    def prepare(self):
        self.client.tables.create("test_Thing", COLUMNS, primary_column="test_Title")

    def test_values_of_each_type(self):
        values = {
            "test_title": "one",
            "test_string": "ü 漢 😀",
            "test_text": "t",
            "test_memo": "line\n" * 300,
            "test_multiline": "\t<b>&amp;</b>\\ \"'",
            "test_int": -42,
            "test_integer": 2147483647,
            "test_decimal": 123.45,
            "test_money": 0.01,
            "test_float": 1.5,
            "test_double": -2.25,
            "test_bool": True,
            "test_boolean": False,
        }
        made = self.client.records.create("test_Thing", values)
        row = self.client.records.retrieve("test_Thing", made)
        self.assertEqual(values, {name: row[name] for name in values})

    def test_times(self):
        for given, kept in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z"),
            # As `datetime.now().isoformat()` writes it.
            (datetime.datetime(2026, 1, 2, 3, 4, 5).isoformat(), "2026-01-02T03:04:05Z"),
            ("2026-01-02", "2026-01-02T00:00:00Z"),
            (None, None),
        ]:
            with self.subTest(given):
                made = self.client.records.create("test_Thing", {"test_datetime": given})
                row = self.client.records.retrieve("test_Thing", made, select=["test_datetime"])
                self.assertEqual(kept, row["test_datetime"])

    def test_choices_by_label_and_number(self):
        for given, number in [
            (2, 2), ("In progress", 2), ("NOT STARTED", 1), ("En cours", 2), ("Non commencé", 1),
        ]:
            with self.subTest(given):
                made = self.client.records.create("test_Thing", {"test_Status": given})
                row = self.client.records.retrieve(
                    "test_Thing", made, select=["test_status"], include_annotations=LABEL
                )
                self.assertEqual(number, row["test_status"])
                self.assertEqual(["Not started", "In progress"][number - 1], row[f"test_status@{LABEL}"])
        self.client.records.update("test_Thing", made, {"test_Status": "In progress"})
        with self.assertRaises(HttpError):
            self.client.records.create("test_Thing", {"test_Status": "Nothing such"})

    def test_what_does_not_fit_is_refused(self):
        for body in [
            {"test_title": "x" * 201}, {"test_int": "x"}, {"test_int": 2147483648},
            {"test_bool": "maybe"}, {"test_datetime": "yesterday"}, {"test_nothing": 1},
        ]:
            with self.subTest(body), self.assertRaises(HttpError) as refused:
                self.client.records.create("test_Thing", body)
            self.assertEqual(400, refused.exception.status_code)

    def test_a_table_is_made_once(self):
        with self.assertRaises(MetadataError) as refused:
            self.client.tables.create("test_Thing", {})
        self.assertIn("already exists", str(refused.exception))
        self.client.tables.delete("test_Thing")
        with self.assertRaises(MetadataError):
            self.client.tables.delete("test_Thing")
        self.client.tables.create("test_Thing", {"test_Name": "string"})
        info = self.client.tables.get("test_Thing")
        self.assertEqual(("test_thing", "test_name"),
                         (info["table_logical_name"], info.primary_name_attribute))

    def test_caches_are_forgotten(self):
        self.client.records.create("test_Thing", {"test_Status": "In progress"})
        self.assertGreaterEqual(self.client.flush_cache("picklist"), 0)

    def test_tables_are_listed(self):
        owned = self.client.tables.list(
            filter="OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned'",
            select=["LogicalName", "SchemaName", "DisplayName"],
        )
        self.assertIn("test_thing", [table["LogicalName"] for table in owned])
        lookups = self.client.tables.list_columns(
            "account",
            select=["LogicalName", "AttributeType"],
            filter="AttributeType eq 'Lookup' or AttributeType eq 'Owner'",
        )
        self.assertIn("primarycontactid", [column["LogicalName"] for column in lookups])


class Keys(Case):
    def test_keys_of_two_columns(self):
        tables, records = self.client.tables, self.client.records
        tables.create("test_Thing", {"test_Code": "string", "test_Number": "int"})
        made = tables.create_alternate_key("test_Thing", "test_key", ["test_code", "test_number"])
        keys = tables.get_alternate_keys("test_Thing")
        self.assertEqual([("Active", "test_key")], [(key.status, key.schema_name) for key in keys])

        def item(code, number, name):
            return UpsertItem({"test_code": code, "test_number": number}, {"test_name": name})

        records.upsert("test_Thing", [item("O'K 1/2", 1, "first")])
        records.upsert("test_Thing", [item("O'K 1/2", 1, "changed"), item("b", 2, "second")])
        rows = records.list("test_Thing", select=["test_name", "test_code"], orderby=["test_name"])
        self.assertEqual(["changed", "second"], [row["test_name"] for row in rows])
        with self.assertRaises(HttpError) as twice:
            records.create("test_Thing", {"test_code": "b", "test_number": 2})
        self.assertEqual(412, twice.exception.status_code)
        tables.delete_alternate_key("test_Thing", made.metadata_id)
        with self.assertRaises(HttpError) as without:
            records.upsert("test_Thing", [item("b", 2, "third")])
        self.assertEqual(400, without.exception.status_code)


class Relationships(Case):
    def relate(self, **cascade):
        """A parent table, a child table, and a lookup from this to that."""
        tables = self.client.tables
        tables.create("test_Parent", {"test_Name": "string"})
        tables.create("test_Child", {"test_Info": "string"})
        return tables.create_one_to_many_relationship(
            LookupAttributeMetadata(schema_name="test_ParentId", display_name=label("Parent")),
            OneToManyRelationshipMetadata(
                schema_name="test_parent_child",
                referenced_entity="test_parent",
                referencing_entity="test_child",
                referenced_attribute="test_parentid",
                cascade_configuration=CascadeConfiguration(**cascade),
            ),
        )

    def rows(self):
        records = self.client.records
        parent = records.create("test_Parent", {"test_name": "p"})
        bound = {"test_ParentId@odata.bind": f"/test_parents({parent})"}
        return parent, records.create("test_Child", {"test_info": "c", **bound})

    def test_links_are_set_read_and_cleared(self):
        made = self.relate(delete="RemoveLink", assign="NoCascade", merge="NoCascade")
        self.assertEqual(("one_to_many", None), (made.relationship_type, made.entity1_logical_name))
        found = self.client.tables.get_relationship("test_parent_child")
        self.assertEqual((made.relationship_id, "test_parent", "test_ParentId"),
                         (found.relationship_id, found.referenced_entity, found.lookup_schema_name))
        records = self.client.records
        parent, child = self.rows()
        records.create("test_Child", {"test_info": "orphan"})
        rows = records.list("test_Child", select=["test_info"], expand=["test_ParentId"])
        self.assertEqual(["p"], [row["test_ParentId"]["test_name"] for row in rows if row["test_ParentId"]])
        rows = records.list("test_Child", filter=f"_test_parentid_value eq {parent}")
        self.assertEqual([child], [row["test_childid"] for row in rows])
        records.update("test_Child", child, {"test_ParentId@odata.bind": None})
        self.assertIsNone(records.retrieve("test_Child", child)["_test_parentid_value"])
        with self.assertRaises(HttpError) as lower_case:
            records.update("test_Child", child, {"test_parentid@odata.bind": f"/test_parents({parent})"})
        self.assertIn("undeclared property", str(lower_case.exception))

    def test_deleting_removes_links(self):
        self.relate(delete="RemoveLink")
        parent, child = self.rows()
        self.client.records.delete("test_Parent", parent)
        self.assertIsNone(self.client.records.retrieve("test_Child", child)["_test_parentid_value"])

    def test_deleting_cascades(self):
        self.relate(delete="Cascade")
        parent, child = self.rows()
        self.client.records.delete("test_Parent", parent)
        self.assertIsNone(self.client.records.retrieve("test_Child", child))

    def test_deleting_is_refused(self):
        self.relate(delete="Restrict")
        parent, child = self.rows()
        with self.assertRaises(HttpError):
            self.client.records.delete("test_Parent", parent)
        self.client.records.delete("test_Child", child)
        self.client.records.delete("test_Parent", parent)
        self.assertIsNone(self.client.records.retrieve("test_Parent", parent))

    def test_both_kinds_between_two_tables(self):
        one = self.relate(delete="RemoveLink")
        many = self.client.tables.create_many_to_many_relationship(
            ManyToManyRelationshipMetadata(
                schema_name="test_parent_child_many",
                entity1_logical_name="test_parent",
                entity2_logical_name="test_child",
            )
        )
        self.assertEqual(("many_to_many", None), (many.relationship_type, many.lookup_schema_name))
        found = self.client.tables.get_relationship("test_parent_child_many")
        self.assertEqual((many.relationship_id, "many_to_many"),
                         (found.relationship_id, found.relationship_type))
        for made in (one, many):
            self.client.tables.delete_relationship(made.relationship_id)
        for name in ("test_parent_child", "test_parent_child_many"):
            self.assertIsNone(self.client.tables.get_relationship(name))
        self.client.tables.delete("test_Child")
        self.client.tables.delete("test_Parent")

    def test_a_lookup_to_a_table_of_the_product(self):
        self.client.tables.create("test_Child", {})
        made = self.client.tables.create_lookup_field(
            referencing_table="test_child",
            lookup_field_name="test_ManagerId",
            referenced_table="contact",
            display_name="Manager",
            description="Who decides",
            required=True,
            cascade_delete="RemoveLink",
        )
        self.assertEqual("contact_test_child_test_ManagerId", made.relationship_schema_name)
        column = self.client.tables.get_column(
            "test_Child", "test_managerid", typed=True, select=["Targets", "RequiredLevel"]
        )
        self.assertEqual(["contact"], column["Targets"])
        self.assertEqual("ApplicationRequired", column["RequiredLevel"]["Value"])
        with self.assertRaises(HttpError) as twice:
            self.client.tables.create_lookup_field("test_child", "test_ManagerId", "contact")
        self.assertIn("already exists", str(twice.exception))


if __name__ == "__main__":
    unittest.main()
