"""What published clients put on the wire, and what they need back, as bytes: one test for each habit.

The numbers are those of the list in ../README.md.
"""

import base64
import http.client
import json
import re
import time
import unittest
import urllib.parse

from emulator import URL, control

HOST = URL.split("//")[1]
ROOT = f"{URL}/api/data/v9.2/"
ACCOUNT = "a1000000-0000-0000-0000-000000000001"
JSON = {"Content-Type": "application/json"}


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.reason = response.reason
        # As they were spelled.
        self.headers = dict(response.getheaders())
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def names(self):
        return [row.get("name") for row in self.json["value"]]


def ask(method, target, body=None, headers=(), version="v9.2", token="any"):
    """Sends bytes as they stand; a target without a slash at the front is one of the Web API."""
    target = target if target.startswith("/") else f"/api/data/{version}/{target}"
    connection = http.client.HTTPConnection(HOST)
    # The client of the standard library would refuse blanks in a URL.
    connection._validate_path = lambda _: None
    headers = dict(headers)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if isinstance(body, (dict, list)):
        headers = {**JSON, **headers}
        body = json.dumps(body)
    connection.request(method, target, body, headers)
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


def column(kind, name, **more):
    return {"@odata.type": f"Microsoft.Dynamics.CRM.{kind}AttributeMetadata", "SchemaName": name, **more}


