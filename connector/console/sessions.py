"""Sessions and the tokens of forms, signed and kept by the browser; only which sessions were ended is kept here."""

from collections import OrderedDict
from dataclasses import dataclass, field
from secrets import token_urlsafe
from time import time
from typing import Any

from fastapi import Request, Response
from itsdangerous import BadData, URLSafeTimedSerializer

from connector.console.origin import RequestOrigin
from connector.settings.console import ConsoleSettings

COOKIE, NOTE, REVEALED = "connector_session", "connector_note", "connector_revealed"
_HOST_ONLY = "__Host-"
_NOTE_SECONDS = 60
_END_OF_TIME = 2**53
_MOST_ENDED, _MOST_REVEALED = 10_000, 20


@dataclass(frozen=True, slots=True)
class Session:
    """The content of a session's cookie.

    id: a random text; its forms carry it, signed, as token. name, door: who has signed in, and by which way; "" for
    nobody. grant: what their role comes from, which is looked up anew at each request. at: when they signed in, in unix
    seconds; 0 for nobody. unsent: whether the browser has yet to be given the cookie.
    """

    id: str
    name: str = ""
    door: str = ""
    grant: str = ""
    at: int = 0
    unsent: bool = field(default=False, compare=False)


class Sessions:
    """The signer and reader of sessions, form tokens, notes for the next page, revealed subjects and errands.

    Without a secret in the settings it makes one of its own, which no other process knows.
    """

    def __init__(self, settings: ConsoleSettings) -> None:
        secret = settings.secret.get_secret_value() if settings.secret else token_urlsafe(32)
        self._seconds = settings.session_seconds
        self._reveal_seconds = settings.reveal_seconds
        self._ended: OrderedDict[str, float] = OrderedDict()
        self._session, self._form, self._note, self._revealed, self._errand = (
            URLSafeTimedSerializer(secret, salt=salt) for salt in ("session", "form", "note", "revealed", "errand")
        )

    def of(self, request: Request, origin: RequestOrigin) -> Session:
        """Returns the session in a request's cookie, or a new one of nobody.

        The cookie counts if it was signed here, and its session was neither ended nor begun more than `session_seconds`
        ago. A session of nobody is given to the browser anew after half of that time.
        """
        found, age = self._read(request.cookies.get(_named(COOKIE, origin), ""))
        if found is None or found.id in self._ended:
            return Session(token_urlsafe(16), unsent=True)
        if found.name:
            return found if found.at + self._seconds > time() else Session(token_urlsafe(16), unsent=True)
        return Session(found.id, unsent=age > self._seconds / 2)

    def begun(self, name: str, door: str, grant: str) -> Session:
        """Returns a session that begins now, of somebody who has signed in or of nobody ("" for each).

        Its id is new, so that nobody who knew the id from before the sign-in has the session.
        """
        return Session(token_urlsafe(16), name, door, grant, int(time()), unsent=True)

    def end(self, session: Session) -> None:
        """Ends a session: this process, which remembers the last 10,000 ended ones, refuses copies of its cookie."""
        self._ended[session.id] = time()
        while len(self._ended) > _MOST_ENDED:
            self._ended.popitem(last=False)

    def keep(self, response: Response, session: Session, origin: RequestOrigin) -> None:
        """Sets the cookie of a session on a response, if the browser does not have it yet."""
        if session.unsent:
            text = self._session.dumps([session.id, session.name, session.door, session.grant, session.at])
            _set(response, COOKIE, str(text), int(self._seconds), origin)

    def token(self, session: Session) -> str:
        """Returns the token that the forms of a session's pages carry."""
        return str(self._form.dumps(session.id))

    def is_own(self, session: Session, token: str) -> bool:
        """Says whether the token of a posted form was made for this session, no more than `session_seconds` ago."""
        return bool(_loaded(self._form, token, self._seconds) == session.id)

    def leave_note(self, response: Response, text: str, origin: RequestOrigin) -> None:
        """Sets the cookie of a note on a response: the next page shows the note if it comes within 60 seconds."""
        _set(response, NOTE, str(self._note.dumps(text)), _NOTE_SECONDS, origin)

    def note(self, request: Request, origin: RequestOrigin) -> str:
        """Returns the note that an act before this page has left; "" for none."""
        found = _loaded(self._note, request.cookies.get(_named(NOTE, origin), ""), _NOTE_SECONDS)
        return found if isinstance(found, str) else ""

    def revealed(self, request: Request, session: Session, origin: RequestOrigin) -> dict[str, float]:
        """Returns the subjects that this session sees unmasked, each with the moment when this ends (unix seconds)."""
        text = request.cookies.get(_named(REVEALED, origin), "")
        found = _loaded(self._revealed, text, self._reveal_seconds)
        if not isinstance(found, list) or len(found) != 2 or found[0] != session.id or not isinstance(found[1], dict):
            return {}
        now = time()
        return {subject: until for subject, until in found[1].items() if isinstance(until, float) and until > now}

    def reveal(
        self, response: Response, request: Request, session: Session, origin: RequestOrigin, subject: str
    ) -> None:
        """Lets this session see one more subject unmasked for `reveal_seconds`, beside at most 19 from before.

        Args:
            response: The response that gets the cookie.
            request: The request, whose cookie says what was revealed before.
            session: The session.
            origin: The origin of the request.
            subject: The subject that is revealed, as `reveals.subject_of` has it.
        """
        others = {each: until for each, until in self.revealed(request, session, origin).items() if each != subject}
        kept = {**dict([*others.items()][1 - _MOST_REVEALED :]), subject: time() + self._reveal_seconds}
        _set(response, REVEALED, str(self._revealed.dumps([session.id, kept])), int(self._reveal_seconds), origin)

    def send_away(
        self, response: Response, cookie: str, errand: dict[str, str], seconds: int, origin: RequestOrigin
    ) -> None:
        """Sets a signed cookie that keeps the errand of a visitor who is sent to another site, until they are back.

        Args:
            response: The response that sends them away.
            cookie: The name of the cookie.
            errand: What must be known when they are back.
            seconds: How long the browser keeps it.
            origin: The origin of the request.
        """
        _set(response, cookie, str(self._errand.dumps(errand)), seconds, origin)

    def errand(self, request: Request, cookie: str, seconds: int, origin: RequestOrigin) -> dict[str, str]:
        """Returns the errand of a visitor who is back; empty if they were not sent from here, or too long ago.

        Args:
            request: The request by which they are back.
            cookie: The name of the cookie.
            seconds: How long ago they may have been sent.
            origin: The origin of the request.
        """
        found = _loaded(self._errand, request.cookies.get(_named(cookie, origin), ""), seconds)
        said = found if isinstance(found, dict) else {}
        return said if all(isinstance(each, str) for each in said.values()) else {}

    def _read(self, text: str) -> tuple[Session | None, float]:
        try:
            found, at = self._session.loads(text, max_age=int(self._seconds), return_timestamp=True)
        except BadData:
            return None, 0.0
        if not _is_session(found):
            return None, 0.0
        return Session(*found), time() - at.timestamp()


