"""The Python of the README, run as it stands, in order; the client that it makes is that of the tests' daemon."""

import re

import conftest

import qlstm


def test_readme_runs_as_shown(client, tmp_path, monkeypatch, capsys):
    blocks = re.findall(
        r"^```python\n(.*?)^```", (conftest.PACKAGE / "README.md").read_text(), re.MULTILINE | re.DOTALL
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


def test_package_is_what_the_readme_says():
    text = (conftest.PACKAGE / "README.md").read_text()
    for path in (conftest.PACKAGE / "qlstm").glob("*.py"):
        assert path.name == "__init__.py" or f"`{path.name}`" in text, f"{path.name} is not in the README's table"
