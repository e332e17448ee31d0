"""Signing in by OpenID Connect: the code flow with PKCE, state and nonce; what the provider says is checked."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from secrets import token_urlsafe
from time import monotonic
from typing import Any
from urllib.parse import urlencode, urlsplit

from connector.console.provider_http import ProviderHttp
from connector.errors import ConnectorError, SettingsError
from connector.settings.console_sign_in import OidcSettings

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""The signatures that are accepted, all with a key pair: a shared secret, or no signature, would prove nothing."""
_KNOWN_SECONDS, _KEYS_SECONDS, _LEEWAY_SECONDS = 3600.0, 60.0, 60
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_NAME_CHARACTERS, _MOST_GROUPS = 200, 1000
_NOT_INSTALLED = "console.oidc: the extra oidc is not installed: pip install 'audience-sync-connector[oidc]'"


@dataclass(frozen=True, slots=True)
class ProvedIdentity:
    """The identity of a visitor as the provider has proved it."""

    name: str
    groups: tuple[str, ...]


class Provider:
    """A provider of sign-ins. Threads may share it."""

    def __init__(self, settings: OidcSettings, http: ProviderHttp) -> None:
        """Sends no request yet. Raises SettingsError if the extra "oidc" is not installed."""
        try:
            self._claims: Any = import_module("authlib.oidc.core")
            self._pkce: Any = import_module("authlib.oauth2.rfc7636")
            self._jwt: Any = import_module("joserfc.jwt")
            self._jwk: Any = import_module("joserfc.jwk")
            self._jose_error: Any = import_module("joserfc.errors").JoseError
        except ImportError as error:
            raise SettingsError(_NOT_INSTALLED) from error
        self._settings = settings
        self._http = http
        self._lock = threading.Lock()
        self._known: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, Any] | None = None

    def started(self, redirect_uri: str) -> tuple[str, dict[str, str]]:
        """Returns the provider's sign-in URL, and what to keep until the visitor is back: state, nonce and verifier.

        Raises ConnectorError where the provider's metadata cannot be had (`metadata`).
        """
        errand = {"state": token_urlsafe(16), "nonce": token_urlsafe(16), "verifier": token_urlsafe(48)}
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self._settings.scopes),
            "state": errand["state"],
            "nonce": errand["nonce"],
            "code_challenge": self._pkce.create_s256_code_challenge(errand["verifier"]),
            "code_challenge_method": "S256",
        }
        endpoint = self.metadata()["authorization_endpoint"]
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}", errand

    def finished(self, code: str, redirect_uri: str, errand: Mapping[str, str]) -> ProvedIdentity:
        """Returns the identity of a visitor who is back from the provider, which is asked to prove it.

        Claims that the ID token lacks are taken from the provider's userinfo endpoint, if it has one.

        Args:
            code: The code that the visitor came back with.
            redirect_uri: The address that `started` gave the provider to send them back to.
            errand: What `started` said to keep.

        Raises:
            ConnectorError: The provider does not answer, or what it says is no proof.
        """
        metadata = self.metadata()
        tokens = self._tokens(metadata, code, redirect_uri, errand["verifier"])
        access = tokens.get("access_token")
        claims = self._checked(metadata, tokens.get("id_token"), errand["nonce"], access)
        wanted = {self._settings.name_claim, self._settings.groups_claim}
        if wanted - set(claims) and isinstance(metadata.get("userinfo_endpoint"), str) and isinstance(access, str):
            more = self._http.get(_secure(metadata["userinfo_endpoint"]), access)
            if more.get("sub") != claims["sub"]:
                raise ConnectorError("the provider speaks of two people at once, so nobody is let in")
            claims = {**more, **claims}
        return ProvedIdentity(self._name(claims), _groups(claims.get(self._settings.groups_claim)))

    def metadata(self) -> dict[str, Any]:
        """Returns the provider's metadata, which is asked for again once it is older than an hour.

        Raises ConnectorError where the provider does not answer, calls itself by another issuer than the settings, or
        names no https address for an endpoint that is needed.
        """
        with self._lock:
            if self._known is None or monotonic() - self._known[0] > _KNOWN_SECONDS:
                found = self._http.get(f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration")
                self._known = (monotonic(), self._sound(found))
            return self._known[1]

    def close(self) -> None:
        """Closes the connections to the provider."""
        self._http.close()

    def _sound(self, found: dict[str, Any]) -> dict[str, Any]:
        issuer = found.get("issuer")
        if not isinstance(issuer, str) or issuer.rstrip("/") != self._settings.issuer.rstrip("/"):
            raise ConnectorError(f"console.oidc: issuer: the provider calls itself {str(issuer)[:200]!r}: give that")
        for name in _ENDPOINTS:
            if not isinstance(found.get(name), str):
                raise ConnectorError(f"the provider {issuer} names no {name}")
            _secure(found[name])
        return found

    def _tokens(self, metadata: Mapping[str, Any], code: str, redirect_uri: str, verifier: str) -> dict[str, Any]:
        secret = self._settings.client_secret.get_secret_value() if self._settings.client_secret else ""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": self._settings.client_id,
        }
        methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if secret and "client_secret_post" in methods:
            return self._http.post(metadata["token_endpoint"], {**form, "client_secret": secret}, None)
        return self._http.post(metadata["token_endpoint"], form, (self._settings.client_id, secret) if secret else None)

    def _checked(self, metadata: Mapping[str, Any], token: Any, nonce: str, access: Any) -> dict[str, Any]:
        """Returns the claims of an ID token whose signature, issuer, audience, times and nonce have been checked.

        Raises ConnectorError where one of them does not fit.
        """
        client = self._settings.client_id
        must = {"iss": {"essential": True, "value": metadata["issuer"]}, "aud": {"essential": True, "value": client}}
        given = {"nonce": nonce, "client_id": client, "access_token": access}
        try:
            found = self._decoded(metadata, str(token))
            claims = self._claims.CodeIDToken(found.claims, found.header, must, given)
            claims.validate(leeway=_LEEWAY_SECONDS)
        except (self._jose_error, ValueError, TypeError, KeyError) as error:
            raise ConnectorError(f"what the provider sent is no proof of who signs in: {error}") from error
        return dict(claims)

    def _decoded(self, metadata: Mapping[str, Any], token: str) -> Any:
        try:
            return self._jwt.decode(token, self._key_set(metadata, 0.0), algorithms=list(_ALGORITHMS))
        except (self._jose_error, ValueError):  # the provider may have changed its keys
            return self._jwt.decode(token, self._key_set(metadata, _KEYS_SECONDS), algorithms=list(_ALGORITHMS))

    def _key_set(self, metadata: Mapping[str, Any], renewed_after: float) -> Any:
        """Returns the provider's keys, asked for again if the known ones are older than `renewed_after` seconds.

        With 0 they are asked for again after an hour.
        """
        with self._lock:
            oldest = renewed_after or _KNOWN_SECONDS
            if self._keys is None or monotonic() - self._keys[0] > oldest:
                keys = self._jwk.KeySet.import_key_set(self._http.get(metadata["jwks_uri"]))
                self._keys = (monotonic(), keys)
            return self._keys[1]

    def _name(self, claims: Mapping[str, Any]) -> str:
        claim = self._settings.name_claim
        unproved = claim == "email" and claims.get("email_verified") is False
        found = claims["sub"] if unproved else claims.get(claim, claims["sub"])
        if not isinstance(found, str) or not found.strip() or len(found) > _NAME_CHARACTERS or not found.isprintable():
            raise ConnectorError(f"the provider gives no name in the claim {claim}")
        return found.strip()


def _groups(given: Any) -> tuple[str, ...]:
    """Returns the groups in a claim, which is a list of texts or one text; of a list, from its first 1000 elements."""
    listed = given if isinstance(given, list) else [given]
    return tuple(each for each in listed[:_MOST_GROUPS] if isinstance(each, str))


def _secure(url: str) -> str:
    """Returns an address of the provider. Raises ConnectorError unless it is https, or http to this machine."""
    try:
        parts = urlsplit(url)
        local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    except ValueError as error:
        raise ConnectorError(f"the provider names the address {url[:200]!r}, which is none: {error}") from error
    if parts.scheme == "https" or local:
        return url
    raise ConnectorError(f"the provider names the address {url[:200]!r}, which is not https: nobody is let in by it")
