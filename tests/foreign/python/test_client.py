"""Each public operation of `PowerPlatform-Dataverse-Client`, against the emulator."""

import enum
import os
import tempfile
import time
import unittest

import pandas
from PowerPlatform.Dataverse.core.errors import HttpError
from PowerPlatform.Dataverse.models.filters import col
from PowerPlatform.Dataverse.models.labels import Label, LocalizedLabel
from PowerPlatform.Dataverse.models.relationship import (
    CascadeConfiguration,
    LookupAttributeMetadata,
    ManyToManyRelationshipMetadata,
    OneToManyRelationshipMetadata,
)
from PowerPlatform.Dataverse.models.upsert import UpsertItem

from emulator import client, control, read


class Colour(enum.IntEnum):
    Red = 1
    Green = 2


def label(text):
    return Label(localized_labels=[LocalizedLabel(label=text, language_code=1033)])


class Case(unittest.TestCase):
    # What makes the client.
    make = staticmethod(client)
    # Classes whose tables and rows there is a snapshot of.
    prepared = set()

    def setUp(self):
        name = type(self).__name__
        if name in self.prepared:
            control("restore", {"name": name})
        else:
            control("reset")
        self.client = self.make()
        self.addCleanup(self.client.close)
        if name not in self.prepared:
            self.prepare()
            control("snapshot", {"name": name})
            self.prepared.add(name)

    def prepare(self):
        """Makes what all tests of the class begin with."""

    def names(self, rows):
        return [row["name"] for row in rows]


class Records(Case):
    def test_create_and_retrieve(self):
        made = self.client.records.create("account", {"name": "Contoso", "revenue": 12.5})
        row = self.client.records.retrieve("account", made, select=["name", "revenue"])
        self.assertEqual(("Contoso", 12.5), (row["name"], row["revenue"]))
        self.assertEqual(made, row["accountid"])
        self.assertIsNone(
            self.client.records.retrieve("account", "00000000-0000-0000-0000-00000000dead")
        )

    def test_create_many(self):
        made = self.client.records.create("account", [{"name": f"row {n}"} for n in range(7)])
        self.assertEqual(7, len(set(made)))
        rows = self.client.records.list(
            "account", filter="startswith(name,'row ')", orderby=["name desc"], top=2
        )
        self.assertEqual(["row 6", "row 5"], self.names(rows))

    def test_update_one_and_many(self):
        ids = self.client.records.create("account", [{"name": "a"}, {"name": "b"}])
        self.client.records.update("account", ids[0], {"telephone1": "1"})
        self.client.records.update("account", ids, {"fax": "2"})
        self.client.records.update("account", ids, [{"name": "c"}, {"name": "d"}])
        rows = [self.client.records.retrieve("account", one) for one in ids]
        self.assertEqual(["c", "d"], self.names(rows))
        self.assertEqual(["2", "2"], [row["fax"] for row in rows])
        self.assertEqual(["1", None], [row["telephone1"] for row in rows])

    def test_delete_one_and_many(self):
        ids = self.client.records.create("account", [{"name": f"row {n}"} for n in range(4)])
        self.client.records.delete("account", ids[0])
        self.client.records.delete("account", ids[1:2], use_bulk_delete=False)
        job = self.client.records.delete("account", ids[2:])
        self.assertEqual(36, len(job))
        self.wait_for(job)
        rows = self.client.records.list("account", filter="startswith(name,'row ')")
        self.assertEqual([], self.names(rows))

    def wait_for(self, job):
        for _ in range(50):
            row = self.client.records.retrieve("asyncoperation", job, select=["statecode"])
            if row is not None and row["statecode"] == 3:
                return
            time.sleep(0.1)
        self.fail("the job does not end")

    def test_upsert_by_key(self):
        self.client.tables.create_alternate_key("account", "new_number", ["accountnumber"])
        one = UpsertItem({"accountnumber": "N1"}, {"name": "first"})
        self.client.records.upsert("account", [one])
        more = [
            UpsertItem({"accountnumber": "N1"}, {"name": "changed"}),
            UpsertItem({"accountnumber": "O'2"}, {"name": "second"}),
        ]
        self.client.records.upsert("account", more)
        rows = self.client.records.list(
            "account", filter="accountnumber eq 'N1' or accountnumber eq 'O''2'", orderby=["name"]
        )
        self.assertEqual(["changed", "second"], self.names(rows))

    def test_list_with_all_options(self):
        rows = self.client.records.list(
            "account",
            select=["name"],
            filter=col("name").contains("sample"),
            orderby=["name"],
            expand=["parentaccountid($select=name)"],
            page_size=1,
            count=True,
            include_annotations="*",
        )
        self.assertEqual(3, len(list(rows)))
        self.assertEqual("Litware, Inc. (sample)", rows[0]["parentaccountid"]["name"])
        pages = list(self.client.records.list_pages("account", page_size=2, orderby=["name"]))
        self.assertEqual([2, 1], [len(list(page)) for page in pages])

    def test_errors_are_told(self):
        with self.assertRaises(HttpError) as refused:
            self.client.records.create("account", {"nothing": 1})
        self.assertEqual(400, refused.exception.status_code)
        with self.assertRaises(HttpError) as missing:
            self.client.records.update(
                "account", "00000000-0000-0000-0000-00000000dead", {"name": "x"}
            )
        self.assertEqual(404, missing.exception.status_code)
        self.assertEqual("0x80040217", missing.exception.details["service_error_code"])

    def test_throttling_is_told(self):
        control("faults", {"kind": "throttled", "retry_after": 3, "path": "/api/data/"})
        with self.assertRaises(HttpError) as throttled:
            self.client.records.list("account")
        self.assertTrue(throttled.exception.is_transient)
        self.assertEqual(3, throttled.exception.details["retry_after"])


