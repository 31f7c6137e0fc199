"""What a run leaves stands alone: with nothing but its files somebody else gets the service's predictions."""
import json
import math
import subprocess

from api_daemon import BUILD, DEADLINE, read_safetensors


def test_the_scaling_is_enough(daemon, tmp_path):
    """The factor and offset in the weights, by hand from the rows that are fitted, make predictions of evaluations."""
    values = [round(math.sin(0.5 * i), 4) for i in range(30)]
    daemon.upload("scaler", "v\n" + "".join(f"{value:.4f}\n" for value in values))
    done = daemon.train({"hidden_size": 2, "n_qubits": 2, "training": {"epochs": 3},
                         "data": {"dataset": "scaler", "window": 3, "drop_last_window": False, "split": {"train": 17 / 27}}})
    weights = daemon.get(done["links"]["weights"]).content
    (tmp_path / "weights.safetensors").write_bytes(weights)
    scaling = json.loads(read_safetensors(weights)[1]["scaling"])
    assert scaling == daemon.get(done["links"]["report"]).json()["scaling"]
    fitted = values[:20]
    column = scaling["inputs"][0]
    assert done["data"]["train"] == 17 and scaling["targets"] == scaling["inputs"]
    assert math.isclose(column["offset"], (min(fitted) + max(fitted)) / 2, rel_tol=1e-15)
    assert math.isclose(column["factor"], (max(fitted) - min(fitted)) / 2, rel_tol=1e-15)

    scaled = [(value - column["offset"]) / column["factor"] for value in values]
    windows = [[[x] for x in scaled[i:i + 3]] for i in range(27)]
    (tmp_path / "spec.json").write_text(json.dumps(done["spec"]))
    (tmp_path / "inputs.json").write_text(json.dumps(windows))
    out = subprocess.run([BUILD / "qlstm-worker", "evaluate", "spec.json", "--weights", "weights.safetensors", "--inputs",
                          "inputs.json"], cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE, check=True)
    outputs = [row[0] * column["factor"] + column["offset"] for row in json.loads(out.stdout)["outputs"]]
    lines = daemon.get(done["links"]["predictions"]).text.splitlines()
    place = lines[0].split(",").index("v_predicted")
    assert outputs == [float(line.split(",")[place]) for line in lines[1:]]
