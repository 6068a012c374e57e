"""Where the command line finds the API, and how it tells what goes wrong on the way there."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from clawpulse.cli._api import Api, NotConfigured
from clawpulse.cli._connection import Connection
from tests.cli import shapes
from tests.cli.conftest import run_cli
from tests.cli.server import Answers

FILE = "# written by clawpulse local up\nexport CLAWPULSE_URL='http://127.0.0.1:4566/live'\nexport CLAWPULSE_TOKEN=cp_file\n"


def connect(folder: Path, url: str | None = None, token: str | None = None, **env: str) -> Api:
    return Connection(url, token, env, folder).api()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".clawpulse").mkdir()
    (tmp_path / ".clawpulse" / "env").write_text(FILE)
    (tmp_path / "below" / "deep").mkdir(parents=True)
    return tmp_path


def test_options_win_over_the_environment_and_that_over_the_file(folder: Path) -> None:
    assert connect(folder, "http://a/live/", "cp_a", CLAWPULSE_URL="http://b", CLAWPULSE_TOKEN="cp_b") == Api("http://a/live", "cp_a")
    assert connect(folder, CLAWPULSE_URL="http://b", CLAWPULSE_TOKEN="cp_b") == Api("http://b", "cp_b")
    assert connect(folder / "below" / "deep") == Api("http://127.0.0.1:4566/live", "cp_file")


def test_the_files_token_never_goes_to_another_host(folder: Path) -> None:
    with pytest.raises(NotConfigured, match="no token"):
        connect(folder, "https://elsewhere.example/live")
    assert connect(folder, "http://127.0.0.1:4566/live/").token == "cp_file"


def test_without_anything_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="clawpulse local up"):
        connect(tmp_path)
    with pytest.raises(NotConfigured, match="CLAWPULSE_TOKEN"):
        connect(tmp_path, "http://a")


@pytest.mark.parametrize("url", ["localhost:4566", "ftp://a/b", "http://", "http://a:99999", "http://[::1", "file:///etc/passwd"])
def test_a_url_that_is_none_is_named(tmp_path: Path, url: str) -> None:
    with pytest.raises(NotConfigured, match="not a URL"):
        connect(tmp_path, url, "cp_a")


def test_a_damaged_file_is_named(folder: Path) -> None:
    (folder / ".clawpulse" / "env").write_text("export CLAWPULSE_URL='unclosed")
    with pytest.raises(NotConfigured, match="cannot read"):
        connect(folder)


def one_line(text: str) -> str:
    assert text.startswith("clawpulse: ")
    assert text.count("\n") == 1
    return text


def test_no_connection_known_is_a_usage_error(tmp_path: Path) -> None:
    done = run_cli("summary", cwd=tmp_path)
    assert done.returncode == 2
    assert "no address" in one_line(done.stderr)


def test_nobody_there_is_exit_code_3(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/live"
        done = run_cli("--url", url, "--token", "cp_secret_word", "agents", cwd=tmp_path)
    assert done.returncode == 3
    assert "nothing listens there" in one_line(done.stderr)
    assert "cp_secret_word" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (shapes.problem(401, "the token is expired"), "the token was not accepted: the token is expired"),
        ((401, {"message": "Unauthorized"}), "the token was not accepted: Unauthorized"),
        (shapes.problem(403, "this needs the scope read; the token has ingest"), "this needs the scope read"),
        (shapes.problem(400, "'x' is not of the form key=value", field="tags"), "tags: 'x' is not of the form key=value"),
        (shapes.problem(503, "the store is busy"), "the store is busy"),
        ((500, b"<html>oops</html>"), "answered with status 500"),
        ((200, b"<html>hello</html>"), "did not answer in JSON"),
        ((302, None), "answered with status 302"),
        ((200, {"unexpected": True}), "not as expected"),
        ((200, ["unexpected"]), "not as expected"),
    ],
)
def test_every_refusal_is_one_line_and_exit_code_1(cli, api: Answers, answer, text: str) -> None:
    api.table["GET /api/dashboard/instances"] = answer
    done = cli("agents")
    assert done.returncode == 1
    assert text in one_line(done.stderr)
    assert len(api.asked) == 1
    assert "cp_secret_word" not in done.stdout + done.stderr


def test_the_token_is_sent_as_bearer(cli, api: Answers) -> None:
    api.table["GET /api/settings"] = {"inventory": "open"}
    assert cli("settings", "get").returncode == 0
    assert api.asked[0].headers["Authorization"] == "Bearer cp_secret_word"


def test_wrong_usage_is_exit_code_2(cli) -> None:
    for arguments in (
        ["nonsense"],
        ["agents", "--health", "blue"],
        ["agents", "tag", "a"],
        ["summary", "--range", "9y"],
        ["token", "create"],
    ):
        done = cli(*arguments)
        assert done.returncode == 2, arguments
        assert "Traceback" not in done.stderr