class Queries(Case):
    def test_builder(self):
        query = (
            self.client.query.builder("account")
            .select("name", "numberofemployees")
            .where((col("numberofemployees") > 30) & ~(col("name") == "x"))
            .where(col("name").in_(["Fourth Coffee (sample)", "Litware, Inc. (sample)"]))
            .order_by("numberofemployees", descending=True)
            .include_formatted_values()
            .count()
            .page_size(1)
        )
        self.assertEqual(
            ["Litware, Inc. (sample)", "Fourth Coffee (sample)"], self.names(query.execute())
        )
        self.assertEqual(2, len(list(query.execute_pages())))

    def test_conditions(self):
        def found(condition):
            rows = self.client.query.builder("account").select("name").where(condition).execute()
            return len(list(rows))

        name, number, mail = col("name"), col("numberofemployees"), col("emailaddress1")
        self.assertEqual(1, found(name == "Fourth Coffee (sample)"))
        self.assertEqual(2, found(name != "Fourth Coffee (sample)"))
        self.assertEqual(1, found(number >= 4300))
        self.assertEqual(2, found(number <= 120))
        self.assertEqual(1, found(number < 120))
        self.assertEqual(1, found(mail.is_null()))
        self.assertEqual(2, found(mail.is_not_null()))
        self.assertEqual(2, found(name.not_in(["Fourth Coffee (sample)"])))
        self.assertEqual(2, found(number.between(40, 120)))
        self.assertEqual(1, found(name.like("Fourth%")))
        self.assertEqual(3, found(name.like("%sample%")))
        self.assertEqual(3, found(name.endswith("(sample)")))

    def test_fetchxml(self):
        xml = """
            <fetch count="2"><entity name="account"><attribute name="name"/>
              <order attribute="name"/>
              <link-entity name="contact" from="parentcustomerid" to="accountid"
                link-type="outer" alias="c"><attribute name="lastname"/></link-entity>
            </entity></fetch>"""
        rows = self.client.query.fetchxml(xml).execute()
        self.assertEqual(3, len(list(rows)))
        self.assertEqual("McKay (sample)", rows[1]["c.lastname"])
        pages = [len(list(page)) for page in self.client.query.fetchxml(xml).execute_pages()]
        self.assertEqual([2, 1], pages)

    def test_sql(self):
        sql = self.client.query.sql
        rows = sql("SELECT name, numberofemployees FROM account WHERE name LIKE 'Fourth%'")
        self.assertEqual([40], [row["numberofemployees"] for row in rows])
        rows = sql("SELECT TOP 2 a.name FROM account a WHERE a.revenue > 1000 ORDER BY a.name DESC")
        self.assertEqual(["Litware, Inc. (sample)", "Fourth Coffee (sample)"], self.names(rows))
        rows = sql("SELECT COUNT(*) AS n, SUM(numberofemployees) AS s FROM account")
        self.assertEqual([(3, 4460)], [(row["n"], row["s"]) for row in rows])
        rows = sql(
            "SELECT a.name, c.lastname FROM contact c INNER JOIN account a "
            "ON c.parentcustomerid = a.accountid WHERE a.address1_city IN ('Renton', 'Nowhere')"
        )
        self.assertEqual(["Fourth Coffee (sample)"], self.names(rows))
        rows = sql(
            "SELECT address1_country, COUNT(accountid) AS n FROM account GROUP BY address1_country"
        )
        self.assertEqual([("USA", 3)], [(row["address1_country"], row["n"]) for row in rows])
        with self.assertRaises(HttpError):
            sql("SELECT nothing FROM account")

    def test_sql_pages(self):
        self.client.records.create("contact", [{"lastname": f"n{n:04}"} for n in range(600)] * 9)
        rows = self.client.query.sql("SELECT lastname FROM contact WHERE lastname LIKE 'n%'")
        self.assertEqual(5400, len(rows))
        self.assertEqual(5400, len({row["contactid"] for row in rows}))

    def test_names(self):
        columns = self.client.query.sql_columns("account")
        self.assertIn("name", [column["name"] for column in columns])
        expands = self.client.query.odata_expands("contact")
        self.assertIn("account", [expand["target_table"] for expand in expands])
        expands = self.client.query.odata_expands("account")
        self.assertIn("parentaccountid", [expand["nav_property"] for expand in expands])


