"""The command line itself."""

import re

import pytest

from qlstm_worker import dump, run

COMMANDS = ["train", "evaluate", "circuit", "describe", "init", "plan", "generate", "export"]


def misuse(*arguments):
    done = run(*arguments)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert done.stdout == ""
    return done.stderr


def test_help_lists_the_commands():
    done = run("--help")
    assert done.returncode == 0 and done.stderr == ""
    for command in COMMANDS:
        assert f"\n  {command} " in done.stdout
    assert run("-h").stdout == done.stdout


@pytest.mark.parametrize("command", COMMANDS + ["bench"])
def test_help_of_a_command(command):
    done = run(command, "--help")
    assert done.returncode == 0 and done.stdout.startswith(f"usage: qlstm-worker {command} ")


@pytest.mark.parametrize(
    "line, defaults",
    [
        ("train SPEC.json --out DIR [--data FILE.csv] [--resume FILE] [--supervised] [--checkpoint-seconds S]"
         " [--checkpoint-epochs N] [--threads N] [--any-arithmetic] [--memory MIB] [--dialect JSON] [--init W.safetensors]",
         {"--checkpoint-seconds": "10", "--threads": "1"}),
        ("evaluate SPEC.json --weights W.safetensors --inputs X.json [--targets Y.json] [--gradient]", {}),
        ("circuit PROGRAM.json [--plan KIND] [--precision P] [--gradient]",
         {"--plan": "auto", "--precision": "float64"}),
        ("describe SPEC.json", {}),
        ("init SPEC.json --out W.safetensors", {}),
        ("generate --weights FILE --request FILE.json", {}),
        ("plan SPEC.json [--data FILE.csv] [--dialect JSON] [--threads N] [--speed PERCENT] [--json]", {"--threads": "1"}),
        ("bench [--case NAME] [--threads N] [--seconds S] [--json]", {"--threads": "1", "--seconds": "0.25"}),
    ],
)  # fmt: skip
def test_every_option_of_a_command(line, defaults):
    """In this order, in the usage line and in the table behind it, each with its default."""
    told = run(line.split()[0], "--help").stdout.splitlines()
    assert told[0] == f"usage: qlstm-worker {line}"
    table = [row for row in told[1:] if row.startswith("  --")]
    assert [row.split()[0] for row in table] == re.findall("--[a-z-]+", line)
    assert {row.split()[0]: row.split("default ")[1].rstrip(")") for row in table if "default " in row} == defaults


def test_help_of_train_names_its_options():
    text = run("train", "--help").stdout
    for option in ("--out", "--data", "--resume", "--supervised", "--checkpoint-seconds", "default 10"):
        assert option in text


def test_help_of_evaluate_tells_the_shapes():
    text = run("evaluate", "--help").stdout
    for shape in ("X.json holds [batch][time][feature]", "Y.json [batch][output]", "gradient.inputs", "gradient.weights"):
        assert shape in text


def test_version():
    done = run("--version")
    assert done.returncode == 0 and done.stdout.startswith("qlstm-worker 0.")


def test_no_command():
    assert "--help" in misuse()


@pytest.mark.parametrize("word, near", [("trian", "train"), ("evaluat", "evaluate"), ("descibe", "describe")])
def test_unknown_command(word, near):
    assert f"did you mean '{near}'?" in misuse(word)


def test_unknown_command_unlike_any():
    said = misuse("xyzzyxyzzy")
    assert "unknown command 'xyzzyxyzzy'" in said and "did you mean" not in said


@pytest.mark.parametrize("command", COMMANDS)
def test_operand_is_needed(command):
    said = misuse(command)
    assert "is missing" in said and f"usage: qlstm-worker {command}" in said


@pytest.mark.parametrize(
    "arguments, part",
    [
        (["train", "s.json"], "--out DIR is missing"),
        (["train", "s.json", "--out"], "--out needs a value: DIR"),
        (["train", "s.json", "--out", "--supervised"], "--out needs a value"),
        (["train", "s.json", "--out", ""], "--out needs a value"),
        (["train", "s.json", "--out="], "--out needs a value"),
        (["train", "s.json", "--out", "a", "--out", "b"], "--out is given twice"),
        (["train", "s.json", "t.json", "--out", "a"], "unexpected argument 't.json'"),
        (["train", "s.json", "--out", "a", "--date", "x"], "did you mean '--data'?"),
        (["train", "s.json", "--out", "a", "-v"], "unknown option '-v'"),
        (["train", "s.json", "--out", "a", "--supervised=yes"], "--supervised takes no value"),
        (["train", "s.json", "--out", "a", "--supervised", "--supervised"], "--supervised is given twice"),
        (["train", "s.json", "--out", "a", "--data"], "--data needs a value: FILE.csv"),
        (["train", "s.json", "--out", "a", "--resume"], "--resume needs a value: FILE"),
        (["train", "s.json", "--out", "a", "--checkpoint-seconds"], "--checkpoint-seconds needs a value"),
        (["train", "s.json", "--out", "a", "--checkpoint-seconds", "soon"], "takes a number of seconds"),
        (["train", "s.json", "--out", "a", "--checkpoint-seconds", "-1"], "takes a number of seconds"),
        (["train", "s.json", "--out", "a", "--checkpoint-seconds", "1x"], "takes a number of seconds"),
        (["train", "s.json", "--out", "a", "--checkpoint-seconds", "inf"], "takes a number of seconds"),
        (["train", "s.json", "--out", "a", "--checkpoint-seconds", "nan"], "takes a number of seconds"),
        (["evaluate", "s.json"], "--weights W.safetensors is missing"),
        (["evaluate", "s.json", "--weights", "w"], "--inputs X.json is missing"),
        (["evaluate", "s.json", "--weights", "w", "--inputs", "x", "--targets"], "--targets needs a value"),
        (["evaluate", "s.json", "--weights", "w", "--inputs", "x", "--gradient=1"], "--gradient takes no value"),
        (["evaluate", "s.json", "--weights", "w", "--inputs", "x", "--grad"], "unknown option '--grad'"),
        (["circuit", "p.json", "--plan"], "--plan needs a value: KIND"),
        (["describe", "s.json", "--out", "x"], "unknown option '--out'"),
        (["init", "s.json"], "--out W.safetensors is missing"),
    ],
)
def test_misuse(arguments, part):
    assert part in misuse(*arguments)


def test_equals_sign_and_double_dash(tmp_path):
    spec = dump(tmp_path / "spec.json", {"model": {"type": "lstm", "hidden_size": 2}})
    assert run("init", f"--out={tmp_path / 'w.safetensors'}", "--", spec).returncode == 0
    assert (tmp_path / "w.safetensors").exists()


def test_the_instruction_set():
    """`--isa` before the command: what --version names without it can always be had."""
    name = run("--version").stdout.split("(")[1].rstrip(")\n")
    assert run("--isa", name, "--version").stdout == run("--version").stdout
    assert run(f"--isa={name}", "--help").returncode == 0
    said = misuse("--isa", "z80", "--version")
    assert "'z80' is no instruction set of this program" in said and name in said
    for arguments in (["--isa"], ["--isa="], ["--isa", "", "--help"]):
        assert "'' is no instruction set" in misuse(*arguments)
    assert "usage" in misuse("--isa", name)


def test_every_instruction_set_that_the_processor_has():
    names = misuse("--isa", "z80").split("(")[1].rstrip(")\n").split(", ")
    for name in names:
        done = run("--isa", name, "--version")
        lacks = f"this processor lacks the instruction set {name}" in done.stderr
        assert (done.returncode == 2 and lacks) or (done.returncode == 0 and f"({name})" in done.stdout)
