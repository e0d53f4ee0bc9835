"""Where the emulator is, and how Microsoft's client gets there.

The client takes only https URLs, and the emulator speaks http on the loopback. What goes to
`https://` is sent to the emulator, with the header by which a proxy says what the client used.
"""

import json
import os
import urllib.parse
import urllib.request

import requests
from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient

URL = os.environ["EMULATOR_URL"]
HTTPS_URL = URL.replace("http://", "https://")


class Plain(requests.adapters.HTTPAdapter):
    """Sends what is for https over http."""

    def send(self, request, **options):
        request.url = request.url.replace("https://", "http://", 1)
        request.headers["X-Forwarded-Proto"] = "https"
        response = super().send(request, **options)
        return response


class Credential:
    """Signs in at the emulator's own token endpoint."""

    def get_token(self, *scopes, **_):
        form = urllib.parse.urlencode({
            "grant_type": "client_credentials",
            "client_id": "foreign",
            "client_secret": "any",
            "scope": scopes[0],
        })
        url = f"{URL}/tenant/oauth2/v2.0/token"
        with urllib.request.urlopen(url, form.encode()) as answer:
            token = json.load(answer)
        return AccessToken(token["access_token"], token["expires_in"])


def client(**options):
    made = DataverseClient(HTTPS_URL, Credential(), **options)
    made.__enter__()
    made._session.mount("https://", Plain())
    return made


def control(what, body=None):
    """Posts to `/emulator/{what}`."""
    request = urllib.request.Request(
        f"{URL}/emulator/{what}", json.dumps(body).encode(), method="POST"
    )
    urllib.request.urlopen(request).close()


def read(path):
    """The bytes that the emulator answers."""
    request = urllib.request.Request(f"{URL}{path}", headers={"Authorization": "Bearer any"})
    with urllib.request.urlopen(request) as answer:
        return answer.read()
