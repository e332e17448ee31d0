"""Sessions and the tokens of forms: signed, kept by the browser, nothing of them by us."""

from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any

from fastapi import Request, Response
from itsdangerous import BadData, URLSafeTimedSerializer

from connector.settings.console import ROLES, ConsoleSettings

COOKIE, NOTE = "connector_session", "connector_note"
_NOTE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Session:
    """What the cookie of a session says. id: a random one, to which the tokens of its forms belong."""

    id: str
    name: str = ""
    role: str = ""
    door: str = ""


class Sessions:
    """Signs and reads sessions, the tokens of forms, and the note that the next page shows."""

    def __init__(self, settings: ConsoleSettings) -> None:
        secret = settings.secret.get_secret_value() if settings.secret else token_urlsafe(32)
        self._seconds = settings.session_seconds
        self._session = URLSafeTimedSerializer(secret, salt="session")
        self._form = URLSafeTimedSerializer(secret, salt="form")
        self._note = URLSafeTimedSerializer(secret, salt="note")

    def of(self, request: Request) -> Session:
        """Returns the session of a request: a new one, of nobody, where it shows none that is ours and still lasts."""
        found = _loaded(self._session, request.cookies.get(COOKIE, ""), self._seconds)
        if isinstance(found, list) and len(found) == 4 and all(isinstance(each, str) for each in found):
            session = Session(*found)
            if session.role in ("", *ROLES):
                return session
        return Session(token_urlsafe(16))

    def keep(self, response: Response, session: Session, *, secure: bool) -> None:
        """Has the browser keep a session."""
        text = self._session.dumps([session.id, session.name, session.role, session.door])
        _set(response, COOKIE, text, int(self._seconds), secure=secure)

    def token(self, session: Session) -> str:
        """Returns the token that the forms of a session's pages carry."""
        return str(self._form.dumps(session.id))

    def is_own(self, session: Session, token: str) -> bool:
        """Whether a form that was posted is of one of our pages, shown to this session."""
        return bool(_loaded(self._form, token, self._seconds) == session.id)

    def leave_note(self, response: Response, text: str, *, secure: bool) -> None:
        """Has the next page say what was done."""
        _set(response, NOTE, str(self._note.dumps(text)), _NOTE_SECONDS, secure=secure)

    def note(self, request: Request) -> str:
        """Returns what the page before has done; "" for nothing."""
        found = _loaded(self._note, request.cookies.get(NOTE, ""), _NOTE_SECONDS)
        return found if isinstance(found, str) else ""


def end(response: Response) -> None:
    """Has the browser forget the session."""
    response.delete_cookie(COOKIE, path="/")


def take_note_away(response: Response) -> None:
    """Has the browser forget the note, which has been shown."""
    response.delete_cookie(NOTE, path="/")


def _set(response: Response, name: str, text: str, seconds: int, *, secure: bool) -> None:
    # Lax, not strict: else who follows a link to a page from a mail or a chat would have to sign in again.
    response.set_cookie(name, text, max_age=seconds, path="/", httponly=True, samesite="lax", secure=secure)


def _loaded(serializer: URLSafeTimedSerializer, text: str, seconds: float) -> Any:
    try:
        return serializer.loads(text, max_age=int(seconds))
    except BadData:
        return None
