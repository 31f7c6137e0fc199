"""The notebooks of clients/notebooks, run from top to bottom by Jupyter in a copy of what they read."""

import json
import os
import re
import shutil
import subprocess
import sys

import client_service
import pytest

pytest.importorskip("nbconvert")
pytest.importorskip("ipykernel")
pytest.importorskip("matplotlib")
ROOT = client_service.ROOT
NOTEBOOKS = sorted((ROOT / "clients" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_from_top_to_bottom(notebook, tmp_path):
    for folder in ("schema/recipes", "clients/curl"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    here = tmp_path / "clients" / "notebooks"
    here.mkdir()
    shutil.copy(notebook, here)
    words = ["-m", "nbconvert", "--to", "notebook", "--execute", "--output", "done.ipynb", notebook.name]
    environment = {**os.environ, "PYTHONPATH": str(client_service.PACKAGE), "MPLBACKEND": "agg", "HOME": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, *words], cwd=here, env=environment, capture_output=True, text=True, timeout=600
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    cells = json.loads((here / "done.ipynb").read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) >= 5 and all(cell["execution_count"] for cell in code)
    pictures = list(here.glob("*.svg"))
    assert pictures and all((notebook.parent / one.name).exists() for one in pictures), "those that the README shows"
    for text in (one.read_text() for one in [*pictures, *notebook.parent.glob("*.svg")]):
        assert not re.search(r"<dc:date>|20\d\d-\d\d-\d\d", text), "a picture is the same file tomorrow"
    kept = json.loads(notebook.read_text())["cells"]
    assert not any(cell.get("outputs") for cell in kept), "what a notebook printed is not committed"
