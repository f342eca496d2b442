"""Modules whose names are loaded when they are first asked for (PEP 562)."""

from collections.abc import Callable, Mapping
from importlib import import_module


def lazy(
    namespace: dict[str, object], homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of the module with this namespace.

    `homes` are the modules that its names come from, as an import would spell them, each with those
    names. A home that lies in the module itself is one of its names too.
    """
    home_of = {name: home for home, names in homes.items() for name in names.split()}
    inner = {home[1:] for home in homes if home[1:].isidentifier() and "__path__" in namespace}

    def load(name: str) -> object:
        home = home_of.get(name, f".{name}" if name in inner else "")
        if not home:
            raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
        found: object = import_module(home, str(namespace["__package__"]))
        if name in home_of:
            found = getattr(found, name)
        namespace[name] = found  # the next time, nobody asks here
        return found

    return load, lambda: sorted({*namespace, *home_of, *inner})
