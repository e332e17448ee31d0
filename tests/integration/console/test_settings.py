"""The page of the settings: every key with where it came from, and no secret, nor the password of a URL."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel, SecretStr

from connector.console.visitor import Visitor
from connector.settings.effective import is_secret_at
from connector.settings.mistakes import fields_of, is_secret
from connector.settings.schema import Settings, load
from tests.build_settings import build, values, write
from tests.console import Browser
from tests.world import World

OpenConsole = Callable[..., Browser]
MARK = "hush-hush-marker-0123456789"
SIGNING = f"whsec_{b64encode(MARK.encode()).decode()}"
NAMED = "NAME"

SECRETS: dict[str, Any] = {
    "web": {"token": MARK, "tokens": {NAMED: MARK}, "metrics_token": MARK, "segment_secret": MARK},
    "alerts": {
        "heartbeat_url": f"https://{MARK}.example.com",
        "channels": {
            "by_url": {"url": f"json://{MARK}.example.com"},
            "by_webhook": {"webhook_url": f"https://{MARK}.example.com", "webhook_secret": SIGNING},
        },
    },
    "console": {
        "read_url": f"postgresql+psycopg://{MARK}@127.0.0.1/x",
        "secret": MARK * 2,
        "users": {"ada": {"password_hash": MARK}},
        "oidc": {"client_secret": MARK},
    },
    "connection": {"site_id": MARK, "api_key": MARK, "app_api_key": MARK, "webhook_keys": [MARK]},
    "sources": {"main": {"url": f"postgresql+psycopg://u:{MARK}@127.0.0.1/x"}},
    "out": {"main": {"url": f"https://u:{MARK}@example.com/{MARK}", "signing_secrets": [SIGNING]}},
    "export": {"main": {"url": f"postgresql+psycopg://u:{MARK}@127.0.0.1/x"}},
}
PLAIN_URLS: dict[str, Any] = {
    "store": f"postgresql+psycopg://u:{MARK}@127.0.0.1/x?password={MARK}&options={MARK}",
    "broker": {"url": f"amqp://u:{MARK}@127.0.0.1//?login={MARK}"},
}


def secret_keys(model: type[BaseModel], loc: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The keys of every secret of the schema, with NAME for what is named freely."""
    for key, field in fields_of(model).items():
        here = (*loc, key)
        if is_secret(field.annotation) or "Secret" in str(field.annotation) or "DatabaseUrl" in str(field.annotation):
            yield here
            continue
        for each in (field.annotation, *get_args(field.annotation)):
            if isinstance(each, type) and issubclass(each, BaseModel):
                yield from secret_keys(each, (*here, NAMED) if each is not field.annotation else here)


def effective_of(settings: BaseModel) -> dict[str, tuple[str, bool]]:
    assert isinstance(settings, Settings)
    return {each.key: (each.value, each.secret) for each in settings.effective()}


def test_every_secret_of_the_schema_is_known_as_one() -> None:
    found = list(secret_keys(Settings))
    assert len(found) >= 19
    assert [loc for loc in found if not is_secret_at(Settings, loc)] == []


def test_no_secret_is_in_what_is_in_effect_and_none_that_is_set_is_called_not_set() -> None:
    settings = build()
    for section, given in SECRETS.items():
        settings = put(settings, "connections" if section == "connection" else section, given)
    shown = settings.effective()
    assert MARK not in repr(shown)
    assert b64encode(MARK.encode()).decode() not in repr(shown)
    marked = {each.key for each in shown if each.secret and each.value == "set"}
    assert marked >= {
        "web.token", "web.tokens", "web.metrics_token", "web.segment_secret", "alerts.heartbeat_url",
        "alerts.channels.by_url.url", "alerts.channels.by_webhook.webhook_url",
        "alerts.channels.by_webhook.webhook_secret", "console.read_url", "console.secret",
        "console.users.ada.password_hash", "console.oidc.client_secret", "connections.main.site_id",
        "connections.main.api_key", "connections.main.app_api_key", "connections.main.webhook_keys",
        "sources.main.url", "out.main.url", "out.main.signing_secrets", "export.main.url",
    }  # fmt: skip


