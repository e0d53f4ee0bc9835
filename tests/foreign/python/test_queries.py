"""Conditions, orders, related rows and statements, on a table whose rows are known."""

import datetime
import enum
import unittest
import uuid
from decimal import Decimal

import pandas
from PowerPlatform.Dataverse.core.errors import HttpError, ValidationError
from PowerPlatform.Dataverse.models import filters
from PowerPlatform.Dataverse.models.filters import col
from PowerPlatform.Dataverse.models.query_builder import ExpandOption

from test_client import Case

TASK = "new_SampleTask"
TEAM = "new_SampleTeam"


class Region(enum.IntEnum):
    North = 1
    South = 2
    East = 3


class Rows(Case):
    def prepare(self):
        tables, records = self.client.tables, self.client.records
        tables.create(
            TEAM,
            {"new_Code": "string", "new_Region": Region, "new_Budget": "decimal", "new_Active": "bool"},
        )
        tables.create(TASK, {"new_Title": "string", "new_Hours": "int", "new_Done": "bool"})
        tables.create_lookup_field(TASK, "new_TeamId", TEAM, display_name="Team")
        teams = records.create(TEAM, [
            {"new_Code": "ALPHA", "new_Region": Region.North, "new_Budget": 50000, "new_Active": True},
            {"new_Code": "BRAVO", "new_Region": Region.South, "new_Budget": 75000.25, "new_Active": True},
            {"new_Code": "CHARLIE", "new_Region": Region.East, "new_Budget": 30000, "new_Active": False},
            {"new_Code": "O'Neil & Sons + 50% #1", "new_Region": Region.North},
        ])
        type(self).teams = dict(zip(["ALPHA", "BRAVO", "CHARLIE"], teams))
        records.create(TASK, [
            {
                "new_Title": title, "new_Hours": hours, "new_Done": done,
                "new_TeamId@odata.bind": f"/new_sampleteams({self.teams[team]})",
            }
            for title, hours, done, team in [
                ("Design mockups", 8, True, "ALPHA"),
                ("Write unit tests", 12, False, "ALPHA"),
                ("Code review", 3, True, "BRAVO"),
                ("Deploy to staging", 5, False, "BRAVO"),
                ("Update docs", 4, True, "CHARLIE"),
            ]
        ])


