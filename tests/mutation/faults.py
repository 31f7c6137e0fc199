"""The single faults that universalmutator makes of a C file, without those that only change words for people.

Left out before anything is compiled: comments, preprocessor lines other than #define, static_assert, and text for
people: every literal inside a call of MESSAGE, and every literal that reads as prose (three words or more, and no SQL).
"""
import contextlib
import io
import re

RULES = ["universal.rules", "c_like.rules", "c.rules"]
IGNORE = [r"^\s*#\s*(include|if|ifdef|ifndef|else|elif|endif|undef|error|pragma)\b", r"\bstatic_assert\b"]
MESSAGE = r"\b(?:error_set|error_from_errno|json_broken|log_message|exchange_refuse)\s*\(|\bfprintf\s*\(\s*stderr\b"
TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|PRAGMA|CREATE|FROM|WHERE|SET|VALUES|ORDER BY|BEGIN|SAVEPOINT|AND|OR"
                 r"|LIMIT)\b")
FIRST_MARK = 0xE000  # private characters stand for the literals that nobody is to change


def without_comments(source):
    """The same lines; a comment becomes nothing."""
    def replace(match):
        token = match[0]
        return "\n" * token.count("\n") if token.startswith("/") else token
    return TOKEN.sub(replace, source)


def closing(source, at):
    """Where the parenthesis that opens before `at` closes."""
    depth = 1
    while at < len(source) and depth > 0:
        literal = TOKEN.match(source, at)
        if literal:
            at = literal.end()
            continue
        depth += {"(": 1, ")": -1}.get(source[at], 0)
        at += 1
    return at


def is_prose(text):
    words = len(re.findall(r"[A-Za-z']{2,}", text))
    return words >= 3 and text.count(" ") >= 2 and "{" not in text and not SQL.search(text)


def mask(source):
    """The source with one private character in place of each text for people, and these texts."""
    messages = [range(match.end(), closing(source, source.index("(", match.start()) + 1))
                for match in re.finditer(MESSAGE, source)]
    texts = []

    def replace(match):
        token = match[0]
        if token[0] != '"' or not (is_prose(token) or any(match.start() in span for span in messages)):
            return token
        texts.append(token[1:-1])
        return f'"{chr(FIRST_MARK + len(texts) - 1)}"'
    return TOKEN.sub(replace, source), texts


def unmask(line, texts):
    return "".join(texts[ord(c) - FIRST_MARK] if FIRST_MARK <= ord(c) < FIRST_MARK + len(texts) else c for c in line)


def bare(line):
    """What is left of a line without texts for people and without its layout."""
    line = re.sub(f"[{chr(FIRST_MARK)}-\uf8ff]", "", line)
    return re.sub(r'(?:""\s*)+', '""', re.sub(r"\s+", "", line))


def faults_of(source):
    """[(line number from 1, old line, new text)]; the new text may be of two lines."""
    from universalmutator import mutator
    masked, texts = mask(without_comments(source))
    lines = [line.rstrip() + "\n" for line in masked.split("\n")]
    with contextlib.redirect_stdout(io.StringIO()):
        found = mutator.mutants_regexp(lines, RULES, ignorePatterns=IGNORE)
    seen, faults = set(), []
    for number, new, *_ in found:
        old = lines[number - 1]
        key = (number, bare(new))
        if bare(new) == bare(old) or key in seen:
            continue
        seen.add(key)
        faults.append((number, unmask(old, texts).rstrip("\n"), unmask(new, texts).rstrip("\n")))
    return faults