class Tables(Case):
    def prepare(self):
        self.client.tables.create(
            "new_Widget",
            {
                "new_Text": "string",
                "new_Memo": "memo",
                "new_Whole": {"type": "int", "min_value": 1, "max_value": 5},
                "new_Price": "decimal",
                "new_Rate": "float",
                "new_When": "datetime",
                "new_Is": "bool",
                "new_Colour": Colour,
            },
            display_name="Widget",
        )

    def test_create_and_use(self):
        info = self.client.tables.get("new_Widget")
        self.assertEqual(
            ("new_widget", "new_widgets"), (info["table_logical_name"], info["entity_set_name"])
        )
        made = self.client.records.create(
            "new_Widget",
            {
                "new_name": "one",
                "new_text": "t",
                "new_whole": 3,
                "new_price": 2.5,
                "new_rate": 0.5,
                "new_is": True,
                "new_when": "2026-01-02T03:04:05Z",
                "new_colour": "Green",
            },
        )
        row = self.client.records.retrieve("new_Widget", made)
        self.assertEqual((2, True, 2.5), (row["new_colour"], row["new_is"], row["new_price"]))
        self.assertEqual("2026-01-02T03:04:05Z", row["new_when"])
        self.assertIsNone(self.client.tables.get("new_Nothing"))

    def test_list_and_delete(self):
        tables = self.client.tables.list(
            filter="SchemaName eq 'new_Widget'", select=["LogicalName", "SchemaName"]
        )
        self.assertEqual(["new_widget"], [table["LogicalName"] for table in tables])
        self.assertGreater(len(self.client.tables.list()), 50)
        self.client.tables.delete("new_Widget")
        self.assertIsNone(self.client.tables.get("new_Widget"))

    def test_columns(self):
        tables = self.client.tables
        self.assertEqual(
            ["new_More", "new_File"],
            tables.add_columns("new_Widget", {"new_More": "string", "new_File": "file"}),
        )
        self.assertEqual("String", tables.get_column("new_Widget", "new_more")["AttributeType"])
        self.assertIsNone(tables.get_column("new_Widget", "new_nothing"))
        texts = tables.list_columns("new_Widget", filter="AttributeType eq 'String'")
        self.assertIn("new_more", [column["LogicalName"] for column in texts])
        typed = tables.get_column("new_Widget", "new_whole", typed=True)
        self.assertEqual((1, 5), (typed["MinValue"], typed["MaxValue"]))
        typed = tables.list_columns("new_Widget", typed=True)
        self.assertIn(200, [column.get("MaxLength") for column in typed])
        self.assertEqual(["new_More"], tables.remove_columns("new_Widget", "new_More"))
        self.assertIsNone(tables.get_column("new_Widget", "new_more"))

    def test_update_columns(self):
        tables = self.client.tables
        tables.update_column("new_Widget", "new_Text", {"max_length": 3, "display_name": "T"})
        tables.update_columns("new_Widget", {"new_Whole": {"max_value": 9}})
        column = tables.get_column("new_Widget", "new_text", typed=True)
        self.assertEqual(3, column["MaxLength"])
        self.assertEqual(9, tables.get_column("new_Widget", "new_whole", typed=True)["MaxValue"])
        with self.assertRaises(HttpError):
            self.client.records.create("new_Widget", {"new_text": "four"})

    def test_keys(self):
        made = self.client.tables.create_alternate_key(
            "new_Widget", "new_textkey", ["new_text"], display_name="Text"
        )
        keys = self.client.tables.get_alternate_keys("new_Widget")
        self.assertEqual([("new_textkey", ["new_text"], made.metadata_id)],
                         [(key.schema_name, key.key_attributes, key.metadata_id) for key in keys])
        self.client.tables.delete_alternate_key("new_Widget", made.metadata_id)
        self.assertEqual([], self.client.tables.get_alternate_keys("new_Widget"))

    def test_lookups(self):
        made = self.client.tables.create_lookup_field("new_Widget", "new_AccountId", "account")
        self.assertEqual("account_new_widget_new_AccountId", made.relationship_schema_name)
        account = self.client.records.create("account", {"name": "Contoso"})
        bound = {"new_AccountId@odata.bind": f"/accounts({account})"}
        widget = self.client.records.create("new_Widget", {"new_name": "w", **bound})
        row = self.client.records.retrieve("new_Widget", widget, expand=["new_AccountId"])
        self.assertEqual("Contoso", row["new_AccountId"]["name"])
        self.client.tables.delete_relationship(made.relationship_id)
        self.assertIsNone(
            self.client.tables.get_relationship("account_new_widget_new_AccountId")
        )

    def test_relationships(self):
        tables = self.client.tables
        one = tables.create_one_to_many_relationship(
            LookupAttributeMetadata(schema_name="new_ContactId", display_name=label("Contact")),
            OneToManyRelationshipMetadata(
                schema_name="new_contact_widgets",
                referenced_entity="contact",
                referencing_entity="new_widget",
                referenced_attribute="contactid",
                cascade_configuration=CascadeConfiguration(delete="Cascade"),
            ),
        )
        many = tables.create_many_to_many_relationship(
            ManyToManyRelationshipMetadata(
                schema_name="new_account_widget",
                entity1_logical_name="account",
                entity2_logical_name="new_widget",
            )
        )
        found = tables.get_relationship("new_contact_widgets")
        self.assertEqual(one.relationship_id, found.relationship_id)
        names = [one["SchemaName"] for one in tables.list_table_relationships("new_Widget")]
        self.assertIn("new_contact_widgets", names)
        self.assertIn("new_account_widget", names)
        kinds = tables.list_relationships(
            filter="RelationshipType eq "
            "Microsoft.Dynamics.CRM.RelationshipType'ManyToManyRelationship'",
            select=["SchemaName"],
        )
        self.assertIn("new_account_widget", [kind["SchemaName"] for kind in kinds])
        tables.delete_relationship(many.relationship_id)
        self.assertIsNone(tables.get_relationship("new_account_widget"))


