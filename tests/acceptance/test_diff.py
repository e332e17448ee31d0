"""`connector diff`: for people, for programs, and applied."""

from pathlib import Path

from tests.processes import connector, environment, people

PAYING = '[{"id": "Paying", "name": "Paying"}]'
MESSAGE = f'{{"user": {{"id": "u1", "external_id": "1", "plan": "pro"}}, "segments": {PAYING}}}\n'.encode()
ATTRIBUTES = "CONNECTOR__SYNCS__MAIN__ATTRIBUTES"


def test_a_diff_is_shown_and_applied(tmp_path: Path, customerio: str) -> None:
    environ = environment(tmp_path, customerio) | {ATTRIBUTES: '["plan"]'}
    changed = environ | {ATTRIBUTES: "[]"}
    assert connector("send", "-", environ=environ, stdin=MESSAGE).code == 0
    (new,) = connector("diff", "--json", environ=environ).rows()
    assert (new["user"], new["effect"]) == ("u1", "created")
    assert "plan" in new["sets"]

    shown = connector("diff", "main", environ=changed)
    assert (shown.code, "people created" in shown.out) == (0, True)
    unasked = connector("diff", "--apply", environ=changed)
    assert (unasked.code, "give --yes" in unasked.err) == (2, True)
    applied = connector("diff", "--apply", "--yes", environ=changed)
    assert applied.code == 0
    assert "main: 0 are due" in applied.err  # who is due already stays so
    assert people(customerio) == []


def test_a_sync_that_is_not_there_is_told(tmp_path: Path, customerio: str) -> None:
    environ = environment(tmp_path, customerio)
    assert connector("migrate", environ=environ).code == 0
    ended = connector("diff", "nosuch", environ=environ)
    assert (ended.code, ended.out) == (2, "")
    assert "there is no sync 'nosuch'" in ended.err
