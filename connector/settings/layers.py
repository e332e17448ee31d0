"""Where settings come from: the environment, a secrets directory, the file. Each source becomes a Layer."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from connector.errors import SettingsError
from connector.settings.mistakes import PREFIX, Layer, annotation_at, is_secret, shown

SECRETS_DIR = "CONNECTOR_SECRETS_DIR"
USUAL_SECRETS_DIR = "/run/secrets"


class Variables(EnvSettingsSource):
    """Names and texts, of the environment or of a secrets directory, as nested values.

    Text becomes a number, a switch or a list where the settings expect one. Text that does not stays text, and is then
    refused with its key like any other value.
    """

    def __init__(self, model: type[BaseSettings], given: Mapping[str, str]) -> None:
        """`given` in place of os.environ."""
        super().__init__(model, case_sensitive=False, env_prefix=PREFIX, env_nested_delimiter="__")
        self.config = SettingsConfigDict(**{**self.config, "strict": True})
        self.env_vars = {name.lower(): text for name, text in given.items()}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """Returns the decoded JSON, or the text itself where it is not JSON."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


def layers(model: type[BaseSettings], path: Path, environ: Mapping[str, str]) -> tuple[Layer, ...]:
    """Returns the layer of every source, strongest first; the file is the last."""
    return (*_around(model, environ), _file(model, path))


def layers_of_text(model: type[BaseSettings], text: str, label: str, environ: Mapping[str, str]) -> tuple[Layer, ...]:
    """Returns the layer of every source, strongest first, with a text in place of the file.

    Args:
        model: The settings.
        text: What the file would hold.
        label: What mistakes call it.
        environ: The environment.
    """
    around = _around(model, environ)
    try:
        return (*around, Layer(label, tomllib.loads(text)))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{label}: is not TOML: {error}") from None


def _around(model: type[BaseSettings], environ: Mapping[str, str]) -> tuple[Layer, ...]:
    _refuse_near_misses("environment", model, environ)
    environment = {name: text for name, text in environ.items() if _is_ours(name) and _gives(model, name, text)}
    return (
        _variables("environment", model, environment),
        _variables("secrets", model, _secret_files(model, environ.get(SECRETS_DIR))),
    )


def _refuse_near_misses(label: str, model: type[BaseSettings], names: Iterable[str]) -> None:
    """Refuses CONNECTOR_WEB__TOKEN: it would be read by nobody, and what it says would not hold without a word."""
    for name in names:
        start, _, rest = name.partition("_")
        section, inner, _ = rest.partition("__")
        if start.upper() == PREFIX.rstrip("_") and inner and section.lower() in model.model_fields:
            raise SettingsError(f"{label}: {name}: two underscores stand behind {start}: {PREFIX}{rest} is meant")


def total(given: Sequence[Layer]) -> dict[str, Any]:
    """Returns the merged values of the layers, which are given strongest first."""
    values: dict[str, Any] = {}
    for layer in reversed(given):
        values = _over(values, layer.values)
    return values


def _over(weaker: Mapping[str, Any], stronger: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(weaker)
    for key, value in stronger.items():
        below = values.get(key)
        values[key] = _over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return values


def _is_ours(name: str) -> bool:
    return name.upper().startswith(PREFIX)


def _gives(model: type[BaseSettings], name: str, text: str) -> bool:
    """Not an empty one for a secret: compose files pass unset variables so, and a secret file may have it."""
    loc = tuple(name[len(PREFIX) :].lower().split("__"))
    return bool(text.strip()) or not is_secret(annotation_at(model, loc))


def _variables(label: str, model: type[BaseSettings], given: Mapping[str, str]) -> Layer:
    names = {name.lower(): name for name in given}
    sections = {name[len(PREFIX) :].partition("__")[0] for name in names}
    unknown = dict.fromkeys(sections - set(model.model_fields))
    return Layer(label, {**Variables(model, given)(), **unknown}, names)


def _secret_files(model: type[BaseSettings], chosen: str | None) -> dict[str, str]:
    directory = Path(chosen or USUAL_SECRETS_DIR)
    if not directory.is_dir():
        if chosen:
            raise SettingsError(f"environment: {SECRETS_DIR}: {shown(chosen)} is not a directory")
        return {}
    try:
        named = sorted(directory.iterdir())
        files = [file for file in named if _is_ours(file.name) and file.is_file()]
    except OSError as error:
        raise _unreadable(f"secrets: {directory}", error) from None
    _refuse_near_misses("secrets", model, [file.name for file in named])
    return {file.name: _content(file) for file in files}


def _content(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(f"secrets: {file}", error) from None


def _file(model: type[BaseSettings], path: Path) -> Layer:
    if not path.is_file():
        raise SettingsError(f"{path}: there is no such file")
    try:
        return Layer(str(path), TomlConfigSettingsSource(model, path).toml_data)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(str(path), error) from None


def _unreadable(place: str, error: OSError | UnicodeDecodeError) -> SettingsError:
    reason = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else f"cannot be read: {error.strerror}"
    return SettingsError(f"{place}: {reason}")
