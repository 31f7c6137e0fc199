"""Completion for bash, made from the table of commands."""

from __future__ import annotations

from .table import Command

HEAD = """_qlstm() {
\tlocal word=${COMP_WORDS[COMP_CWORD]} line=" ${COMP_WORDS[*]:1:COMP_CWORD-1} " words=""
\tcase $line in
"""
TAIL = """\tesac
\tmapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -o nosort -F _qlstm qlstm
"""


def script(commands: list[Command]) -> str:
    """Words of commands and their options; ids of runs, names of data sets and hyperparameters come from the
    service."""
    groups: dict[str, list[str]] = {}
    for command in commands:
        group, _, word = command.name.rpartition(" ")
        groups.setdefault(group, []).append(word)
        if group and group not in groups[""]:
            groups[""].append(group)
    lines = []
    for command in sorted(commands, key=lambda each: -len(each.name.split())):
        options = [name for names, _ in command.arguments for name in names if name.startswith("--")]
        words = " ".join(["--json", *options])
        first = command.arguments[0][0][0] if command.arguments else ""
        if first == "id":
            words += " last $(qlstm ls --ids 2>/dev/null)"
        elif first == "name":
            words += " $(qlstm data ls 2>/dev/null | awk 'NR > 1 {print $1}')"
        elif first == "what":
            words += " $(qlstm parameters --names 2>/dev/null | sed 's/$/=/')"
            lines.append(f'\t*" {command.name} "*) words="{words}"; [[ $word == *=* ]] || compopt -o nospace ;;')
            continue
        elif first == "shell":
            words += " bash"
        lines.append(f'\t*" {command.name} "*) words="{words}" ;;')
    lines += [f'\t*" {group} "*) words="{" ".join(words)}" ;;' for group, words in groups.items() if group]
    lines.append(f'\t*) words="{" ".join(groups[""])} --url --key-file --ca --json --help" ;;')
    return HEAD + "\n".join(lines) + "\n" + TAIL
