"""Which public operations of the client the tests call: an operation that none calls is a failure."""

import functools
import importlib
import inspect
import pkgutil

import PowerPlatform.Dataverse as package

# Where operations are, and what stands beside them: what is no call to the service.
MODULES = (
    "operations", "client", "models.query_builder", "models.fetchxml_query", "models.filters",
    "aio.operations", "aio.async_client", "aio.models",
)

called = set()
known = set()


def _modules():
    root = package.__name__
    for found in pkgutil.walk_packages(package.__path__, root + "."):
        name = found.name[len(root) + 1:]
        if any(name == module or name.startswith(module + ".") for module in MODULES):
            yield importlib.import_module(found.name)


def _watched(name, function):
    known.add(name)

    @functools.wraps(function)
    def call(*args, **options):
        called.add(name)
        return function(*args, **options)

    return call


def _watch_members(owner, place, module):
    kinds = owner.__subclasses__() if inspect.isclass(owner) else []
    for name, function in list(vars(owner).items()):
        if name[0] == "_" or any(name in vars(kind) for kind in kinds):
            continue
        if inspect.isfunction(function) and function.__module__ == module:
            setattr(owner, name, _watched(f"{place}.{name}", function))


def watch():
    """Notes each call of a public function or method from now on."""
    for module in _modules():
        place = module.__name__[len(package.__name__) + 1:]
        _watch_members(module, place, module.__name__)
        for cls in list(vars(module).values()):
            is_own = inspect.isclass(cls) and cls.__module__ == module.__name__
            if is_own and cls.__name__[0] != "_" and not getattr(cls, "_is_protocol", False):
                _watch_members(cls, f"{place}.{cls.__name__}", module.__name__)


def missing():
    return sorted(known - called)