def _is_session(found: Any) -> bool:
    """Says whether a signed value has the form of this version's sessions; those of another version may differ."""
    types = [type(each) for each in found] if isinstance(found, list) else []
    return types == [str, str, str, str, int] and 0 <= found[-1] < _END_OF_TIME


def take_away(response: Response, cookie: str, origin: RequestOrigin) -> None:
    """Makes a response tell the browser to delete a cookie."""
    response.delete_cookie(_named(cookie, origin), path="/", secure=origin.secure, httponly=True, samesite="lax")


def _named(cookie: str, origin: RequestOrigin) -> str:
    """Returns the name of a cookie. With https its prefix keeps other hosts and plain http from setting it."""
    return f"{_HOST_ONLY}{cookie}" if origin.secure else cookie


def _set(response: Response, cookie: str, text: str, seconds: int, origin: RequestOrigin) -> None:
    # Lax, not strict: else whoever follows a link to a page from a mail or a chat would have to sign in again.
    named = _named(cookie, origin)
    response.set_cookie(named, text, seconds, path="/", httponly=True, samesite="lax", secure=origin.secure)


def _loaded(serializer: URLSafeTimedSerializer, text: str, seconds: float) -> Any:
    try:
        return serializer.loads(text, max_age=int(seconds))
    except BadData:
        return None
