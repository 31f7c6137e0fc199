"""Models of words from Python: sequences that go on, TensorBoard's file, what a run shows while it trains."""

import asyncio

import pytest

import qlstm
from qlstm.command import main


@pytest.fixture(scope="module")
def run(client):
    data = {
        "dataset": "simple_seq",
        "task": "words",
        "word_bits": 3,
        "length": 20,
        "alphabet": "abcd",
        "split": {"train": 0.5},
    }
    layers = [{"type": "qrnn", "workspace": 2, "stages": 1}]
    made = client.train(data=data, layers=layers, epochs=3, batch_size=2, shown_sequences=1)
    return made.wait(progress=False)


def test_sequences_go_on(run):
    (one,) = run.generate("ab", 6, temperature=0)
    assert one["text"].startswith("ab") and len(one["words"]) == len(one["probabilities"]) == 6
    assert run.generate([0, 1], 6, postselect=True) == [one]
    several = run.generate([0], samples=3, seed=5)
    assert several == run.generate([0], samples=3, seed=5) and len(several) == 3
    assert all(len(each["words"]) == 20 for each in several)
    with pytest.raises(qlstm.Invalid) as found:
        run.generate([0, 8])
    assert "words are 0 to 7" in str(found.value)


def test_tensorboard_has_a_folder_of_its_own(run, tmp_path):
    path = run.tensorboard(tmp_path / "logs")
    assert path == tmp_path / "logs" / run.id / "events.out.tfevents.qlstm"
    assert b"brain.Event:2" in path.read_bytes() and run.tensorboard(tmp_path / "logs") == path


def test_awaited(client, run, tmp_path):
    async def ask():
        async with qlstm.AsyncClient(client.url) as service:
            again = await service.run(run.id)
            return await again.generate("ab", 6, seed=2), await again.tensorboard(tmp_path)

    sequences, path = asyncio.run(ask())
    assert sequences == run.generate("ab", 6, seed=2) and path.exists()


def test_commands(client, run, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("QLSTM_URL", client.url)
    assert main(["generate", run.id, "ab", "--length", "6", "--temperature", "0"]) == 0
    assert capsys.readouterr().out == run.generate("ab", 6, temperature=0)[0]["text"] + "\n"
    assert main(["generate", run.id, "[0,1]", "--samples", "2", "--seed", "3", "--json"]) == 0
    assert '"words"' in capsys.readouterr().out
    assert main(["tensorboard", run.id, "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/{run.id}/events.out.tfevents.qlstm\n"
    assert main(["watch", run.id]) == 0
    said = capsys.readouterr().out
    assert "epoch 2/3  train_loss " in said and "info: epoch 2: " in said and ", drawn " in said