class Conditions(Rows):
    def test_conditions_on_columns_of_each_type(self):
        budget, code, region = col("new_Budget"), col("new_code"), col("new_region")
        long_ago = datetime.datetime(2020, 1, 1)
        for condition, count in [
            (col("new_active") == True, 2),  # noqa: E712
            (budget == Decimal("75000.25"), 1),
            (budget == 75000.25, 1),
            (budget.between(30000, 50000), 2),
            (region.not_between(2, 3), 2),
            (budget.is_null(), 1),
            (region == Region.North, 2),
            (region.in_([Region.South, Region.East]), 2),
            (region.not_in([Region.North]), 2),
            (code.like("%A%"), 3),
            (code.not_like("A%"), 3),
            (code.startswith("b"), 1),
            (code == "O'Neil & Sons + 50% #1", 1),
            (code.contains("& Sons + 50%"), 1),
            (code.endswith("#1"), 1),
            (col("createdon") > long_ago, 4),
            (col("createdon") > long_ago.replace(tzinfo=datetime.timezone.utc), 4),
            (col("createdon") < long_ago.date(), 0),
            (col("new_sampleteamid") == uuid.UUID(self.teams["ALPHA"]), 1),
            (col("new_sampleteamid").in_([self.teams["ALPHA"], self.teams["BRAVO"]]), 2),
            ((budget > 40000) & ~(code == "ALPHA") | (region == Region.East), 2),
        ]:
            with self.subTest(condition.to_odata()):
                rows = self.client.query.builder(TEAM).select("new_code").where(condition).execute()
                self.assertEqual(count, len(rows))

    def test_conditions_as_functions(self):
        hours, title = "new_Hours", "new_Title"
        for condition, count in [
            (filters.eq(hours, 8), 1),
            (filters.ne(hours, 8), 4),
            (filters.gt(hours, 8), 1),
            (filters.ge(hours, 8), 2),
            (filters.lt(hours, 4), 1),
            (filters.le(hours, 4), 2),
            (filters.contains(title, "DOC"), 1),
            (filters.startswith(title, "de"), 2),
            (filters.endswith(title, "s"), 3),
            (filters.between(hours, 4, 8), 3),
            (filters.not_between(hours, 4, 8), 2),
            (filters.is_null(hours), 0),
            (filters.is_not_null(hours), 5),
            (filters.filter_in(title, ["Code review", "Update docs"]), 2),
            (filters.not_in(hours, [3, 4]), 3),
            (filters.raw(f"_new_teamid_value eq {self.teams['ALPHA']}"), 2),
            (filters.raw("new_TeamId/new_code eq 'ALPHA'"), 2),
        ]:
            with self.subTest(condition.to_odata()):
                rows = self.client.query.builder(TASK).select(title).where(condition).execute()
                self.assertEqual(count, len(rows))

    def test_orders_and_pages(self):
        query = self.client.query.builder(TASK).select("new_title", "new_hours")
        query = query.order_by("new_Hours", descending=True).page_size(2)
        self.assertEqual([2, 2, 1], [len(page) for page in query.execute_pages()])
        hours = [row["new_hours"] for row in query.execute()]
        self.assertEqual([12, 8, 5, 4, 3], hours)
        top = self.client.query.builder(TASK).select("new_hours").order_by("new_hours").top(2)
        self.assertEqual([3, 4], [row["new_hours"] for row in top.execute()])
        self.assertEqual(3, top.execute().first()["new_hours"])

    def test_related_rows(self):
        related = ExpandOption("new_sampleteam_new_sampletask_new_TeamId")
        related = related.select("new_title").filter("new_hours gt 4")
        related = related.order_by("new_hours", descending=True).top(1)
        self.assertIn("$top=1", related.to_odata())
        rows = self.client.query.builder(TEAM).select("new_code").expand(related)
        rows = rows.where(col("new_code") == "ALPHA").execute()
        tasks = rows[0]["new_sampleteam_new_sampletask_new_TeamId"]
        self.assertEqual(["Write unit tests"], [task["new_title"] for task in tasks])
        rows = self.client.query.builder(TASK).select("new_title")
        rows = rows.expand(ExpandOption("new_TeamId").select("new_code"), "owninguser")
        row = rows.where(col("new_hours") == 3).execute()[0]
        self.assertEqual(("BRAVO", "Emulator"),
                         (row["new_TeamId"]["new_code"], row["owninguser"]["fullname"]))

    def test_annotations(self):
        query = self.client.query.builder(TEAM).select("new_region", "new_active", "_ownerid_value")
        row = query.include_annotations("*").where(col("new_code") == "BRAVO").execute()[0]
        label = "OData.Community.Display.V1.FormattedValue"
        self.assertEqual("South", row[f"new_region@{label}"])
        self.assertIn(f"new_active@{label}", row)
        self.assertEqual("systemuser", row["_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"])


