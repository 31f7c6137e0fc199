#!/usr/bin/python3
"""How long a GET takes while many clients follow experiments that train.

Usage: streams.py [--streams 1000] [--rate 200] [--seconds 30]. Starts a daemon of its own on a free port, trains two
experiments that end a few epochs a second together, opens the streams, then asks `GET /experiments/ID` at an even rate;
a request's time counts from the moment it was due. The streams are read by a process of their own, so that a GET's time
is not the time this program takes to read a thousand events. Prints the percentiles, and how many events the streams were
sent."""
import argparse
import asyncio
import multiprocessing
import pathlib
import resource
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api_daemon import Daemon  # noqa: E402

# About a quarter of a second an epoch on one core of 2023.
SLOW = {"hidden_size": 5, "n_qubits": 10, "depth": 4, "training": {"epochs": 10000}}


async def follow(port, experiment, counts, index, opened):
    """One stream; counts the events it is sent until it is cancelled."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 16)
    writer.write(f"GET /experiments/{experiment}/events HTTP/1.1\r\nHost: localhost\r\n"
                 "Accept: text/event-stream\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    opened.release()
    try:
        while data := await reader.read(1 << 16):
            counts[index] += data.count(b"\nevent: epoch") + data.startswith(b"event: epoch")
    finally:
        writer.close()


async def ask(port, path, due, times, idle):
    """One request on a connection that waits for the next one; the first ones open theirs."""
    connection = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
    reader, writer = connection
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    await reader.readexactly(length)
    times.append(time.monotonic() - due)
    idle.append(connection)


async def epochs_done(port, experiment):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /experiments/{experiment} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    text = await reader.read()
    writer.close()
    return int(text.split(b'"epoch":')[1].split(b",")[0].split(b"}")[0])


async def follow_all(port, experiments, number, line):
    """Opens the streams, then answers each word on `line` with (events sent, streams broken), until the word is None."""
    opened, counts = asyncio.Semaphore(0), [0] * number
    streams = [asyncio.create_task(follow(port, experiments[k % len(experiments)], counts, k, opened))
               for k in range(number)]
    for _ in streams:
        await opened.acquire()
    line.send((0, 0))
    while await asyncio.to_thread(line.recv):
        line.send((sum(counts), sum(task.done() for task in streams)))
    for task in streams:
        task.cancel()


def reader(port, experiments, number, line):
    asyncio.run(follow_all(port, experiments, number, line))


def ask_reader(line):
    line.send("count")
    return line.recv()


async def measure(daemon, experiments, options, line):
    before = [await epochs_done(daemon.port, e) for e in experiments]
    sent, times, idle, asked = ask_reader(line)[0], [], [], []
    start = time.monotonic()
    for k in range(int(options.rate * options.seconds)):
        due = start + k / options.rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        asked.append(asyncio.create_task(ask(daemon.port, f"/experiments/{experiments[0]}", due, times, idle)))
    await asyncio.gather(*asked)
    taken = time.monotonic() - start
    epochs = sum(await asyncio.gather(*(epochs_done(daemon.port, e) for e in experiments))) - sum(before)
    events, broken = ask_reader(line)
    times.sort()
    print(f"{options.streams} streams ({broken} broken), {epochs / taken:.1f} epochs/s, "
          f"{(events - sent) / taken:.0f} events/s sent")
    print(f"GET at {len(times) / taken:.0f}/s, ms: " + ", ".join(
        f"{name} {1e3 * times[min(len(times) - 1, int(q * len(times)))]:.2f}"
        for name, q in (("median", .5), ("p90", .9), ("p99", .99), ("largest", 1))))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * options.streams + 1000), hard))
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(folder).start()
        try:
            experiments = [daemon.submit(SLOW), daemon.submit(SLOW)]
            for experiment in experiments:
                daemon.wait(experiment, lambda row: row["status"] == "running")
            line, end = multiprocessing.Pipe()
            process = multiprocessing.Process(target=reader, args=(daemon.port, experiments, options.streams, end))
            process.start()
            line.recv()
            asyncio.run(measure(daemon, experiments, options, line))
            line.send(None)
            process.join()
        finally:
            daemon.close()


main()
