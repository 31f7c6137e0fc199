"""The installed library, as somebody meets it who has nothing of this repository but what `make install` leaves."""
import os
import pathlib
import re
import shutil
import struct
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("QLSTM_BUILD", "build")
SANITIZER = re.search("san-(.*)", BUILD)
SANITIZERS = SANITIZER.group(1).replace("+", ",") if SANITIZER else ""
EXAMPLE = ROOT / "engine/examples/train.c"
PREFIX = "/opt/qlstm"


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], text=True, capture_output=True, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def make(target, place):
    run("make", "-s", "-C", ROOT, target, f"DESTDIR={place}", f"PREFIX={PREFIX}", f"BUILD={BUILD}",
        f"SAN={SANITIZERS}", env={**os.environ, "MAKEFLAGS": ""})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("installed")
    make("install", place)
    return place


@pytest.fixture(scope="module")
def flags(place):
    """What pkg-config says, and nothing else."""
    def ask(*options):
        environment = {**os.environ, "PKG_CONFIG_LIBDIR": f"{place}{PREFIX}/lib/pkgconfig",
                       "PKG_CONFIG_SYSROOT_DIR": str(place)}
        return run("pkg-config", *options, "qlstm", env=environment).split()

    return ask


def compiled(compiler, source, flags, out):
    sanitized = [f"-fsanitize={SANITIZERS}"] if SANITIZER else []
    run(*compiler, "-Wall", "-Wextra", "-Wpedantic", "-Werror", source, *sanitized, *flags("--cflags", "--libs"), "-o",
        out)
    return out


def losses(text):
    return [float(line.rsplit(" ", 1)[1]) for line in text.splitlines()]


def test_the_example_from_pkg_config_alone(flags, tmp_path):
    program = compiled(["gcc", "-std=c17", "-O2"], EXAMPLE, flags, tmp_path / "train")
    text = run(program, "weights.safetensors", cwd=tmp_path)
    assert len(losses(text)) == 20 and losses(text)[-1] < 0.1 * losses(text)[0]
    blob = (tmp_path / "weights.safetensors").read_bytes()
    header = blob[8:8 + struct.unpack("<Q", blob[:8])[0]].decode()
    assert '"layers.0.circuits":{"dtype":"F64","shape":[4,2,1,4]' in header
    # The one that is built in the tree does the same.
    assert run(ROOT / BUILD / "examples/train") == text


def test_the_example_is_short():
    assert len(EXAMPLE.read_text().splitlines()) < 60


def test_c17_without_extensions_and_cpp(flags, tmp_path):
    compilers = [["gcc", "-std=c17", "-x", "c"], ["g++", "-std=c++17", "-x", "c++"]]
    for compiler in compilers:
        if shutil.which(compiler[0]) is None:
            print(f"{compiler[0]} is not here")
            continue
        source = tmp_path / "version.source"
        source.write_text('#include <qlstm.h>\n#include <stdio.h>\n'
                          'int main(void)\n{\n\tputs(qlstm_version());\n\treturn 0;\n}\n')
        program = tmp_path / "version"
        run(*compiler, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c", source, *flags("--cflags"), "-o",
            tmp_path / "version.o")
        run(compiler[0], tmp_path / "version.o", *([f"-fsanitize={SANITIZERS}"] if SANITIZER else []),
            *flags("--libs"), "-o", program)
        assert run(program).strip() == run("sed", "-n", 's/.* QLSTM_VERSION "\\(.*\\)"/\\1/p',
                                           ROOT / "engine/qlstm.h").strip() == flags("--modversion")[0]


def test_the_archive_shows_the_functions_of_the_header_and_nothing_else(place):
    listed = run("nm", "-g", "--defined-only", f"{place}{PREFIX}/lib/libqlstm.a")
    shown = set(re.findall(r"^[0-9a-f]+ [A-Za-z] (\w+)$", listed, re.MULTILINE))
    header = pathlib.Path(f"{place}{PREFIX}/include/qlstm.h").read_text()
    declared = set(re.findall(r"\b(qlstm_\w+)\(", header))
    assert shown == declared and len(declared) > 10


def test_the_header_stands_alone(place):
    header = pathlib.Path(f"{place}{PREFIX}/include/qlstm.h").read_text()
    assert set(re.findall(r"#include (.*)", header)) == {"<stdbool.h>", "<stddef.h>", "<stdint.h>"}
    for kind, name in re.findall(r"^(struct|enum) (\w+)", header, re.MULTILINE):
        assert name.startswith("qlstm_"), f"{kind} {name}"
    for name in re.findall(r"^#define (\w+)", header, re.MULTILINE):
        assert name.startswith("QLSTM_"), name


def test_uninstall_leaves_nothing(tmp_path):
    make("install", tmp_path)
    installed = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert {"qlstmd", "qlstm-worker", "qlstm.h", "libqlstm.a", "qlstm.pc", "openapi.yaml"} <= installed
    make("uninstall", tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
