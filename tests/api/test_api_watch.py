"""Prometheus and Grafana beside the service (docker/compose.watch.yaml): what they ask for is what /metrics has."""
import json
import re

import yaml

from api_daemon import ROOT

WATCH = ROOT / "docker" / "watch"


def test_the_dashboard_asks_for_what_there_is(daemon):
    daemon.train({"training": {"epochs": 1}})
    text = daemon.get("/metrics").text
    there = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    labels = {name: set(re.findall(r'(\w+)="', line)) for name, line in re.findall(r"^(\w+)(\{.*\}|) ", text, re.MULTILINE)}
    dashboard = json.loads((WATCH / "dashboard.json").read_text())
    asked = set()
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            (name,) = re.findall(r"qlstmd_\w+", target["expr"])
            assert name in there, name
            asked.add(name)
            for label in re.findall(r"\{\{(\w+)\}\}|(\w+)=~?\"", target["legendFormat"] + target["expr"]):
                assert "".join(label) in labels[name], (name, label)
            assert target["datasource"]["uid"] == panel["datasource"]["uid"]
    assert there - asked == {"qlstmd_attempts_started_total", "qlstmd_draining"}
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    cells = [(x, y) for panel in dashboard["panels"] for place in [panel["gridPos"]]
             for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24, "panels beside each other"


def test_the_files_fit_each_other():
    compose = yaml.safe_load((ROOT / "docker/compose.watch.yaml").read_text())
    first = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
    assert set(first["services"]) < set(compose["services"]) and set(compose["volumes"]) == {"prometheus", "grafana"}
    for name in ("prometheus", "grafana"):
        for volume in compose["services"][name]["volumes"]:
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (ROOT / "docker" / source).is_file(), source
    (source,) = yaml.safe_load((WATCH / "datasources.yaml").read_text())["datasources"]
    dashboard = json.loads((WATCH / "dashboard.json").read_text())
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {source["uid"]}
    assert source["url"].endswith(":9090") and ":9090" in (WATCH / "Dockerfile").read_text()
    scrape = yaml.safe_load((WATCH / "prometheus.yaml").read_text())["scrape_configs"][0]
    assert scrape["static_configs"][0]["targets"] == ["localhost:8080"]
    provider = yaml.safe_load((WATCH / "dashboards.yaml").read_text())["providers"][0]
    mounted = [volume.split(":")[1] for volume in compose["services"]["grafana"]["volumes"]]
    assert f"{provider['options']['path']}/qlstmd.json" in mounted
