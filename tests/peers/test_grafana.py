"""Grafana's own models of a dashboard (grafana-foundation-sdk) read ours: what they do not know is not in it."""
import json
import pathlib

import pytest

dashboard = pytest.importorskip("grafana_foundation_sdk.models.dashboard")
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins

FILE = pathlib.Path(__file__).resolve().parents[2] / "docker/watch/dashboard.json"


def lost(ours, theirs, path=""):
    """What is in ours and not, or otherwise, in theirs; they add their defaults."""
    if isinstance(ours, dict):
        for key, value in ours.items():
            if not isinstance(theirs, dict) or key not in theirs:
                yield f"{path}/{key}"
            else:
                yield from lost(value, theirs[key], f"{path}/{key}")
    elif isinstance(ours, list):
        if not isinstance(theirs, list) or len(theirs) != len(ours):
            yield path
        else:
            for k, value in enumerate(ours):
                yield from lost(value, theirs[k], f"{path}/{k}")
    elif ours != theirs:
        yield path


def test_their_models_have_all_that_ours_says():
    register_default_plugins()
    ours = json.loads(FILE.read_text())
    theirs = json.loads(json.dumps(dashboard.Dashboard.from_json(ours), cls=JSONEncoder))
    assert list(lost(ours, theirs)) == []
    kinds = {panel["type"] for panel in theirs["panels"]}
    assert kinds == {"stat", "timeseries"}
