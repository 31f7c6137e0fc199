"""Every query in the sources, asked of SQLite: nothing that grows with use is read whole where an index could serve."""
import functools
import os
import re
import shutil
import sqlite3
import subprocess

import pytest

from api_daemon import ROOT

# What reads a table or a whole status nevertheless, and why. The keys begin the query's text.
ACCEPTED = {
    "SELECT status, n FROM status_tally":
        "in memory; as many rows as there are statuses",
    "SELECT seq, id, from_status, from_due, to_status, to_due FROM status_change ORDER BY seq":
        "in memory; what changed since the last commit, and all of it is wanted",
    "SELECT count(*) FROM sqlite_schema":
        "as many rows as there are tables and indexes",
    "SELECT file FROM pragma_database_list WHERE name = 'main'":
        "as many rows as there are databases: one",
    "SELECT id, sha256, bytes, n_rows, created_at, name, file, kind, columns_json, description_json, owner FROM dataset ORDER BY id DESC":
        "the list of all data sets, in the order of the primary key",
    "SELECT id, sha256, bytes, n_rows, created_at, name, file, kind, columns_json, description_json, owner FROM dataset WHERE (id = :key OR":
        "sorts those of one name, at most one an owner",
    "SELECT 0, 'datasets/' || file, sha256, min(bytes) FROM dataset GROUP BY file":
        "all files that there are, for a check or a backup",
    "SELECT 1 FROM experiment WHERE status = 'cancelling' LIMIT 1":
        "the first row of a status is enough",
    "SELECT epoch, attempt, file, sha256 FROM checkpoint WHERE experiment_id = :id":
        "sorts the two that there are",
    "DELETE FROM checkpoint WHERE experiment_id = :id AND epoch NOT IN":
        "sorts the three that there are",
    "DELETE FROM checkpoint WHERE 'runs/' || experiment_id":
        "in a backup, once for a checkpoint that went while it was made",
    "SELECT id, attempt FROM experiment WHERE attempt > 0":
        "in a backup: all of them",
    "SELECT path, part, bytes FROM backup_file ORDER BY path, part":
        "laying a backup out: all of it",
    "WITH RECURSIVE name (project) AS (SELECT min(project)":
        "as many rows as there are projects, each found by the index",
    "SELECT experiment_id FROM deletion ORDER BY experiment_id LIMIT :max":
        "as many rows as were deleted since the last sweep, and a limit",
}
ROW = ("SELECT id, status, reason, reason_message, name, project, tags_json, spec_json, model_json, data_json, engine_json, "
       "dataset_id, metrics_json, owner, notes, attempt, max_attempts, epochs, epoch, version, max_seconds, created_at, started_at, "
       "attempt_started_at, finished_at, best_test_loss, best_epoch, train_seconds, run_at FROM experiment WHERE ")
ACCEPTED[ROW + "CASE :sort"] = "a list sorted by a metric of the user's choice: all that fit the filters, whatever it is"
OWNED = "owner = :owner AND owner <> '' AND "
FIRST = ("SCAN experiment USING INDEX experiment_queue",
         "SEARCH experiment USING INDEX experiment_live (status=?)")
