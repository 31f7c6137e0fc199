"""Events over a connection that breaks, and for asyncio."""

import asyncio
import itertools
import socket
import threading
import urllib.parse

import qlstm


class Cutter:
    """Stands between client and daemon and cuts every connection after `limit` bytes of answer."""

    def __init__(self, url, limit):
        self.address = (urllib.parse.urlsplit(url).hostname, urllib.parse.urlsplit(url).port)
        self.limit, self.cut = limit, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            with near, socket.create_connection(self.address) as far:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += near.recv(65536)
                far.sendall(request)
                left = self.limit
                while left and (answer := far.recv(left)):
                    near.sendall(answer)
                    left -= len(answer)
                self.cut += left == 0

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


def test_each_event_once_over_broken_connections(client):
    run = client.train(epochs=25, hidden_size=2, n_qubits=2).wait(progress=False)
    whole = list(run.events())
    cutter = Cutter(client.url, limit=3000)
    far = qlstm.Client(cutter.url, retries=5)
    pieces = list(itertools.islice(qlstm.Run(far, run.row).events(timeout=300), len(whole) + 5))
    cutter.close()
    assert pieces == whole and cutter.cut >= 2
    assert list(run.events(after=whole[-2]["id"])) == whole[-1:]
    assert list(run.events(after=whole[-1]["id"])) == []


def test_asyncio(client):
    async def trains():
        async with qlstm.AsyncClient(client.url) as service:
            runs = await asyncio.gather(*(service.train(epochs=2, hidden_size=2, seed=seed) for seed in (1, 2)))
            await asyncio.gather(*(run.wait() for run in runs))
            epochs = [event["epoch"] async for event in runs[0].events() if event["type"] == "epoch"]
            assert epochs == [1, 2] and (await runs[1].status()) == "succeeded"
            assert (await runs[0].predict([0.1, 0.2, 0.3, 0.4])).shape == (1, 1)
            found = await service.runs(limit=2)
            assert {run.id for run in found} == {run.id for run in runs}
            assert set(await runs[0].weights()) == set(await runs[1].weights())

    asyncio.run(trains())


def test_a_run_is_watched_while_it_trains(client):
    run = client.train(hidden_size=5, n_qubits=6, depth=8, epochs=100000)
    epochs = (event for event in run.events(timeout=300) if event["type"] == "epoch")
    assert [event["epoch"] for event in itertools.islice(epochs, 3)] == [1, 2, 3]
    assert [event.get("to") for event in run.cancel().events(timeout=300)][-1] == "cancelled"