def put(settings: Settings, section: str, given: dict[str, Any]) -> Settings:
    """The settings with these secrets in a section, whatever else would have to be set beside them."""
    table = {"main": given} if section == "connections" else given
    annotation = Settings.model_fields[section].annotation
    return settings.model_copy(update={section: constructed(annotation, table, getattr(settings, section))})


def constructed(annotation: Any, given: Any, before: Any = None) -> Any:
    """A value of a type as the schema would hold it, unchecked."""
    if "SecretStr" in str(annotation) or "DatabaseUrl" in str(annotation):
        if isinstance(given, list):
            return tuple(map(SecretStr, given))
        return {key: SecretStr(each) for key, each in given.items()} if isinstance(given, dict) else SecretStr(given)
    models = [each for each in (annotation, *get_args(annotation)) if isinstance(each, type)]
    model = next((each for each in models if issubclass(each, BaseModel)), None)
    if model is None:
        return given
    if model is not annotation and get_origin(annotation) is dict:
        return {key: constructed(model, each, (before or {}).get(key)) for key, each in given.items()}
    made = {key: constructed(model.model_fields[key].annotation, each) for key, each in given.items()}
    if isinstance(before, BaseModel):
        return before.model_copy(update=made)
    required = {key: None for key, field in model.model_fields.items() if field.is_required()}
    return model.model_construct(**{**required, **made})


def test_a_url_that_is_no_secret_is_shown_without_its_password() -> None:
    shown = effective_of(build(**PLAIN_URLS))
    assert MARK not in repr(shown)
    assert shown["store.url"] == ("postgresql+psycopg://***@127.0.0.1/x?***", False)
    assert shown["broker.url"] == ("amqp://***@127.0.0.1//?***", False)


def test_each_key_says_where_it_came_from(tmp_path: Path) -> None:
    environ = write(tmp_path, values())
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "CONNECTOR__WEB__METRICS_TOKEN").write_text(MARK)
    environ |= {"CONNECTOR_SECRETS_DIR": str(secrets), "CONNECTOR__LOG__LEVEL": "debug"}
    settings = load(tmp_path / "settings.toml", environ)
    from_ = {each.key: each.origin for each in settings.effective()}
    assert from_["log.level"] == "environment: CONNECTOR__LOG__LEVEL"
    assert from_["web.metrics_token"] == "secrets: CONNECTOR__WEB__METRICS_TOKEN"
    assert from_["syncs.main.segments"] == str(tmp_path / "settings.toml")
    assert from_["syncs.main.label"] == "default"
    assert from_["connections.main.site_id"] == "environment: CONNECTOR__CONNECTIONS__MAIN__SITE_ID"
    assert settings == load(tmp_path / "settings.toml", {**environ}), "where they come from makes no others of them"


def test_the_page_shows_what_contains_a_text_and_leaves_out_defaults(world: World, open_console: OpenConsole) -> None:
    browser = open_console(world)
    read = browser.text("/settings", q="syncs.main.on_exit")
    assert "syncs.main.on_exit delete" in read
    assert "1 of " in read
    assert "No setting is so: no key contains “<b>”." in browser.text("/settings", q="<b>")
    assert "connections.main.api_key set" in browser.text("/settings", q="api_key")
    assert "api-key" not in browser.get("/settings")
    assert "No setting is so" in browser.text("/settings", given="yes"), "these were not loaded from anywhere"


def test_who_may_not_see_people_does_not_see_the_names_of_operators(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.console.access.LOOPBACK", Visitor("ada", "masked_viewer", "loopback"))
    assert "needs the role viewer" in open_console().text("/settings", status=403)