STRINGS = re.compile(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*')
QUERY = re.compile(r"(SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH)\s")


def preprocess(source):
    names = [os.environ.get("CC", "cc").split()[0], "cc", "gcc", "clang"]
    compiler = next(name for name in names if shutil.which(name))
    return subprocess.run([compiler, "-E", "-P", "-I.", "-D_GNU_SOURCE", str(source)], cwd=ROOT, check=True,
                          capture_output=True, text=True).stdout


@functools.lru_cache(None)
def queries():
    """The texts of all queries, and where they are: string literals as the compiler sees them, macros and adjacent
    pieces put together."""
    found = {}
    for source in sorted(ROOT.glob("server/*/*.c")):
        if "db_query(" not in source.read_text():
            continue
        for match in STRINGS.finditer(preprocess(source)):
            literal = "".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', match[0]))
            literal = re.sub(r"\s+", " ", literal).strip()
            if QUERY.match(literal):
                found[literal] = source.name
    return found


@pytest.fixture(scope="module")
def database():
    db = sqlite3.connect(":memory:")
    for script in ("database.sql", "session.sql"):
        db.executescript((ROOT / "schema" / script).read_text())
    db.execute("CREATE TABLE backup_file (path TEXT, part INTEGER, bytes BLOB, PRIMARY KEY (path, part))")
    yield db
    db.close()


def plan(database, sql):
    names = dict.fromkeys(re.findall(r":(\w+)", sql))
    return [row[3] for row in database.execute("EXPLAIN QUERY PLAN " + sql, names)]


def reads_whole(sql, step):
    """A table or an index from end to end, all rows of one status, or all rows sorted. Nothing but its first entry is
    read of an index of what is queued, or of what runs, by a query that ends there. json_each is a virtual table: the
    JSON of one row."""
    if step.startswith(FIRST) and sql.endswith("LIMIT 1"):
        return False
    return (step.startswith("SCAN") and "CONSTANT ROW" not in step and "SCAN json_each " not in step) \
        or (step.startswith("SEARCH experiment") and step.endswith("(status=?)")) or "TEMP B-TREE" in step


def accepted(sql):
    return [key for key in ACCEPTED if sql.startswith(key)]


def test_the_queries_are_found():
    """The list is whole: each place that asks has its text in it."""
    found = queries()
    assert len(found) >= 40, sorted(found)
    for source in sorted(ROOT.glob("server/*/*.c")):
        asked = len(re.findall(r'db_query\(db, (?!sql)', source.read_text()))
        literal = sum(name == source.name for name in found.values())
        pragmas = len(re.findall(r'db_query\(db, "PRAGMA', source.read_text()))
        if source.name != "db.c":
            assert literal >= asked - pragmas - source.read_text().count("UPDATE experiment SET heartbeat_at"), source
    for piece in ("FROM idempotency WHERE owner = :owner AND key = :key", "project = :project AND id < :before", "max(seq)",
                  "FROM artifact WHERE experiment_id = :id AND name = :name"):
        assert any(piece in text for text in found), piece


@pytest.mark.parametrize("sql", sorted(queries()))
def test_no_table_is_read_whole(database, sql):
    steps = plan(database, sql)
    if not accepted(sql):
        assert not [step for step in steps if reads_whole(sql, step)], steps


@pytest.mark.parametrize("key", sorted(ACCEPTED))
def test_each_exception_is_needed(database, key):
    mine = [sql for sql in queries() if sql.startswith(key)]
    assert mine and all(any(reads_whole(sql, step) for step in plan(database, sql)) for sql in mine)


@pytest.mark.parametrize("filters, search", [
    ("", "sqlite_autoindex_experiment_1 (id<?)"),
    ("project = :project AND ", "experiment_project (project=? AND id<?)"),
    ("status = :status AND ", "experiment_status (status=? AND id<?)"),
    (OWNED, "experiment_owner (owner=? AND id<?)"),
    (OWNED + "project = :project AND ", "experiment_owner_project (owner=? AND project=? AND id<?)"),
    (OWNED + "status = :status AND ", "experiment_owner_status (owner=? AND status=? AND id<?)"),
])
def test_each_list_has_its_index(database, filters, search):
    (sql,) = [text for text in queries() if f"FROM experiment WHERE {filters}id < :before" in text]
    steps = plan(database, sql)
    assert "SEARCH experiment USING INDEX " + search in steps, steps
    assert not any("TEMP B-TREE" in step for step in steps), steps


def test_triggers_read_no_table_whole(database):
    """EXPLAIN says nothing of what a statement sets off."""
    triggers = [row[0] for row in database.execute(
        "SELECT sql FROM sqlite_schema WHERE type = 'trigger' UNION ALL SELECT sql FROM sqlite_temp_schema WHERE type = 'trigger'")]
    assert len(triggers) >= 3
    for text in triggers:
        body = re.search(r"\bBEGIN\b(.*)\bEND\b", text, re.S)[1]
        statements = [part.strip() for part in body.split(";") if part.strip()]
        assert statements
        for statement in statements:
            steps = plan(database, re.sub(r"\b(?:NEW|OLD)\.", ":", statement))
            assert not [step for step in steps if reads_whole(statement, step)], (statement, steps)


def test_foreign_keys_are_found_by_an_index(database):
    """Deleting a row looks for those that name it, in every table that may."""
    tables = [row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    keys = [(table, row[3]) for table in tables for row in database.execute(f"PRAGMA foreign_key_list({table})")]
    assert len(keys) >= 6
    for table, column in keys:
        steps = plan(database, f"SELECT 1 FROM {table} WHERE {column} = :parent")
        assert all(step.startswith(f"SEARCH {table} USING") for step in steps), (table, column, steps)
