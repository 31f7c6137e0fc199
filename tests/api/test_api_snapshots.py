"""training.snapshots: weights and predictions of epochs on the way."""
import pytest

from api_daemon import problem

MODEL = {"type": "lstm", "hidden_size": 2}


def spec_of(snapshots, **training):
    return {**MODEL, "training": {"epochs": 6, "snapshots": snapshots, **training}}


def fetch(daemon, run, what, epoch):
    return daemon.get(f"/experiments/{run['id']}/{what}?epoch={epoch}")


def test_each_is_what_a_shorter_run_leaves(daemon):
    done = daemon.train(spec_of([1, 3, 6]))
    assert done["spec"]["training"]["snapshots"] == [1, 3, 6]
    for epoch in (1, 3, 6):
        short = daemon.train({**MODEL, "training": {"epochs": epoch}})
        predictions = fetch(daemon, done, "predictions", epoch)
        assert predictions.status_code == 200
        assert predictions.content == daemon.get(f"/experiments/{short['id']}/predictions").content
        ours = daemon.get(f"/experiments/{done['id']}/weights?epoch={epoch}&format=json").json()["tensors"]
        assert ours == daemon.get(f"/experiments/{short['id']}/weights?format=json").json()["tensors"]
        assert fetch(daemon, done, "weights", epoch).headers["Content-Type"] == "application/octet-stream"
    assert fetch(daemon, done, "predictions", 6).content == daemon.get(f"/experiments/{done['id']}/predictions").content


def test_what_is_not_there(daemon):
    done = daemon.train(spec_of([2], stop_loss=1e6))  # ends after the first epoch
    assert done["progress"]["epoch"] == 1
    problem(fetch(daemon, done, "weights", 2), 404, "not_found")
    problem(fetch(daemon, done, "predictions", 5), 404, "not_found")
    problem(fetch(daemon, done, "weights", 0), 400, "out_of_range")
    problem(fetch(daemon, done, "predictions", "x"), 400, "wrong_type")


@pytest.mark.parametrize("snapshots, pointer, words", [
    ([3, 2], "/training/snapshots/1", "rising order"), ([2, 7], "/training/snapshots/1", "there are 6 epochs"),
    ([0], "/training/snapshots/0", "1 to 100000"), (list(range(1, 18)), "/training/snapshots", "17 items"),
])
def test_refused(daemon, snapshots, pointer, words):
    reply = daemon.post("/experiments", spec_of(snapshots))
    assert words in problem(reply, 422, reply.json()["errors"][0]["code"], pointer)
