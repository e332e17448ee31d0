"""Signing in by OpenID Connect, at a stand-in provider that signs tokens: what is proved lets in, nothing else does."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from joserfc.jwk import OctKey, RSAKey

from connector.console import oidc
from connector.console.attempts import FREE_ATTEMPTS
from connector.console.oidc import Provider
from connector.console.provider_http import ProviderHttp
from connector.errors import ConnectorError, SettingsError
from connector.settings.console_sign_in import OidcSettings
from tests.console import Browser, text_of
from tests.hostile import OK, Server, dripping
from tests.provider import CLIENT, CLIENT_SECRET, StandInProvider, running_provider

OpenConsole = Callable[..., Browser]
ROLES = {"ops": "operator", "leads": "approver"}
CALLBACK = "/sign-in/oidc/callback"


@pytest.fixture
def provider() -> Iterator[StandInProvider]:
    with running_provider() as running:
        yield running


@pytest.fixture
def store_url(file_url: str) -> str:
    return file_url


@pytest.fixture
def browser(open_console: OpenConsole, provider: StandInProvider) -> Browser:
    return open_console(console={"oidc": settings(provider.url)})


def settings(url: str, **given: Any) -> dict[str, Any]:
    return {"issuer": url, "client_id": CLIENT, "client_secret": CLIENT_SECRET, "roles": ROLES, **given}


def sent(browser: Browser, to: str = "/") -> str:
    """Where the browser is sent to sign in."""
    answer = browser.client.get("/sign-in/oidc", params={"to": to})
    assert answer.status_code == 303, text_of(answer.text)
    return answer.headers["location"]


def came_back(browser: Browser, provider: StandInProvider, **changed: str) -> tuple[int, str]:
    """Signs in at the provider, and comes back with what it says."""
    back = {**provider.authorize(sent(browser)), **changed}
    answer = browser.client.get(CALLBACK, params=back)
    return answer.status_code, text_of(answer.text)


def test_whom_the_provider_proves_is_let_in_with_the_role_of_their_groups(
    browser: Browser, provider: StandInProvider
) -> None:
    assert "Sign in at 127.0.0.1" in browser.text("/sign-in")
    back = provider.authorize(sent(browser, to="/operators?act=sign"))
    answer = browser.client.get(CALLBACK, params=back)
    assert (answer.status_code, answer.headers["location"]) == (303, "/operators?act=sign")
    shown = browser.text("/operators")
    assert "ada@example.com · operator" in shown
    assert "ada@example.com console sign-in oidc done" in shown


def test_sign_ins_that_succeed_make_nobody_at_the_same_address_wait(
    browser: Browser, provider: StandInProvider
) -> None:
    for _ in range(FREE_ATTEMPTS + 3):
        status, shown = came_back(browser, provider)
        assert status == 303, shown


def test_sign_ins_that_fail_make_who_goes_on_wait(browser: Browser, provider: StandInProvider) -> None:
    answered = [came_back(browser, provider, code="guessed")[0] for _ in range(FREE_ATTEMPTS + 1)]
    assert answered == [403] * FREE_ATTEMPTS + [429]


def test_a_code_counts_once_and_only_in_the_browser_that_began(browser: Browser, provider: StandInProvider) -> None:
    back = provider.authorize(sent(browser))
    assert browser.client.get(CALLBACK, params={**back, "state": "x"}).status_code == 400
    assert browser.client.get(CALLBACK, params=back).status_code == 400
    back = provider.authorize(sent(browser))
    assert browser.client.get(CALLBACK, params=back).status_code == 303
    browser.client.cookies.clear()
    assert browser.client.get(CALLBACK, params=back).status_code == 400
    assert browser.client.get("/").status_code == 303


@pytest.mark.parametrize(
    "claims",
    [{"iss": "https://elsewhere.example"}, {"aud": "another"}, {"exp": 1}, {"nonce": "x"}, {"nonce": None},
     {"exp": None}, {"sub": None}, {"iat": None}, {"aud": [CLIENT, "another"]}, {"iat": 32503680000}],
    ids=str,
)  # fmt: skip
def test_a_token_that_proves_not_this_sign_in_lets_nobody_in(
    browser: Browser, provider: StandInProvider, claims: dict[str, Any]
) -> None:
    provider.claims |= claims
    status, text = came_back(browser, provider)
    assert (status, "Nobody is signed in" in text) == (403, True), text
    assert browser.client.get("/").status_code == 303


def test_a_token_with_another_signature_lets_nobody_in(browser: Browser, provider: StandInProvider) -> None:
    provider.signs_with = RSAKey.generate_key(2048)
    assert came_back(browser, provider)[0] == 403


def test_a_token_signed_with_a_shared_secret_lets_nobody_in(browser: Browser, provider: StandInProvider) -> None:
    provider.header = {"alg": "HS256", "kid": "first"}
    provider.signs_with = OctKey.import_key(CLIENT_SECRET * 2)
    assert came_back(browser, provider)[0] == 403


def test_a_new_key_of_the_provider_is_asked_for(
    browser: Browser, provider: StandInProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert came_back(browser, provider)[0] == 303
    browser.client.cookies.clear()
    provider.key = provider.signs_with = RSAKey.generate_key(2048, {"kid": "second"})
    provider.header["kid"] = "second"
    monkeypatch.setattr(oidc, "_KEYS_SECONDS", 0.000001)
    assert came_back(browser, provider)[0] == 303


@pytest.mark.parametrize("groups", [["staff"], [], "staff", None, [1, None], {"ops": True}])
def test_whose_groups_have_no_role_is_told_so(browser: Browser, provider: StandInProvider, groups: Any) -> None:
    provider.claims["groups"] = groups
    provider.userinfo = {"sub": "1"}
    status, text = came_back(browser, provider)
    assert (status, "no group of ada@example.com has a role" in text) == (403, True)


def test_groups_that_only_userinfo_lists_count_if_it_is_of_the_same_person(
    browser: Browser, provider: StandInProvider
) -> None:
    provider.claims["groups"] = None
    provider.userinfo = {"sub": "2", "groups": ["leads"]}
    assert "two people at once" in came_back(browser, provider)[1]
    provider.userinfo["sub"] = "1"
    assert came_back(browser, provider)[0] == 303
    assert "ada@example.com · approver" in browser.text("/")


def test_an_unproved_address_is_nobodys_name(browser: Browser, provider: StandInProvider) -> None:
    provider.claims["email_verified"] = False
    came_back(browser, provider)
    assert "1 · operator" in browser.text("/")


@pytest.mark.parametrize("name", ["", " ", "a" * 201, "ada\nset-cookie: a=b", "\u202eada", 7, ["ada"]])
def test_a_name_that_cannot_be_shown_lets_nobody_in(browser: Browser, provider: StandInProvider, name: Any) -> None:
    provider.claims["email"] = name
    assert came_back(browser, provider)[0] == 403


def test_what_the_provider_refuses_is_told_and_escaped(browser: Browser, provider: StandInProvider) -> None:
    back = provider.authorize(sent(browser))
    given = {"state": back["state"], "error": "<script>access_denied"}
    answer = browser.client.get(CALLBACK, params=given)
    assert (answer.status_code, "<script>access" in answer.text) == (403, False)
    assert "the provider has refused (<script>access_denied)" in text_of(answer.text)


def test_a_provider_that_is_away_is_told_in_words(open_console: OpenConsole) -> None:
    browser = open_console(console={"oidc": settings("http://127.0.0.1:9")})
    answer = browser.client.get("/sign-in/oidc")
    assert (answer.status_code, "the provider 127.0.0.1 does not answer" in text_of(answer.text)) == (503, True)


@pytest.mark.parametrize(
    ("answer", "told"),
    [(b"x" * 2_000_000, "more than 1,000,000 bytes"), (b"[]", "no JSON object"), (b"\xff", "no JSON object"),
     (b"{}", "issuer: the provider calls itself 'None'")],
    ids=["large", "list", "bytes", "empty"],
)  # fmt: skip
def test_a_provider_that_answers_with_something_else_is_told_in_words(
    browser: Browser, provider: StandInProvider, answer: bytes, told: str
) -> None:
    provider.answer = answer
    shown = browser.client.get("/sign-in/oidc")
    assert (shown.status_code, told in text_of(shown.text)) == (503, True), text_of(shown.text)


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_an_address_without_https_is_not_used(browser: Browser, provider: StandInProvider, name: str) -> None:
    provider.metadata = {name: "http://elsewhere.example/x"}
    assert "which is not https" in text_of(browser.client.get("/sign-in/oidc").text)


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_an_address_that_is_none_is_told_in_words(browser: Browser, provider: StandInProvider, name: str) -> None:
    provider.metadata = {name: "https://[elsewhere"}
    shown = browser.client.get("/sign-in/oidc")
    assert (shown.status_code, "which is none" in text_of(shown.text)) == (503, True)


def test_an_address_that_cannot_be_asked_is_told_in_words() -> None:
    asking = ProviderHttp(seconds=0.3)
    with pytest.raises(ConnectorError, match="which is none"):
        asking.get("https://elsewhere.example:many/x")
    asking.close()


def test_a_provider_that_answers_byte_by_byte_ends_within_the_bound() -> None:
    server = Server(dripping(OK + b"Content-Length: 5000\r\n\r\n"))
    found = Provider(OidcSettings(**settings(server.url)), ProviderHttp(seconds=0.3))
    with pytest.raises(ConnectorError, match="does not answer"):
        found.metadata()
    found.close()
    server.close()


def test_without_the_extra_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(oidc, "import_module", missing)
    http = ProviderHttp()
    with pytest.raises(SettingsError, match=r"pip install 'audience-sync-connector\[oidc\]'"):
        Provider(OidcSettings(**settings("https://a.example")), http)
    http.close()
