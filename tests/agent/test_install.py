"""The installer, as users run it: from a server, into a folder of its own; and for real, with a user, where the machine is ours."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cdk.node import ensure_node
from tests.agent.conftest import AGENT

TOKEN = "cp_test_abcdefghijklmnop"


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(folder)))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}/live"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


@pytest.fixture
def site(bundle: Path, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """What the API serves: its address, and the folder behind it. The installer is filled in as the API does it."""
    folder = tmp_path / "site"
    (folder / "live" / "agent").mkdir(parents=True)
    for name in ("clawpulse-agent", "clawpulse.sh"):
        shutil.copy(bundle / name, folder / "live" / "agent" / name)
    digest = sha256((bundle / "clawpulse-agent").read_bytes()).hexdigest()
    (folder / "live" / "agent" / "clawpulse-agent.sha256").write_text(f"{digest}\n")
    with serving(folder) as url:
        text = (bundle / "install.sh").read_text()
        (folder / "live" / "install.sh").write_text(text.replace("@URL@", url).replace("@VERSION@", "0.1.0").replace("@SHA256@", digest))
        yield url, folder / "live"


def install(url: str, prefix: Path, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    """As the documents say: curl | bash."""
    command = f'set -o pipefail; curl -fsS {url}/install.sh | bash -s -- --prefix "{prefix}" "$@"'
    clean = {"PATH": os.environ["PATH"], "HOME": "/home/somebody", **env}
    return subprocess.run(["bash", "-c", command, "-", *options], env=clean, capture_output=True, text=True, timeout=60, check=False)


def _mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):o}"


def test_install_upgrade_uninstall(site: tuple[str, Path], tmp_path: Path) -> None:
    url, _ = site
    root = tmp_path / "root"
    done = install(url, root, "--token", TOKEN, "--agent", "agent-7", "--tags", "env=prod,tier=fast")
    assert done.returncode == 0, done.stderr
    settings = root / "etc" / "clawpulse" / "agent.env"
    assert settings.read_text().splitlines() == [
        f'CLAWPULSE_URL="{url}"',
        f'CLAWPULSE_TOKEN="{TOKEN}"',
        'CLAWPULSE_AGENT="agent-7"',
        'CLAWPULSE_TAGS="env=prod,tier=fast"',
    ]
    assert _mode(settings) == "600"
    intake = root / "var" / "lib" / "clawpulse" / "intake"
    assert (_mode(intake), _mode(intake / "lines")) == ("1733", "622")
    program = root / "usr" / "local" / "bin" / "clawpulse-agent"
    assert subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout == "0.1.0\n"
    functions = root / "usr" / "local" / "lib" / "clawpulse" / "clawpulse.sh"
    subprocess.run(["bash", "-euc", f"CLAWPULSE_HOME={intake.parent}; source {functions}; cp_metric work.done 1"], check=True)
    assert "work.done\t1" in (intake / "lines").read_text()

    before = settings.read_text()
    again = install(url, root, "--tags", "env=test")
    assert again.returncode == 0, again.stderr
    assert settings.read_text() == before.replace('TAGS="env=prod,tier=fast"', 'TAGS="env=test"')
    assert install(url, root, "--upgrade").returncode == 0
    assert TOKEN not in again.stdout + again.stderr + done.stdout + done.stderr

    assert install(url, root, "--uninstall").returncode == 0
    assert not program.exists()
    assert settings.exists()
    assert install(url, root, "--uninstall", "--purge").returncode == 0
    assert not [path for path in root.rglob("*") if path.is_file()]


def test_a_bad_download_leaves_the_old_version(site: tuple[str, Path], tmp_path: Path) -> None:
    url, folder = site
    root = tmp_path / "root"
    assert install(url, root, "--token", TOKEN).returncode == 0
    program = root / "usr" / "local" / "bin" / "clawpulse-agent"
    good = program.read_bytes()
    (folder / "agent" / "clawpulse-agent").write_bytes(good[:5000])
    damaged = install(url, root, "--upgrade")
    assert damaged.returncode == 1
    assert "the download is damaged" in damaged.stderr
    (folder / "agent" / "clawpulse-agent").unlink()
    gone = install(url, root, "--upgrade")
    assert gone.returncode == 1
    assert "what was installed before stays" in gone.stderr
    assert program.read_bytes() == good
    assert sorted(path.name for path in program.parent.iterdir()) == ["clawpulse-agent"]


def test_half_a_script_does_nothing(site: tuple[str, Path], tmp_path: Path) -> None:
    text = (site[1] / "install.sh").read_text()
    root = tmp_path / "root"
    subprocess.run(["bash", "-s", "--", "--prefix", root, "--token", TOKEN], input=text[: len(text) * 9 // 10], text=True, check=False)
    assert not root.exists()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--token", "a b"), "the token has characters"),
        (("--tags", "nothing"), "--tags must be like"),
        (("--agent", "-x"), "--agent must begin with"),
        (("--colour", "red"), "there is no option --colour"),
        (("--url", "ftp://x"), "--url must be like"),
        (("--agent",), "--agent needs a value"),
        ((), "a token is needed"),
    ],
)
def test_wrong_options_are_named(site: tuple[str, Path], tmp_path: Path, options: tuple[str, ...], reason: str) -> None:
    tokens = () if "token" in reason else ("--token", TOKEN)
    done = install(site[0], tmp_path / "root", *tokens, *options)
    assert done.returncode == 1
    assert reason in done.stderr
    assert not (tmp_path / "root").exists()


def test_tokens_that_stand_on_no_command_line(site: tuple[str, Path], tmp_path: Path) -> None:
    assert install(site[0], tmp_path / "a", CLAWPULSE_TOKEN=TOKEN).returncode == 0
    (tmp_path / "token").write_text(TOKEN)
    assert install(site[0], tmp_path / "b", "--token-file", str(tmp_path / "token")).returncode == 0
    script = site[1] / "install.sh"
    piped = subprocess.run(
        ["bash", script, "--prefix", tmp_path / "c", "--token", "-"], input=TOKEN, text=True, capture_output=True, check=False
    )
    assert piped.returncode == 0, piped.stderr
    for place in "abc":
        assert TOKEN in (tmp_path / place / "etc" / "clawpulse" / "agent.env").read_text()


def test_openclaw_is_steered_where_there_is_one_or_when_told_so(site: tuple[str, Path], tmp_path: Path) -> None:
    url, _ = site
    root = tmp_path / "it's a root"
    etc = root / "etc" / "clawpulse"
    assert install(url, root, "--token", TOKEN).returncode == 0
    assert list((etc / "hooks.d").iterdir()) == []
    command = tmp_path / "bin" / "openclaw"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    path = f"{command.parent}:{os.environ['PATH']}"
    assert install(url, root, PATH=path).returncode == 0
    settings = (etc / "agent.env").read_text()
    assert f'CLAWPULSE_OPENCLAW_COMMAND="{command}"\nCLAWPULSE_HOOK_SECONDS="300"\n' in settings
    env = {"PATH": f"{ensure_node().parent}:{path}", "CLAWPULSE_CONFIG": str(etc / "agent.env"), "CLAWPULSE_HOME": str(tmp_path)}
    subprocess.run([etc / "hooks.d" / "50-openclaw", "stop"], env=env, check=True, timeout=60)
    (etc / "agent.env").write_text(settings.replace("300", "700"))
    assert install(url, root, "--openclaw", PATH=path).returncode == 0
    assert (etc / "agent.env").read_text() == settings.replace("300", "700")
    assert install(url, root, "--no-openclaw", PATH=path).returncode == 0
    assert list((etc / "hooks.d").iterdir()) == []
    assert install(url, root, "--openclaw").returncode == 0
    assert (etc / "hooks.d" / "50-openclaw").exists()
    assert install(url, root, "--uninstall").returncode == 0
    assert not (etc / "hooks.d" / "50-openclaw").exists()


def test_keys_and_where_they_come_from(site: tuple[str, Path], tmp_path: Path) -> None:
    url, _ = site
    root = tmp_path / "root"
    (tmp_path / "role").write_text("a-role-id\n")
    vault = ("--vault-address", "https://vault:8200", "--vault-role-id-file", str(tmp_path / "role"), "--vault-secret-id-file", "/etc/s")
    done = install(url, root, "--token", TOKEN, "--keys", "anthropic,openai", "--key-source", "vault", *vault, "--vault-shard", "eu-1")
    assert done.returncode == 0, done.stderr
    assert (root / "etc" / "clawpulse" / "agent.env").read_text().splitlines()[2:] == [
        'CLAWPULSE_KEYS="anthropic,openai"',
        'CLAWPULSE_KEY_SOURCE="vault"',
        'CLAWPULSE_VAULT_ADDRESS="https://vault:8200"',
        'CLAWPULSE_VAULT_ROLE_ID="a-role-id"',
        'CLAWPULSE_VAULT_SECRET_ID_FILE="/etc/s"',
        'CLAWPULSE_VAULT_SHARD="eu-1"',
    ]
    keys = root / "var" / "lib" / "clawpulse" / "keys"
    assert _mode(keys) == "700"
    assert install(url, root, "--openclaw", "--keys-group", str(os.getgid())).returncode == 0
    assert _mode(keys) == "2710"
    for wrong, reason in (
        (("--keys", "A"), "--keys must be like"),
        (("--key-source", "file"), "--key-source must"),
        (("--vault-x", "y"), "no option"),
    ):
        refused = install(url, root, *wrong)
        assert (refused.returncode, reason in refused.stderr) == (1, True)


def test_openclaw_of_the_same_user_finds_its_program(site: tuple[str, Path], tmp_path: Path) -> None:
    done = install(site[0], tmp_path / "root", "--user", "--openclaw", "--token", TOKEN, "--keys", "anthropic")
    assert done.returncode == 0, done.stderr
    home = tmp_path / "root" / "home" / "somebody"
    program = home / ".local" / "lib" / "clawpulse" / "openclaw-secrets"
    assert _mode(program) == "700"
    assert program.read_text() == (AGENT / "openclaw-hook" / "secrets").read_text()
    assert f'"command":"{program}","args":["{home}/.local/state/clawpulse/keys"]' in done.stdout
    assert install(site[0], tmp_path / "root", "--user", "--uninstall").returncode == 0
    assert not program.exists()


def test_the_script_out_of_the_repository_asks_for_the_rest(bundle: Path, site: tuple[str, Path], tmp_path: Path) -> None:
    """Not filled in by a server, it takes the address as an option, and the checksum from there."""
    script = [bundle / "install.sh", "--prefix", tmp_path / "root", "--token", TOKEN]
    bare = subprocess.run(["bash", *script], capture_output=True, text=True, check=False)
    assert bare.returncode == 1
    assert "--url is needed" in bare.stderr
    subprocess.run(["bash", *script, "--url", site[0]], capture_output=True, check=True)


def test_for_one_user(site: tuple[str, Path], tmp_path: Path) -> None:
    done = install(site[0], tmp_path / "root", "--user", "--token", TOKEN)
    assert done.returncode == 0, done.stderr
    home = tmp_path / "root" / "home" / "somebody"
    assert (home / ".local" / "bin" / "clawpulse-agent").exists()
    assert _mode(home / ".local" / "state" / "clawpulse" / "intake") == "700"
    assert _mode(home / ".config" / "clawpulse" / "agent.env") == "600"
    unit = (home / ".config" / "systemd" / "user" / "clawpulse-agent.service").read_text()
    assert "WantedBy=default.target" in unit
    assert "User=" not in unit
    assert "ProtectSystem" not in unit


def _unit(root: Path, folder: Path) -> Path:
    """The installed unit, with a user that is here."""
    text = (root / "etc" / "systemd" / "system" / "clawpulse-agent.service").read_text()
    assert "__" not in text
    unit = folder / "clawpulse-agent.service"
    unit.write_text(text.replace("=clawpulse\n", "=daemon\n").replace("StateDirectory=daemon", "StateDirectory=clawpulse"))
    return unit


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
def test_systemd_takes_the_unit(site: tuple[str, Path], tmp_path: Path) -> None:
    assert install(site[0], tmp_path / "root", "--token", TOKEN).returncode == 0
    unit = _unit(tmp_path / "root", tmp_path)
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stderr
    assert "clawpulse-agent.service" not in verified.stderr, verified.stderr
    exposed = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=25", unit], capture_output=True, text=True, check=False
    )
    assert exposed.returncode == 0, exposed.stdout[-300:]