class Statements(Rows):
    def first_column(self, sql):
        rows = self.client.query.sql(sql)
        return [next(iter(row.values())) for row in rows]

    def test_statements(self):
        task, team = TASK.lower(), TEAM.lower()
        joined = f"FROM {task} k JOIN {team} t ON k.new_teamid = t.new_sampleteamid"
        for sql, expected in [
            (f"SELECT new_code FROM {TEAM} WHERE new_budget > 40000 ORDER BY new_code", ["ALPHA", "BRAVO"]),
            (f"SELECT TOP 1 new_code FROM {TEAM} ORDER BY new_budget DESC", ["BRAVO"]),
            (f"SELECT t.new_code AS code FROM {TEAM} AS t WHERE t.new_active = 0", ["CHARLIE"]),
            (f"SELECT DISTINCT new_region FROM {TEAM} ORDER BY new_region", [1, 2, 3]),
            (f"SELECT DISTINCT TOP 2 new_region FROM {TEAM} ORDER BY new_region", [1, 2]),
            (f"SELECT new_hours FROM {TASK} ORDER BY new_hours OFFSET 0 ROWS FETCH NEXT 2 ROWS ONLY", [3, 4]),
            (f"SELECT new_hours FROM {TASK} ORDER BY new_hours OFFSET 4 ROWS FETCH NEXT 2 ROWS ONLY", [12]),
            (f"SELECT new_code FROM {TEAM} WHERE new_code NOT IN ('ALPHA') AND new_code NOT LIKE 'O%' "
             "ORDER BY new_code", ["BRAVO", "CHARLIE"]),
            (f"SELECT new_code FROM {TEAM} WHERE NOT (new_region = 1 OR new_region = 2)", ["CHARLIE"]),
            (f"SELECT new_code FROM {TEAM} WHERE new_code = 'O''Neil & Sons + 50% #1'",
             ["O'Neil & Sons + 50% #1"]),
            (f"SELECT k.new_title {joined} WHERE t.new_code = 'BRAVO' ORDER BY k.new_hours",
             ["Code review", "Deploy to staging"]),
            (f"SELECT new_title FROM {TASK} WHERE new_teamid IN ('{self.teams['CHARLIE']}')", ["Update docs"]),
        ]:
            with self.subTest(sql):
                self.assertEqual(expected, self.first_column(sql))

    def test_groups(self):
        sql = (
            f"SELECT t.new_code, COUNT(k.new_sampletaskid) AS tasks, SUM(k.new_hours) AS hours, "
            f"AVG(k.new_hours) AS average, MIN(k.new_hours) AS least, MAX(k.new_hours) AS most "
            f"FROM {TEAM} t JOIN {TASK} k ON t.new_sampleteamid = k.new_teamid "
            "GROUP BY t.new_code ORDER BY t.new_code"
        )
        rows = [
            (row["new_code"], row["tasks"], row["hours"], row["average"], row["least"], row["most"])
            for row in self.client.query.sql(sql)
        ]
        self.assertEqual(
            [("ALPHA", 2, 20, 10, 8, 12), ("BRAVO", 2, 8, 4, 3, 5), ("CHARLIE", 1, 4, 4, 4, 4)], rows
        )

    def test_deep_joins(self):
        rows = self.client.query.sql(
            "SELECT TOP 3 a.name, c.fullname, su.fullname AS owner, cr.fullname AS creator "
            "FROM account a JOIN contact c ON a.accountid = c.parentcustomerid "
            "JOIN systemuser su ON a.ownerid = su.systemuserid "
            "JOIN systemuser cr ON a.createdby = cr.systemuserid "
            "LEFT JOIN team t ON a.ownerid = t.teamid"
        )
        self.assertEqual({("Emulator", "Emulator")}, {(row["owner"], row["creator"]) for row in rows})

    def test_what_the_client_refuses(self):
        for sql in [f"SELECT * FROM {TEAM}", f"DELETE FROM {TEAM}",
                    f"SELECT new_code FROM {TEAM} UNION SELECT new_title FROM {TASK}"]:
            with self.subTest(sql), self.assertRaises(ValidationError):
                self.client.query.sql(sql)
        with self.assertRaises(HttpError):
            self.client.query.sql(f"SELECT new_nothing FROM {TEAM}")

    def test_frames_are_read_changed_and_written(self):
        frame = self.client.dataframe
        rows = frame.sql(f"SELECT new_sampletaskid, new_hours FROM {TASK} WHERE new_done = 0")
        rows["new_hours"] = rows["new_hours"] + 1
        frame.update(TASK, rows, id_column="new_sampletaskid")
        total = self.client.query.sql(f"SELECT SUM(new_hours) AS s FROM {TASK}")
        self.assertEqual(34, total[0]["s"])
        made = frame.create(TASK, pandas.DataFrame({"new_Title": ["x", "y"], "new_Hours": [1, 2]}))
        frame.delete(TASK, made)
        self.assertEqual(5, len(self.client.records.list(TASK).to_dataframe()))


if __name__ == "__main__":
    unittest.main()
