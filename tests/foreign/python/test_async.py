"""The tests of the client once more, with its twin for asyncio, which keeps header names as they came."""

import asyncio
import inspect

import aiohttp
from PowerPlatform.Dataverse.aio.async_client import AsyncDataverseClient

import test_client as plain
import test_queries
import test_tables
from emulator import HTTPS_URL, Credential


class Session(aiohttp.ClientSession):
    """Sends what is for https over http, as `Plain` does."""

    async def _request(self, method, url, **options):
        headers = dict(options.pop("headers", None) or {})
        headers["X-Forwarded-Proto"] = "https"
        url = str(url).replace("https://", "http://", 1)
        return await super()._request(method, url, headers=headers, **options)


class AsyncCredential(Credential):
    async def get_token(self, *scopes, **options):
        return super().get_token(*scopes, **options)

    async def close(self):
        pass

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        pass


class Waiting:
    """An object whose coroutines are waited for."""

    def __init__(self, loop, inner):
        self._loop, self._inner = loop, inner

    def _wait(self, value):
        if inspect.isawaitable(value):
            value = self._loop.run_until_complete(value)
        if inspect.isasyncgen(value):
            value = self._loop.run_until_complete(collected(value))
        if type(value).__module__.startswith("PowerPlatform.Dataverse.aio"):
            return Waiting(self._loop, value)
        return value

    def __getattr__(self, name):
        value = getattr(self._inner, name)
        if callable(value):
            return lambda *args, **options: self._wait(value(*args, **options))
        return self._wait(value)

    def __enter__(self):
        if hasattr(self._inner, "__aenter__"):
            return self._wait(self._inner.__aenter__())
        return self._wait(self._inner.__enter__())

    def __exit__(self, *error):
        if hasattr(self._inner, "__aexit__"):
            return self._wait(self._inner.__aexit__(*error))
        return self._wait(self._inner.__exit__(*error))


async def collected(items):
    return [item async for item in items]


class Client(Waiting):
    def close(self):
        self._wait(self._inner.aclose())
        self._loop.close()


def client():
    loop = asyncio.new_event_loop()

    async def make():
        made = AsyncDataverseClient(HTTPS_URL, AsyncCredential())
        made._session = Session()
        return made

    return Client(loop, loop.run_until_complete(make()))


class AsyncRecords(plain.Records):
    make = staticmethod(client)


class AsyncQueries(plain.Queries):
    make = staticmethod(client)


class AsyncTables(plain.Tables):
    make = staticmethod(client)


class AsyncFiles(plain.Files):
    make = staticmethod(client)


class AsyncFrames(plain.Frames):
    make = staticmethod(client)


class AsyncBatches(plain.Batches):
    make = staticmethod(client)


class AsyncConditions(test_queries.Conditions):
    make = staticmethod(client)


class AsyncStatements(test_queries.Statements):
    make = staticmethod(client)


class AsyncColumns(test_tables.Columns):
    make = staticmethod(client)


class AsyncKeys(test_tables.Keys):
    make = staticmethod(client)


class AsyncRelationships(test_tables.Relationships):
    make = staticmethod(client)
