"""Each module of the folder that parses is a format, and each format is such a module."""

import pkgutil
from importlib import import_module

import pytest

from connector import formats
from connector.errors import SettingsError


def test_the_registry_is_the_folder() -> None:
    modules = [import_module(f"connector.formats.{name}") for _, name, _ in pkgutil.iter_modules(formats.__path__)]
    modules.append(import_module("connector.formats.segment.spec"))
    parsing = {module.parse for module in modules if hasattr(module, "parse")}
    assert set(formats._PARSERS.values()) == parsing


def test_an_unknown_format_is_named_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match="unknown format 'csv': it is one of hull, native"):
        formats.parse("csv", {})
