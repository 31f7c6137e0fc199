"""The Python of the README, run as it stands, in order; the client that it makes is that of the tests' daemon."""

import os
import re
import subprocess
import sys

import client_service

import qlstm


def test_readme_runs_as_shown(client, tmp_path, monkeypatch, capsys):
    blocks = re.findall(
        r"^```python\n(.*?)^```", (client_service.PACKAGE / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert len(blocks) >= 9
    monkeypatch.setenv("QLSTM_URL", client.url)
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks:
        exec(compile(block.replace('key="qlstmd_..."', "key=None"), "README.md", "exec"), names)
    said = capsys.readouterr().out
    assert "n_qubits 26 1 to 25" in said and re.search(
        r"^test_loss: mean difference \S+ over 3 seeds", said, re.MULTILINE
    )
    assert isinstance(names["run"], qlstm.Run)


def test_commands_run_as_shown(client, tmp_path):
    text = (client_service.PACKAGE / "README.md").read_text()
    block = re.search(r"^## The command line\n\n((?:    .*\n)+)", text, re.MULTILINE)[1]
    (tmp_path / "schema").symlink_to(client_service.ROOT / "schema")
    (tmp_path / "series.csv").write_text("value\n" + "\n".join(str(i % 9) for i in range(60)) + "\n")
    script = f'set -e -o pipefail\nqlstm() {{ "{sys.executable}" -m qlstm "$@"; }}\n{block}'
    environment = {**os.environ, "QLSTM_URL": client.url, "PYTHONPATH": str(client_service.PACKAGE)}
    ran = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (tmp_path / "metrics.csv").read_text().startswith("epoch,") and list(tmp_path.glob("*.safetensors"))
    assert "model.layers.0.type" in ran.stdout and "learning_rate" in ran.stdout


def test_package_is_what_the_readme_says():
    text = (client_service.PACKAGE / "README.md").read_text()
    for path in (client_service.PACKAGE / "qlstm").glob("*.py"):
        assert path.name == "__init__.py" or f"`{path.name}`" in text, f"{path.name} is not in the README's table"
