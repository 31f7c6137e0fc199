"""The package as others meet it: types and style, as pip installs it, with pandas and matplotlib beside it."""

import pathlib
import shutil
import subprocess
import sys

import pytest

PACKAGE = pathlib.Path(__file__).resolve().parents[1]
QUIET = {"capture_output": True, "text": True, "timeout": 600}


@pytest.fixture
def source(tmp_path):
    """A copy, because setuptools builds in the folder itself."""
    return shutil.copytree(PACKAGE, tmp_path / "source", ignore=shutil.ignore_patterns("build", "*.egg-info"))


def python(*words, **options):
    return subprocess.run([sys.executable, *words], **QUIET, **options)


@pytest.mark.parametrize("tool", [["mypy", "qlstm"], ["ruff", "check", "."], ["ruff", "format", "--check", "."]])
def test_types_and_style(source, tool):
    pytest.importorskip(tool[0])
    ran = python("-m", *tool, cwd=source)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_installed_without_an_index(source, tmp_path):
    pytest.importorskip("setuptools")
    target = tmp_path / "target"
    options = ["--no-build-isolation", "--no-deps", "--no-index", "-q", "--target", target]
    ran = python("-m", "pip", "install", *options, source)
    assert ran.returncode == 0, ran.stderr
    where = {"env": {"PYTHONPATH": str(target)}, "cwd": tmp_path}
    assert python("-c", "import qlstm; print(qlstm.__file__)", **where).stdout.startswith(str(target))
    assert (target / "qlstm/py.typed").exists()
    assert "usage: qlstm" in subprocess.run([target / "bin/qlstm", "--help"], **where, **QUIET).stdout


def test_wheel_and_source_distribution(source):
    """By the backend's own two functions, as a build tool calls them."""
    pytest.importorskip("setuptools")
    code = "from setuptools import build_meta as b; print(b.build_wheel('dist')); print(b.build_sdist('dist'))"
    ran = python("-c", code, cwd=source)
    assert ran.returncode == 0, ran.stderr
    made = sorted(path.name for path in (source / "dist").iterdir())
    assert made == ["qlstm-0.1.0-py3-none-any.whl", "qlstm-0.1.0.tar.gz"]


def test_frames_and_pictures(client, tmp_path):
    pandas = pytest.importorskip("pandas")
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    frame = pandas.DataFrame({"day": range(60), "level": [0.1 * (i % 7) for i in range(60)]})
    run = client.train(data={"dataset": frame, "inputs": ["level"], "targets": ["level"]}, hidden_size=3, epochs=3)
    run.wait(progress=False)
    assert list(run.metrics["epoch"]) == [1, 2, 3] and isinstance(run.predictions(), pandas.DataFrame)
    assert run.predict(frame).shape == (57, 1), "sample i is rows i to i + window - 1"
    axes = run.plot()
    axes[0].figure.savefig(tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 5000 and len(axes[1].lines) == 3
    assert client.train_seeds(2, epochs=1, hidden_size=2).wait(progress=False).results["seed"].tolist() == [1, 2]


def test_parquet(client, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"day": list(range(30)), "level": [0.1 * (i % 7) for i in range(30)]})
    parquet.write_table(table, tmp_path / "levels.parquet")
    stored = client.upload(tmp_path / "levels.parquet")
    assert stored["rows"] == 30 and list(client.values(stored["id"])["level"]) == table["level"].to_pylist()


def test_weights_are_safetensors(client):
    safetensors = pytest.importorskip("safetensors.numpy")
    weights = client.train(epochs=1, hidden_size=2).wait(progress=False).weights()
    theirs = safetensors.load(weights.content)
    assert set(theirs) == set(weights) and all((theirs[name] == weights[name]).all() for name in weights)