class Files(Case):
    def upload(self, content, **options):
        made = self.client.records.create("account", {"name": "with file"})
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "some file.txt")
            with open(path, "wb") as file:
                file.write(content)
            self.client.files.upload("account", made, "new_Document", path, **options)
        row = self.client.records.retrieve("account", made)
        self.assertEqual("some file.txt", row["new_document_name"])
        path = f"/api/data/v9.2/accounts({made})/new_document/$value"
        self.assertEqual(content, read(path))

    def test_small(self):
        self.upload(b"hello")

    def test_chunks(self):
        self.upload(bytes(range(256)) * 40_000, mode="chunk")

    def test_overwrite(self):
        self.upload(b"again", if_none_match=False)

    def test_media_type(self):
        self.upload(b"%PDF", mime_type="application/pdf")


class Frames(Case):
    def test_frames(self):
        frame = self.client.dataframe
        ids = frame.create("account", pandas.DataFrame([{"name": "a", "fax": "1"}, {"name": "b"}]))
        changes = pandas.DataFrame({"accountid": ids, "fax": ["7", None]})
        frame.update("account", changes, id_column="accountid", clear_nulls=True)
        rows = frame.sql("SELECT name FROM account WHERE fax = '7'")
        self.assertEqual(["a"], list(rows["name"]))
        frame.delete("account", ids, use_bulk_delete=False)
        self.assertEqual(3, len(list(self.client.records.list("account", select=["name"]))))


