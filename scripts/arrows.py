#!/usr/bin/env python3
"""Checks that includes run one way. A room is a folder; ARROWS says, for each, which rooms it may include beside itself.
A struct of another room that is only named (`struct model;`) counts as an include of the header that defines it.

    scripts/arrows.py          prints every include that points where it may not, and ends with 1 if there is one
    scripts/arrows.py --print  prints the arrows that there are, room by room
"""
import pathlib
import re
import subprocess
import sys

# Room -> rooms it may include. A room may only name rooms that stand above it in this list, so no arrow points back.
# engine/qlstm.h is a room of its own: what an installed library shows, which includes nothing.
ARROWS = {
    "engine/qlstm.h": "",
    "engine/elementary": "",
    "engine": "engine/qlstm.h engine/elementary",
    "engine/vector": "engine engine/elementary",
    "engine/circuit": "engine engine/elementary engine/vector",
    "engine/circuit/ansatz": "engine engine/circuit",
    "engine/circuit/qasm": "engine engine/circuit",
    "engine/circuit/batch": "engine engine/elementary engine/vector engine/circuit",
    "engine/circuit/local": "engine engine/elementary engine/vector engine/circuit",
    "engine/circuit/wide": "engine engine/elementary engine/vector engine/circuit",
    "engine/circuit/register": "engine engine/elementary engine/vector engine/circuit",
    "engine/circuit/neuron": "engine engine/elementary engine/vector engine/circuit",
    "engine/circuit/hybrid": "engine engine/elementary engine/vector engine/circuit",
    "engine/nn/kernel": "engine engine/elementary engine/vector",
    "engine/nn": "engine engine/nn/kernel engine/elementary engine/vector engine/circuit engine/circuit/ansatz engine/circuit/register "
                 "engine/circuit/hybrid",
    "engine/nn/layer": "engine engine/elementary engine/vector engine/circuit/neuron engine/circuit/hybrid engine/circuit/qasm engine/nn engine/nn/kernel",
    "engine/nn/cell": "engine engine/vector engine/circuit/register engine/nn engine/nn/kernel",
    "engine/score": "engine engine/elementary",
    "engine/data/csv": "engine",
    "engine/data/text": "engine",
    "engine/data/tasks": "engine",
    "engine/data": "engine engine/elementary engine/data/csv engine/data/tasks engine/data/text",
    "engine/language": "engine engine/data engine/data/text",
    "engine/decode": "engine engine/elementary engine/nn",
    "engine/export": "engine engine/circuit engine/nn",
    "engine/train": "engine engine/elementary engine/nn engine/data engine/export",
    "engine/library": "engine engine/qlstm.h engine/circuit engine/nn engine/data engine/export engine/train",
    "engine/examples": "",
    "schema/circuit": "engine engine/circuit",
    "schema/place": "engine",
    "schema/tq42": "engine schema/place",
    "schema/request": "engine schema/place",
    "schema": "schema/place schema/tq42 engine engine/qlstm.h engine/nn engine/circuit engine/circuit/ansatz engine/data engine/language engine/train schema/circuit",
    "server/common/xlsx": "engine",
    "server/common": "server/common/xlsx engine engine/elementary engine/qlstm.h engine/nn engine/data engine/data/csv engine/language engine/train schema",
    "server/common/predict": "engine schema schema/place schema/request server/common",
    "server/common/circuit": "engine engine/circuit engine/nn engine/export schema server/common",
    "server/http": "engine server/common",
    "server/access": "engine server/common server/http",
    "server/web": "server/common server/http",
    "server/http/mhd": "engine server/common server/http",
    "server/store": "engine server/common schema",
    "server/disk": "engine schema server/common server/http server/store",
    "server/run": "engine engine/qlstm.h engine/data schema server/common server/http server/store",
    "server/run/events": "engine server/common server/http server/store",
    "server/predict": "engine schema server/common server/common/predict server/run",
    "server/api/parts": "engine server/common server/run",
    "server/api/prediction": "engine schema schema/place schema/tq42 server/common server/store",
    "server/api": "engine engine/qlstm.h engine/circuit engine/nn engine/data engine/data/csv engine/train engine/export schema "
                  "server/common server/common/predict server/http server/access server/store server/disk server/run server/run/events server/predict server/api/parts server/api/prediction",
    "server/api/access": "engine server/common server/http server/access server/web server/api",
    "server/api/export": "engine engine/qlstm.h engine/nn engine/export server/common server/common/circuit server/http server/store server/api",
    "server/api/dataset": "engine engine/data engine/data/csv schema schema/place server/common server/http server/access server/store server/api",
    "server/api/mlflow": "engine schema server/common server/http server/access server/store server/run server/api/parts server/api",
    "server/api/inference": "engine engine/qlstm.h schema server/common server/common/predict server/http server/access server/store server/run server/predict server/api",
    "server/api/experiment": "engine engine/data/csv schema schema/place server/common server/http server/access server/store server/run server/run/events server/api/parts server/api/prediction server/api",
    "server": "engine engine/qlstm.h engine/circuit schema server/common server/http server/access server/store server/disk server/run server/run/events server/predict server/api",
    "server/worker": "engine engine/qlstm.h engine/circuit engine/nn engine/decode engine/data engine/language engine/train engine/export schema "
                     "server/common server/common/predict",
    "server/worker/train": "engine engine/elementary engine/qlstm.h engine/circuit engine/nn engine/score engine/data engine/language engine/train "
                           "engine/export schema server/common server/common/circuit server/common/predict server/worker",
    "server/worker/predict": "engine engine/elementary engine/qlstm.h engine/circuit engine/data engine/nn engine/language engine/export schema schema/place schema/request server/common server/common/predict server/worker server/worker/train",
    "server/worker/tools": "engine engine/qlstm.h engine/circuit engine/circuit/ansatz engine/nn engine/data "
                           "engine/train schema schema/place server/common server/common/circuit server/worker server/worker/train",
    "server/worker/bench": "engine engine/qlstm.h engine/vector engine/circuit engine/circuit/ansatz engine/nn "
                           "engine/data engine/train schema server/common server/worker",
}
# Headers that may name structs of rooms above them: isa.h hands out tables of kernels, qlstm.h objects, http.h the server,
# without saying what is in them.
MAY_NAME = {"engine/vector/isa.h", "engine/qlstm.h", "server/http/http.h"}
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
DEFINED = re.compile(r"^struct (\w+) \{", re.MULTILINE)
NAMED = re.compile(r"^struct (\w+);", re.MULTILINE)


