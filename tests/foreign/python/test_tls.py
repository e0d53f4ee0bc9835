"""The client as it comes, with a credential of `azure-identity`, over TLS: nothing stands between."""

import json
import os
import pathlib
import subprocess
import unittest

from azure.identity import ClientSecretCredential
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.config import DataverseConfig

KEYS = pathlib.Path(__file__).parents[2] / "fixtures" / "tls"


class Unchanged(unittest.TestCase):
    def setUp(self):
        certificate = str(KEYS / "localhost.pem")
        emulator = subprocess.Popen(
            [os.environ["EMULATOR"], "--port", "0", "--tls", certificate, str(KEYS / "localhost.key.pem")],
            stdout=subprocess.PIPE,
        )
        self.addCleanup(emulator.stdout.close)
        self.addCleanup(emulator.wait)
        self.addCleanup(emulator.terminate)
        port = json.loads(emulator.stdout.readline())["url"].split(":")[2]
        self.url = f"https://localhost:{port}"
        os.environ["REQUESTS_CA_BUNDLE"] = certificate
        self.addCleanup(os.environ.pop, "REQUESTS_CA_BUNDLE")

    def test_rows_are_written_and_read(self):
        credential = ClientSecretCredential(
            "some-tenant", "some-client", "some-secret",
            authority=self.url, disable_instance_discovery=True,
        )
        with DataverseClient(self.url, credential, config=DataverseConfig()) as client:
            made = client.records.create("account", [{"name": "a"}, {"name": "b"}])
            rows = client.records.list("account", filter="name eq 'b'", select=["name"])
            self.assertEqual([made[1]], [row["accountid"] for row in rows])
            pages = client.records.list_pages("account", page_size=2, select=["name"])
            self.assertEqual([2, 2, 1], [len(page) for page in pages])


if __name__ == "__main__":
    unittest.main()
