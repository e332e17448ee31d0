"""`connector check`: a line for each thing that is right, doubtful or wrong, and an exit code that says the worst."""

from pathlib import Path

from tests.processes import NOBODY_LISTENS, Ended, bare_environment, connector, environment, simulator

SITE_ID_VARIABLE = "CONNECTOR__CONNECTIONS__MAIN__SITE_ID"
API_KEY_VARIABLE = "CONNECTOR__CONNECTIONS__MAIN__API_KEY"


def check(folder: Path, url: str, **environ: str) -> Ended:
    return connector("check", environ=environment(folder, url) | environ)


def lines(ended: Ended) -> list[str]:
    return [" ".join(line.split()) for line in ended.out.splitlines()]


def test_all_is_right(tmp_path: Path, customerio: str) -> None:
    ended = check(tmp_path, customerio)
    assert (ended.code, ended.err) == (0, "")
    assert [line.split()[0] for line in lines(ended)] == ["ok"] * len(lines(ended))
    assert f"ok connections.main: workspace 1 in region us at {customerio}" in lines(ended)


def test_as_json(tmp_path: Path, customerio: str) -> None:
    ended = connector("check", "--json", environ=environment(tmp_path, customerio))
    assert ended.code == 0
    assert all(row.keys() == {"level", "what", "text"} and row["level"] == "ok" for row in ended.rows())
    assert {"settings", "syncs.main", "connections.main"} <= {row["what"] for row in ended.rows()}


def test_wrong_credentials(tmp_path: Path, customerio: str) -> None:
    ended = check(tmp_path, customerio, **{API_KEY_VARIABLE: "not-the-key"})
    assert ended.code == 1
    (line,) = [line for line in lines(ended) if line.startswith("failed")]
    assert line.startswith("failed connections.main: Customer.io refused the credentials (401: Unauthorized request)")
    assert "not-the-key" not in ended.out + ended.err


def test_no_credentials(tmp_path: Path, customerio: str) -> None:
    ended = check(tmp_path, customerio, **{SITE_ID_VARIABLE: "", API_KEY_VARIABLE: ""})
    assert ended.code == 1
    failed = [line for line in lines(ended) if line.startswith("failed")]
    assert failed == [f"failed credentials: {name} is not set" for name in (SITE_ID_VARIABLE, API_KEY_VARIABLE)]


def test_nobody_answers(tmp_path: Path) -> None:
    ended = check(tmp_path, NOBODY_LISTENS)
    assert ended.code == 1
    assert lines(ended)[-1].startswith("failed connections.main: could not reach 127.0.0.1")


def test_wrong_region(tmp_path: Path) -> None:
    with simulator(tmp_path, "--region", "eu") as url:
        ended = check(tmp_path, url)
        assert ended.code == 1
        assert 'failed connections.main: the workspace is in region "eu": set region = "eu"' in lines(ended)
        assert check(tmp_path, url, CONNECTOR__CONNECTIONS__MAIN__REGION="eu").code == 0


def test_empty_whitelist_is_a_warning(tmp_path: Path, customerio: str) -> None:
    ended = check(tmp_path, customerio, CONNECTOR__SYNCS__MAIN__SEGMENTS="[]", CONNECTOR__SYNCS__MAIN__DELIVER="false")
    assert ended.code == 0
    assert [line for line in lines(ended) if line.startswith("warning")] == [
        'warning syncs.main: segments is empty: nobody will be synced. Name segments, or give ["*"] for everybody',
        "warning syncs.main: deliver = false: messages are taken in, nothing is sent",
    ]


def test_two_syncs_that_write_over_each_other_in_one_workspace_are_a_warning(tmp_path: Path, customerio: str) -> None:
    other = {"CONNECTION": "main", "SEGMENTS": '["Staff"]', "SEGMENT_CASE": "keep", "ON_EXIT": "delete"}
    ended = check(tmp_path, customerio, **{f"CONNECTOR__SYNCS__OTHER__{key}": value for key, value in other.items()})
    assert ended.code == 0
    told = [line for line in lines(ended) if line.startswith("warning syncs.other: 'hull_segment' is sent otherwise")]
    assert len(told) == 1
    assert "by syncs.main, which delivers to the same workspace" in told[0]


def test_every_field_is_the_address_too(tmp_path: Path, customerio: str) -> None:
    ended = check(tmp_path, customerio, CONNECTOR__SYNCS__MAIN__ATTRIBUTES='["*"]')
    assert [line for line in lines(ended) if line.startswith("warning")] == []


def test_wrong_settings_are_named_line_by_line(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        '[connections.main]\n[syncs.main]\nconnection = "mian"\nsegmants = ["Paying"]\non_exit = "remove"\n'
        '[web]\nport = "many"\n'
    )
    ended = connector("check", "--settings", settings, environ=bare_environment())
    assert (ended.code, ended.out) == (2, "")
    assert sorted(ended.err.splitlines()) == [
        f"{settings}: syncs.main.connection: 'mian' is not a connection; give one of main",
        f"{settings}: syncs.main.on_exit: 'remove' is not accepted; give one of keep, clear, delete",
        f"{settings}: syncs.main.segmants: unknown key; did you mean segments?",
        f"{settings}: web.port: 'many' is not accepted; give a whole number",
    ]


def test_wrong_variable_is_named(tmp_path: Path, customerio: str) -> None:
    ended = check(tmp_path, customerio, CONNECTOR__SYNCS__MAIN__ON_EXIT="remove")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "environment: CONNECTOR__SYNCS__MAIN__ON_EXIT: syncs.main.on_exit: "
        "'remove' is not accepted; give one of keep, clear, delete\n"
    )


def test_store_that_cannot_be_opened(tmp_path: Path, customerio: str) -> None:
    ended = check(tmp_path, customerio, CONNECTOR__STORE__URL=f"sqlite:///{tmp_path}/none/connector.db")
    assert ended.code == 1
    assert [line for line in lines(ended) if line.startswith("failed store")]