class Wire(unittest.TestCase):
    def setUp(self):
        control("reset")

    def made(self, target, body, **headers):
        answer = ask("POST", target, body, headers)
        self.assertIn(answer.status, (200, 201, 204), answer.body)
        return answer

    def test_01_query_strings(self):
        self.made("accounts", {"name": "a+b, 100%"})
        for query in [
            "%24select=name&%24filter=name+eq+%27a%2Bb%2C+100%25%27",
            "$select=name&$filter=name%20eq%20'a%2Bb,%20100%25'",
            "%24select=name%2Caccountid&%24filter=name%20eq%20%40p1&%40p1='a%2Bb%2C+100%25'",
            "$select=name,accountid&$filter=contains(name,'%2Bb,')",
        ]:
            with self.subTest(query):
                self.assertEqual(["a+b, 100%"], ask("GET", f"accounts?{query}").names)

    def test_02_first_requests_for_definitions(self):
        where = "$filter=LogicalName eq 'account'".replace(" ", "+")
        for select in [
            "LogicalName,EntitySetName,PrimaryIdAttribute",
            "MetadataId,LogicalName,SchemaName,EntitySetName,PrimaryNameAttribute",
        ]:
            answer = ask("GET", f"EntityDefinitions?$select={select}&{where}", headers={"Consistency": "Strong"})
            row, = answer.json["value"]
            self.assertEqual("accounts", row["EntitySetName"])
            self.assertTrue(set(select.split(",")) <= set(row))

    def test_03_choices_before_the_first_write(self):
        path = (
            "EntityDefinitions(LogicalName='account')/Attributes/"
            "Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$select=LogicalName"
            "&$expand=OptionSet($select=Options)"
        )
        answer = ask("GET", path)
        self.assertEqual(200, answer.status)
        self.assertTrue(all("LogicalName" in one for one in answer.json["value"]))

    def test_04_definitions(self):
        table = "EntityDefinitions(LogicalName='account')"
        columns = f"{table}/Attributes"
        text = ask("GET", f"{columns}?$select=LogicalName&$filter=AttributeType%20eq%20'String'").json
        self.assertIn("name", [one["LogicalName"] for one in text["value"]])
        self.assertTrue(all(one["MetadataId"] for one in text["value"]))
        private = "IsPrivate%20eq%20false%20and%20(SchemaName%20eq%20'Account'%20or%20LogicalName%20eq%20'account')"
        self.assertEqual(1, len(ask("GET", f"EntityDefinitions?$filter={private}").json["value"]))
        by_name = ask("GET", f"{columns}(LogicalName='name')").json
        self.assertEqual("#Microsoft.Dynamics.CRM.StringAttributeMetadata", by_name["@odata.type"])
        by_id = ask("GET", f"{columns}({by_name['MetadataId']})").json
        self.assertEqual("name", by_id["LogicalName"])
        self.assertEqual(404, ask("GET", f"{columns}(LogicalName='nothing')").status)
        for part in ["Keys", "OneToManyRelationships", "ManyToOneRelationships", "ManyToManyRelationships"]:
            self.assertEqual(200, ask("GET", f"{table}/{part}").status, part)
        name = "contact_customer_accounts"
        one = ask("GET", f"RelationshipDefinitions?$filter=SchemaName%20eq%20'{name}'").json["value"][0]
        cast = "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata"
        again = ask("GET", f"RelationshipDefinitions({one['MetadataId']})/{cast}").json
        self.assertEqual("contact", again["ReferencingEntity"])
        self.assertEqual(200, ask("GET", f"RelationshipDefinitions/{cast}?$select=SchemaName").status)
        cast = "Microsoft.Dynamics.CRM.OptionSetMetadata"
        self.assertEqual(200, ask("GET", f"GlobalOptionSetDefinitions/{cast}").status)
        query = {
            "Criteria": {"Conditions": [{
                "PropertyName": "LogicalName", "ConditionOperator": "Equals",
                "Value": {"Type": "System.String", "Value": "account"},
            }]},
            "Properties": {"PropertyNames": ["LogicalName", "EntitySetName"]},
        }
        query = urllib.parse.quote(json.dumps(query))
        changes = ask("GET", f"RetrieveMetadataChanges(Query=@p1)?@p1={query}").json
        self.assertEqual(["accounts"], [one["EntitySetName"] for one in changes["EntityMetadata"]])

    def test_05_spelling_of_headers(self):
        made = self.made("accounts", {"name": "x"})
        self.assertEqual(made.headers["OData-EntityId"], made.headers["Location"])
        read = ask("GET", "accounts")
        self.assertTrue({"Content-Type", "OData-Version"} <= set(read.headers))
        control("faults", {"kind": "throttled", "retry_after": 3})
        self.assertEqual("3", ask("GET", "accounts").headers["Retry-After"])
        made = self.made("EntityDefinitions(LogicalName='account')/Attributes", column("File", "new_File"))
        self.assertTrue(made.headers["OData-EntityId"].endswith(")"))
        begun = ask("PATCH", f"accounts({ACCOUNT})/new_file?x-ms-file-name=a",
                    headers={"x-ms-transfer-mode": "chunked"})
        self.assertTrue({"Location", "x-ms-chunk-size"} <= set(begun.headers))

    def test_06_absolute_urls(self):
        for host in [HOST, "localhost:1234", "org.crm.dynamics.com"]:
            root = f"http://{host}/api/data/v9.2/"
            headers = {"Host": host, "Prefer": "odata.maxpagesize=1"}
            page = ask("GET", "accounts", headers=headers).json
            self.assertTrue(page["@odata.nextLink"].startswith(f"{root}accounts?"))
            made = ask("POST", "accounts", {"name": "x"}, {"Host": host})
            self.assertRegex(made.headers["OData-EntityId"], "^" + re.escape(f"{root}accounts(") + r"[0-9a-f-]{36}\)$")
            secure = ask("GET", "accounts", headers={**headers, "X-Forwarded-Proto": "https"}).json
            self.assertTrue(secure["@odata.nextLink"].startswith(f"https://{host}/api/data/v9.2/accounts?"))

    def test_07_versions(self):
        for version in ["v9.0", "v9.1", "v9.2"]:
            page = ask("GET", "accounts", headers={"Prefer": "odata.maxpagesize=1"}, version=version).json
            self.assertIn(f"/api/data/{version}/", page["@odata.nextLink"])
        self.assertEqual(404, ask("GET", "accounts", version="v1").status)

    def test_08_if_none_match_null(self):
        none = {"If-None-Match": "null"}
        self.assertEqual(200, ask("GET", f"accounts({ACCOUNT})", headers=none).status)
        self.assertEqual(204, ask("POST", "accounts", {"name": "x"}, none).status)
        both = {**none, "If-Match": "*"}
        self.assertEqual(204, ask("PATCH", f"accounts({ACCOUNT})", {"fax": "1"}, both).status)
        self.assertEqual(404, ask("PATCH", "accounts(00000000-0000-0000-0000-000000000009)", {"fax": "1"}, both).status)

    def test_09_ids_and_functions(self):
        for key in [ACCOUNT.upper(), f"%7B{ACCOUNT}%7D", f"{{{ACCOUNT.upper()}}}"]:
            self.assertEqual(ACCOUNT, ask("GET", f"accounts({key})?$select=name").json["accountid"])
        where = f"$filter=accountid%20eq%20{ACCOUNT.upper()}"
        self.assertEqual(1, len(ask("GET", f"accounts?{where}").names))
        for function in ["WhoAmI", "WhoAmI()"]:
            self.assertEqual(36, len(ask("GET", function).json["UserId"]))

    def test_10_in_and_not_in(self):
        for name, values, count in [
            ("numberofemployees", '["40","120"]', 2), ("numberofemployees", "['40','120']", 2),
            ("name", '["fourth coffee (sample)","x"]', 1), ("accountid", f"['{ACCOUNT}']", 1),
            ("statecode", "['0']", 3),
        ]:
            for function, expected in [("In", count), ("NotIn", 3 - count)]:
                arguments = f"PropertyName='{name}',PropertyValues={values}"
                where = urllib.parse.quote(f"Microsoft.Dynamics.CRM.{function}({arguments})")
                answer = ask("GET", f"accounts?$filter={where}")
                self.assertEqual((200, expected), (answer.status, len(answer.names)), arguments)

    def test_11_pages(self):
        for prefer in [
            'odata.maxpagesize=2,odata.include-annotations="*"', 'odata.maxpagesize="2"',
            "odata.include-annotations=*, odata.maxpagesize=2",
        ]:
            page = ask("GET", "accounts?$select=name", headers={"Prefer": prefer})
            self.assertEqual(2, len(page.names), prefer)
            self.assertIn("odata.maxpagesize=2", page.headers["Preference-Applied"])
            link = page.json["@odata.nextLink"]
            self.assertIn("$select=name", link)
            cookie = urllib.parse.unquote(link.split("$skiptoken=")[1])
            self.assertRegex(cookie, r'^<cookie pagenumber="2" pagingcookie="%3ccookie.*" istracking="False" />$')
            rest = ask("GET", link[len(URL):], headers={"Prefer": prefer})
            self.assertEqual((1, None), (len(rest.names), rest.json.get("@odata.nextLink")))
        self.assertEqual(200, ask("GET", "accounts", headers={"Prefer": "odata.maxpagesize=9999"}).status)

    def test_12_cookies_of_fetchxml(self):
        def fetch(attributes, end=""):
            xml = f"<fetch {attributes}><entity name='account'><attribute name='name'/>{end}</entity></fetch>"
            query = urllib.parse.quote(xml)
            prefer = {"Prefer": 'odata.include-annotations="*"'}
            return ask("GET", f"accounts?fetchXml={query}", headers=prefer).json

        order = "<order attribute='name'/>"
        first = fetch("count='2' page='1'", order)
        self.assertIs(True, first["@Microsoft.Dynamics.CRM.morerecords"])
        annotation = first["@Microsoft.Dynamics.CRM.fetchxmlpagingcookie"]
        found = re.fullmatch(r'<cookie pagenumber="2" pagingcookie="(.*)" istracking="False" />', annotation)
        cookie = urllib.parse.unquote(urllib.parse.unquote(found[1]))
        self.assertRegex(cookie, r'^<cookie page="1">.*</cookie>$')
        escaped = cookie.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        escaped = escaped.replace('"', "&quot;")
        for attributes in [
            f'page="2" count="2" paging-cookie="{escaped}"',
            f"count='2' page='2' paging-cookie='{escaped}'",
            f'paging-cookie="{escaped.replace(chr(39), "&#39;")}" count="2" page="2"',
            "count='2' page='2'",
        ]:
            last = fetch(attributes, order)
            self.assertEqual(1, len(last["value"]))
            self.assertFalse(last.get("@Microsoft.Dynamics.CRM.morerecords"))
            self.assertNotIn("@Microsoft.Dynamics.CRM.fetchxmlpagingcookie", last)
        row = fetch("", "<attribute name='ownerid'/>")["value"][0]
        self.assertEqual("systemuser", row["_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"])
        self.assertIn("_ownerid_value@OData.Community.Display.V1.FormattedValue", row)

    def test_13_primary_keys_are_always_there(self):
        xml = "<fetch><entity name='account'><attribute name='name'/></entity></fetch>"
        for query in ["$select=name", "fetchXml=" + urllib.parse.quote(xml)]:
            self.assertTrue(all(row["accountid"] for row in ask("GET", f"accounts?{query}").json["value"]))

    def batch(self, lines, content_type='multipart/mixed; boundary="b"', **headers):
        body = "\r\n".join(lines).encode()
        headers = {"Content-Type": content_type, "Accept": "application/json", **headers}
        return ask("POST", "$batch", body, headers)

    def test_14_requests_of_batches(self):
        change_set = [
            "", "--b", "Content-Type: multipart/mixed;boundary=c", "",
            "--c", "Content-Type:application/http", "Content-Transfer-Encoding: binary", "Content-Id: 1", "",
            f"POST {ROOT}accounts HTTP/1.1", "Content-Type: application/json; type=entry", "", '{"name":"b"}', "",
            "--c", "Content-Type: application/http", "Content-ID: 2", "",
            "POST /api/data/v9.2/contacts HTTP/1.1", "Content-Type: application/json", "",
            '{"lastname":"child","parentcustomerid_account@odata.bind":"$1"}', "",
            "--c", "Content-Type: application/http", "Content-ID: 3", "",
            "PATCH $1 HTTP/1.1", "Content-Type: application/json", "", '{"fax":"7"}', "",
            "--c", "Content-Type: application/http", "Content-ID: 4", "",
            "PUT $1/telephone1 HTTP/1.1", "Content-Type: application/json", "", '{"value":"8"}', "",
            "--c", "Content-Type: application/http", "Content-ID: 5", "",
            "POST $1/contact_customer_accounts/$ref HTTP/1.1", "Content-Type: application/json", "",
            '{"@odata.id":"$2"}', "",
            "--c--", "",
        ]
        reads = [
            "--b", "Content-Type: application/http", "Content-ID: word", "",
            f"GET {ROOT}accounts?$select=name,fax,telephone1&$filter=name eq 'b'&$orderby=name desc HTTP/1.1",
            "Accept: application/json", "",
            "--b", "Content-Type:application/http", "",
            "GET /api/data/v9.2/contacts?$filter=lastname eq 'child'&$expand=parentcustomerid_account($select=name) HTTP/1.1",
            "", "--b", "Content-Type: application/http", "",
            "GET /api/data/v9.2/accounts/$count HTTP/1.1", "", "", "--b--", "",
        ]
        for content_type in ["multipart/mixed; boundary=b", 'multipart/mixed;boundary="b"']:
            control("reset")
            answer = self.batch(change_set + reads, content_type)
            self.assertEqual(200, answer.status, answer.body)
            text = answer.body.decode()
            self.assertEqual(5, text.count("HTTP/1.1 204 No Content"), text)
            self.assertIn('"fax":"7","telephone1":"8"', text)
            self.assertIn('"parentcustomerid_account":{', text)
            self.assertTrue(re.search(r"text/plain.*\r\n\r\n\W*4\r\n", text, re.S), text)

    def test_15_answers_of_batches(self):
        def create(body):
            return ["--c", "Content-Type: application/http", "Content-ID: 1", "",
                    "POST /api/data/v9.2/accounts HTTP/1.1", "Content-Type: application/json", "", body, ""]

        def set_of(body):
            return ["--b", "Content-Type: multipart/mixed;boundary=c", "", *create(body), "--c--", ""]

        read = ["--b", "Content-Type: application/http", "",
                "GET /api/data/v9.2/accounts?$top=1&$select=name HTTP/1.1", "", ""]
        missing = ["--b", "Content-Type: application/http", "",
                   "GET /api/data/v9.2/accounts(00000000-0000-0000-0000-000000000009) HTTP/1.1", "", ""]
        answer = self.batch([*set_of('{"name":"x"}'), *read, "--b--", ""])
        kind = answer.headers["Content-Type"]
        found = re.fullmatch(r"multipart/mixed; boundary=(batchresponse_[0-9a-f-]{36})", kind)
        text = answer.body.decode()
        start = (rf"--{found[1]}\r\nContent-Type: multipart/mixed; "
                 r"boundary=(changesetresponse_[0-9a-f-]{36})\r\n\r\n--\1\r\n")
        self.assertRegex(text, "^" + start)
        self.assertIn("\r\nContent-ID: 1\r\n", text)
        self.assertIn("HTTP/1.1 204 No Content\r\n", text)
        # A client takes what is between the first and the last brace of a part.
        for part in text.split(f"--{found[1]}"):
            if "{" in part:
                json.loads(part[part.index("{"):part.rindex("}") + 1])
        failed = [*set_of('{"nothing":1}'), *missing, *read, "--b--", ""]
        stopped = self.batch(failed)
        self.assertEqual(400, stopped.status)
        self.assertTrue(stopped.headers["Content-Type"].startswith("multipart/mixed; boundary=batchresponse_"))
        self.assertEqual(1, stopped.body.count(b"HTTP/1.1 "))
        self.assertEqual(1, stopped.body.count(b"application/http"))
        on = self.batch(failed, Prefer="odata.continue-on-error")
        self.assertEqual((200, 3), (on.status, on.body.count(b"HTTP/1.1 ")))
        self.assertIn(b"HTTP/1.1 404 Not Found", on.body)

    def test_16_long_urls(self):
        where = " or ".join(f"name eq 'nobody is called so {number}'" for number in range(100))
        where = urllib.parse.quote(f"{where} or startswith(name,'Fourth')")
        self.assertGreater(len(where), 4000)
        answer = self.batch(["--b", "Content-Type: application/http", "",
                             f"GET {ROOT}accounts?$filter={where} HTTP/1.1", "", "", "--b--", ""])
        self.assertIn(b"Fourth Coffee", answer.body)

    def test_17_errors(self):
        for answer, status in [
            (ask("GET", "accounts(00000000-0000-0000-0000-000000000009)"), 404),
            (ask("POST", "accounts", {"nothing": 1}), 400),
            (ask("GET", "nothings"), 404),
            (ask("GET", "accounts?$filter=name%20equals%20'x'"), 400),
        ]:
            self.assertEqual(status, answer.status)
            self.assertIn("application/json", answer.headers["Content-Type"])
            self.assertRegex(answer.json["error"]["code"], "^0x[0-9A-Fa-f]{1,8}$")
            self.assertTrue(answer.json["error"]["message"])
        refused = ask("GET", "accounts", token=None)
        self.assertEqual(401, refused.status)
        self.assertTrue(refused.headers["WWW-Authenticate"].startswith("Bearer "))

    def test_18_files(self):
        self.made("EntityDefinitions(LogicalName='account')/Attributes", column("File", "new_File"))
        self.assertEqual(200, ask("GET", "accounts?$top=1&$select=new_file").status)
        place = f"accounts({ACCOUNT})/new_file"
        content = b"12345678" * (1 << 19)
        small = ask("PATCH", place, b"small", {"Content-Type": "application/octet-stream", "x-ms-file-name": "a.txt"})
        self.assertEqual(204, small.status)
        for extra in [{}, {"x-ms-transfer-mode": "chunked"}]:
            begun = ask("PATCH", f"{place}?x-ms-file-name=b%20%C3%BC.txt", b"", {"x-ms-transfer-mode": "chunked"})
            self.assertEqual(200, begun.status)
            chunk = int(begun.headers["x-ms-chunk-size"])
            self.assertEqual(4 << 20, chunk)
            self.assertIn("sessiontoken=", begun.headers["Location"])
            target = begun.headers["Location"][len(URL):]
            total = 2 * chunk
            for first, status in [(0, 206), (chunk, 204)]:
                headers = {"Content-Range": f"bytes {first}-{first + chunk - 1}/{total}",
                           "Content-Type": "application/octet-stream", "x-ms-file-name": "b.txt", **extra}
                self.assertEqual(status, ask("PATCH", target, content[:chunk], headers).status)
            headers = {"Content-Range": f"bytes {total}-{total - 1}/{total}", **extra}
            self.assertEqual(204, ask("PATCH", target, b"", headers).status)
        first = ask("GET", f"{place}?size=full", headers={"Range": "bytes=0-4194303"})
        self.assertEqual(content[:chunk], base64.b64decode(first.json["value"]))
        self.assertEqual(str(total), first.headers["x-ms-file-size"])
        self.assertTrue({"Content-Disposition", "x-ms-file-name", "Location"} <= set(first.headers))
        rest = ask("GET", first.headers["Location"][len(URL):], headers={"Range": f"bytes=4194304-{total - 1}"})
        self.assertEqual(content[:chunk], base64.b64decode(rest.json["value"]))

    def test_19_columns_and_links(self):
        row = f"accounts({ACCOUNT})"
        self.assertEqual(204, ask("PUT", f"{row}/fax", {"value": "5"}).status)
        self.assertEqual("5", ask("GET", f"{row}/fax").json["value"])
        self.assertEqual(204, ask("DELETE", f"{row}/fax").status)
        contact = "c1000000-0000-0000-0000-000000000001"
        links = f"{row}/contact_customer_accounts"
        self.assertEqual(1, len(ask("GET", f"{links}/$ref").json["value"]))
        self.assertEqual(204, ask("DELETE", f"{links}({contact})/$ref").status)
        body = {"@odata.id": f"{ROOT}contacts({contact})"}
        self.assertEqual(204, ask("POST", f"{links}/$ref", body).status)
        url = urllib.parse.quote(body["@odata.id"], safe="")
        self.assertEqual(204, ask("DELETE", f"{links}/$ref?$id={url}").status)
        self.assertEqual([], ask("GET", f"{links}/$ref").json["value"])

    def test_20_changes(self):
        track = {"Prefer": "odata.track-changes"}
        first = ask("GET", "contacts?$select=lastname", headers=track)
        self.assertIn("odata.track-changes", first.headers["Preference-Applied"])
        link = first.json["@odata.deltaLink"][len(URL):]
        gone = self.made("contacts", {"lastname": "made and gone"}).headers["OData-EntityId"][len(URL):]
        self.assertEqual(204, ask("DELETE", gone).status)
        self.made("contacts", {"lastname": "made"})
        changes = ask("GET", link).json["value"]
        self.assertEqual(2, len(changes))
        deleted, = [one for one in changes if one.get("reason") == "deleted"]
        self.assertEqual(f"{ROOT}$metadata#contacts/$deletedEntity", deleted["@odata.context"])
        self.assertIn(deleted["id"], gone)
        token = urllib.parse.parse_qs(link.split("?")[1])["$deltatoken"][0]
        count = ask("GET", f"contacts/$count?$deltatoken={urllib.parse.quote(token)}")
        self.assertEqual(b"2", count.body.lstrip(b"\xef\xbb\xbf"))
        for option in ["$filter=lastname%20eq%20'x'", "$orderby=lastname", "$expand=owninguser", "$top=1"]:
            self.assertEqual(4, ask("GET", f"contacts?{option}", headers=track).status // 100, option)

    def test_21_signing_in(self):
        def sign_in(form, **headers):
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            return ask("POST", "/tenant/oauth2/v2.0/token", urllib.parse.urlencode(form), headers, token=None)

        grant = {"grant_type": "client_credentials", "scope": f"{URL}/.default"}
        basic = "Basic " + base64.b64encode(b"foreign:secret").decode()
        for answer in [
            sign_in({**grant, "client_id": "foreign", "client_secret": "secret"}),
            sign_in(grant, Authorization=basic),
        ]:
            token = answer.json
            self.assertEqual(("Bearer", True), (token["token_type"], isinstance(token["expires_in"], int)))
            claims = token["access_token"].split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
            self.assertGreater(claims["exp"], time.time())
            self.assertEqual(200, ask("GET", "WhoAmI", token=token["access_token"]).status)
        refused = sign_in({**grant, "grant_type": "nothing", "client_id": "foreign"})
        self.assertEqual((400, "unsupported_grant_type"), (refused.status, refused.json["error"]))

    def test_22_bulk_operations(self):
        made = self.made("accounts/Microsoft.Dynamics.CRM.CreateMultiple", {"Targets": [
            {"@odata.type": "Microsoft.Dynamics.CRM.account", "name": name} for name in ("x", "y")
        ]})
        ids = made.json["Ids"]
        changed = ask("POST", "accounts/Microsoft.Dynamics.CRM.UpdateMultiple", {"Targets": [
            {"@odata.type": "Microsoft.Dynamics.CRM.account", "accountid": id, "fax": "1"} for id in ids
        ]})
        self.assertEqual(204, changed.status)
        self.made("EntityDefinitions(LogicalName='account')/Keys",
                  {"SchemaName": "new_Number", "KeyAttributes": ["accountnumber"]})
        self.made("accounts/Microsoft.Dynamics.CRM.UpsertMultiple", {"Targets": [{
            "@odata.type": "Microsoft.Dynamics.CRM.account", "@odata.id": "accounts(accountnumber='v')",
            "name": "by key",
        }]})
        self.assertEqual("by key", ask("GET", "accounts(accountnumber='v')").json["name"])
        job = ask("POST", "BulkDelete", {
            "JobName": "clean up", "SendEmailNotification": False, "ToRecipients": [], "CCRecipients": [],
            "RecurrencePattern": "", "StartDateTime": "2026-01-01T00:00:00Z",
            "QuerySet": [{
                "@odata.type": "Microsoft.Dynamics.CRM.QueryExpression", "EntityName": "account",
                "ColumnSet": {"@odata.type": "Microsoft.Dynamics.CRM.ColumnSet", "AllColumns": False, "Columns": []},
                "Criteria": {"FilterOperator": "And", "Conditions": [{
                    "AttributeName": "accountid", "Operator": "In",
                    "Values": [{"Value": id, "Type": "System.Guid"} for id in ids],
                }]},
            }],
        })
        self.assertEqual((200, 36), (job.status, len(job.json["JobId"])))
        self.assertEqual(404, ask("GET", f"accounts({ids[0]})").status)

    def test_23_keys_in_urls(self):
        self.made("EntityDefinitions(LogicalName='account')/Keys",
                  {"SchemaName": "new_Number", "KeyAttributes": ["accountnumber"]})
        self.made("accounts", {"accountnumber": "O'K 1", "name": "with a quote"})
        for key in ["'O''K%201'", "%27O%27%27K%201%27"]:
            self.assertEqual("with a quote", ask("GET", f"accounts(accountnumber={key})").json["name"], key)


if __name__ == "__main__":
    unittest.main()