def room_of(path):
    return path if path in ARROWS else str(pathlib.PurePosixPath(path).parent)


def includes():
    """(file, room, included file, its room) of every include, and of every struct that is only named, outside of
    tests."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.c", "*.h", "*.S"], check=True,
                            capture_output=True, text=True).stdout.split()
    texts = {path: pathlib.Path(path).read_text() for path in listed
             if not path.startswith("tests/") and pathlib.Path(path).exists()}
    definers = {name: path for path, text in texts.items() for name in DEFINED.findall(text)}
    for path, text in texts.items():
        own = set(DEFINED.findall(text))
        named = [definers[name] for name in NAMED.findall(text)
                 if name in definers and name not in own and path not in MAY_NAME]
        for target in INCLUDE.findall(text) + named:
            yield path, room_of(path), target, room_of(target)


def main():
    order = list(ARROWS)
    status = 0
    for room, allowed in ARROWS.items():
        for target in allowed.split():
            if order.index(target) >= order.index(room):
                print(f"arrows: {room} names {target}, which stands below it")
                status = 1
    found = {}
    for path, room, target, target_room in includes():
        if room not in ARROWS:
            print(f"arrows: {path}: the room {room} is not in the table of scripts/arrows.py")
            status = 1
        elif target_room != room:
            found.setdefault(room, set()).add(target_room)
            if target_room not in ARROWS[room].split():
                print(f"arrows: {path} includes {target}: {room} may not include {target_room}")
                status = 1
    if "--print" in sys.argv:
        for room in order:
            print(f"{room}: {' '.join(sorted(found.get(room, [])))}")
    return status


if __name__ == "__main__":
    sys.exit(main())