class Older(Case):
    """What the client for asyncio does not have any more."""

    def test_get(self):
        made = self.client.records.create("account", {"name": "Contoso"})
        self.assertEqual("Contoso", self.client.records.get("account", made)["name"])
        pages = list(self.client.records.get("account", select=["name"], page_size=2))
        self.assertEqual([2, 2], [len(page) for page in pages])
        batch = self.client.batch.new()
        batch.records.get("account", made, select=["name"])
        self.assertEqual("Contoso", batch.execute().responses[0].data["name"])

    def test_frames(self):
        frame = self.client.dataframe
        rows = frame.get("account", select=["name"], filter="contains(name,'Fourth') eq false")
        self.assertEqual(2, len(rows))
        rows = frame.get("account", record_id=rows["accountid"][0], select=["name"])
        self.assertEqual(1, len(rows))
        self.assertEqual(3, len(self.client.query.builder("account").select("name").to_dataframe()))

    def test_names(self):
        self.assertIn("name", self.client.query.odata_select("account"))
        self.assertEqual("primarycontactid", self.client.query.odata_expand("account", "contact"))
        bound = self.client.query.odata_bind("account", "transactioncurrency", "x" * 36)
        self.assertEqual(["transactioncurrencyid@odata.bind"], list(bound))


class Batches(Case):
    def test_records(self):
        made = self.client.records.create("account", {"name": "before"})
        gone = self.client.records.create("account", {"name": "gone"})
        self.client.tables.create_alternate_key("account", "new_number", ["accountnumber"])
        batch = self.client.batch.new()
        batch.records.create("account", {"name": "one"})
        batch.records.create("account", [{"name": "two"}, {"name": "three"}])
        batch.records.update("account", made, {"name": "after"})
        batch.records.delete("account", gone)
        batch.records.upsert("account", [UpsertItem({"accountnumber": "B1"}, {"name": "four"})])
        batch.records.retrieve("account", made, select=["name"], include_annotations="*")
        batch.records.list("account", filter="name eq 'one'", top=5, select=["name"], page_size=2)
        batch.query.sql("SELECT name FROM account WHERE name = 'two'")
        result = batch.execute()
        self.assertFalse(result.has_errors, [one.error_message for one in result.failed])
        self.assertEqual(8, len(result.responses))
        self.assertEqual("after", result.responses[5].data["name"])
        self.assertEqual(["one"], self.names(result.responses[6].data["value"]))
        self.assertEqual(["two"], self.names(result.responses[7].data["value"]))
        self.assertEqual(36, len(result.entity_ids[0]))

    def test_change_set(self):
        gone = self.client.records.create("account", {"name": "gone"})
        batch = self.client.batch.new()
        with batch.changeset() as changes:
            account = changes.records.create("account", {"name": "parent"})
            changes.records.create(
                "contact", {"lastname": "child", "parentcustomerid_account@odata.bind": account}
            )
            changes.records.update("account", account, {"fax": "1"})
            changes.records.delete("account", gone)
        with batch.changeset() as changes:
            account = changes.records.create("account", {"name": "another"})
            changes.records.update("account", account, {"fax": "2"})
        result = batch.execute()
        self.assertFalse(result.has_errors, [one.error_message for one in result.failed])
        self.assertIsNone(self.client.records.retrieve("account", gone))
        self.assertEqual(
            ["2"], [row["fax"] for row in self.client.records.list("account", filter="name eq 'another'")]
        )
        rows = self.client.records.list(
            "contact",
            filter="lastname eq 'child'",
            expand=["parentcustomerid_account($select=name,fax)"],
        )
        account = rows[0]["parentcustomerid_account"]
        self.assertEqual(("parent", "1"), (account["name"], account["fax"]))

    def test_a_failed_change_set_leaves_nothing(self):
        batch = self.client.batch.new()
        with batch.changeset() as changes:
            changes.records.create("account", {"name": "undone"})
            changes.records.create("account", {"nothing": 1})
        batch.records.create("account", {"name": "done"})
        result = batch.execute(continue_on_error=True)
        self.assertEqual(1, len(result.failed))
        rows = self.client.records.list("account", filter="endswith(name,'done')")
        self.assertEqual(["done"], self.names(rows))

    def test_tables(self):
        batch = self.client.batch.new()
        batch.tables.create("new_Widget", {"new_Text": "string"})
        batch.tables.get("account")
        batch.tables.list(filter="LogicalName eq 'contact'", select=["LogicalName"])
        result = batch.execute()
        self.assertFalse(result.has_errors, [one.error_message for one in result.failed])
        batch = self.client.batch.new()
        batch.tables.add_columns("new_Widget", {"new_More": "int"})
        batch.tables.create_lookup_field("new_Widget", "new_AccountId", "account")
        batch.tables.create_many_to_many_relationship(
            ManyToManyRelationshipMetadata(
                schema_name="new_contact_widget",
                entity1_logical_name="contact",
                entity2_logical_name="new_widget",
            )
        )
        batch.tables.create_one_to_many_relationship(
            LookupAttributeMetadata(schema_name="new_TeamId", display_name=label("Team")),
            OneToManyRelationshipMetadata(
                schema_name="new_team_widgets",
                referenced_entity="team",
                referencing_entity="new_widget",
                referenced_attribute="teamid",
            ),
        )
        batch.tables.get_relationship("new_contact_widget")
        result = batch.execute()
        self.assertFalse(result.has_errors, [one.error_message for one in result.failed])
        self.assertEqual(1, len(result.responses[-1].data["value"]))
        relationship = result.responses[-1].data["value"][0]["MetadataId"]
        batch = self.client.batch.new()
        batch.tables.delete_relationship(relationship)
        batch.tables.remove_columns("new_Widget", ["new_More"])
        batch.tables.delete("new_Widget")
        result = batch.execute()
        self.assertFalse(result.has_errors, [one.error_message for one in result.failed])
        self.assertIsNone(self.client.tables.get("new_Widget"))

    def test_frames(self):
        batch = self.client.batch.new()
        batch.dataframe.create("account", pandas.DataFrame([{"name": "x1"}, {"name": "x2"}]))
        self.assertFalse(batch.execute().has_errors)
        rows = self.client.records.list("account", filter="startswith(name,'x')")
        ids = pandas.Series([row["accountid"] for row in rows])
        batch = self.client.batch.new()
        changes = pandas.DataFrame({"accountid": ids, "fax": ["1", "2"]})
        batch.dataframe.update("account", changes, id_column="accountid")
        batch.dataframe.delete("account", ids, use_bulk_delete=False)
        result = batch.execute()
        self.assertFalse(result.has_errors, [one.error_message for one in result.failed])
        self.assertEqual(3, len(list(self.client.records.list("account"))))


if __name__ == "__main__":
    unittest.main()
