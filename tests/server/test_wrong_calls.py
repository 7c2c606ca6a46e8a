"""Wrong calls of any verb: an exit code, and one line that says what was expected."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import typer
import wild
from served import LEARNERS, PAIR, environment, url_of

from server import cli
from storage.embedded import Dsn

LEARNER = "mixin_compatibility"
FACTS = '{"mixins": ["A", "B"], "node_type": "EFFECT"}'
SECRET = wild.SECRETS[0]
HALF = "\udcff"  # what a byte that is not UTF-8 becomes in an argument
UNKNOWN = f"learner: expected one of {LEARNERS}; got 'tea'"
EXTRA = "Got unexpected extra argument(s) (x)"
INTEGER = "expected a valid integer"
MOMENT = "expected a date or a time such as 2026-01-31 or 2026-01-31T12:00+01:00"
DEEP = "maximum recursion depth exceeded while decoding a JSON array from a unicode string"
TASKS = (
    "expected 'backend', 'frontend', 'database', 'testing', 'documentation', 'devops', "
    "'refactoring', 'implementation' or 'other'"
)
NONE = (
    "no template is known yet; `foresight templates add` describes one, `foresight templates "
    "import` many"
)
MIXED = (
    "mixin_b: is not a field; node_type: is not a field; success_count: is not a field; and 1 "
    "more. Nothing was imported."
)
LINES = (
    "expected JSON lines, one object per line ({}); `foresight backtest --schema` describes them"
)
FIELDS = "Accepted: asked, query, known, outcome, group, propensity, option."
FILES: dict[str, bytes] = {
    "generations.csv": b"event_id,language,generation_time_seconds\ng1,go,3\ng2,go,-1\n",
    "binary": b"\xff\xfe",
    "empty": b"",
    "half.json": b'{"mixins":',
    "deep.json": b"[" * 100_000,
    "short.jsonl": b'{"asked": 1}\n',
    "deep.jsonl": b'{"asked": ' + b"[" * 100_000 + b"}\n",
    "option.jsonl": b'{"asked": 1, "query": {}, "known": 2, "outcome": "success", "option": []}\n',
    "late.jsonl": b'{"asked": "9999-12-31T23:59:59-14:00", "query": {}, "known": 2, "outcome": {}}',
    "kind.csv": b"mixin_a,mixin_b,node_type,success_count,failure_count\nA,B,TEA,1,0\n",
    "endless.csv": b"mixin_a,mixin_b,node_type,success_count,failure_count\nA,B,EFFECT,inf,0\n",
    "twice.jsonl": b'{"name": "A"}\n{"name": "A"}\n',
    "perhaps.csv": b"name,retired\nA,perhaps\n",
    "nul.csv": b"mixin_a,mixin_b,node_type,compatible,conflict_reason\nA,B,EFFECT,0,a\0b\n",
}

PREDICTED: list[tuple[tuple[str, ...], int, str]] = [
    (("--task-type", "tea"), 2, f"--task-type: {TASKS}"),
    (("--files", "x"), 2, f"--files: {INTEGER}"),
    (("--temperature", "nan"), 2, "--temperature: expected less than or equal to 5"),
    (("--similarity", "2"), 2, "--similarity: expected less than or equal to 1"),
    (("--rag-examples", "-2"), 2, "--rag-examples: expected greater than or equal to -1"),
    ((HALF,), 2, "task_description: expected a valid string"),
    (("@nowhere",), 1, "nowhere: No such file or directory"),
    (("@folder",), 1, "folder: Is a directory"),
    (("@binary",), 2, "task_description: expected text in UTF-8 in binary"),
    (("--project", "p" * 201), 2, "--project: expected at most 200 characters"),
]

WRONG: dict[str, list[tuple[tuple[str, ...], int, str]]] = {
    "": [
        (("--tea",), 2, "No such option: --tea"),
        (("tea",), 2, "No such command 'tea'."),
        ((SECRET,), 2, "No such command '[redacted]'."),
    ],
    "serve": [
        (("x",), 2, EXTRA),
        (("--port", "x"), 2, f"--port: {INTEGER}"),
        (("--port", "65536"), 2, "--port: expected less than or equal to 65535"),
        (
            ("--toolsets", "tea"),
            2,
            "FORESIGHT_TOOLSETS: expected some of advise, feedback, admin; got 'tea'",
        ),
        (
            ("--toolsets", SECRET),
            2,
            "FORESIGHT_TOOLSETS: expected some of advise, feedback, admin; got '[redacted]'",
        ),
        (
            ("--http", "--host", "0.0.0.0"),
            2,
            "FORESIGHT_HTTP_HOST: expected a token, because not everybody who reaches this server "
            "may use it; make one with `foresight token add NAME --scopes advise,feedback`",
        ),
    ],
    "worker": [(("x",), 2, EXTRA)],
    "connect-info": [(("x",), 2, EXTRA)],
    "check-mixin-compatibility": [
        (
            (),
            2,
            "Missing argument 'mixins'. Example: foresight check-mixin-compatibility MixinCaching "
            "MixinRetry --node-type EFFECT",
        ),
        (
            ("A", "B"),
            2,
            "Missing option '--node-type'. Example: foresight check-mixin-compatibility "
            "MixinCaching MixinRetry --node-type EFFECT",
        ),
        (("A", "--node-type", "EFFECT"), 2, "mixins: expected at least 2 items, got 1"),
        (
            ("A", "B", "--node-type", "TEA"),
            2,
            "--node-type: expected 'EFFECT', 'COMPUTE', 'REDUCER' or 'ORCHESTRATOR'",
        ),
        (
            ("A", "B + C", "--node-type", "EFFECT"),
            2,
            "mixins 1: expected a printable name without ' + '",
        ),
        (
            ("A", f"B{HALF}", "--node-type", "EFFECT"),
            2,
            "mixins 1: expected a valid string",
        ),
        (
            ("A", "B", "--node-type", "EFFECT", "--project", "p" * 201),
            2,
            "--project: expected at most 200 characters",
        ),
    ],
    "recommend-mixins": [
        (
            (),
            2,
            "Missing option '--node-type'. Example: foresight recommend-mixins --node-type EFFECT "
            "--need cache",
        ),
        (
            ("cache", "--node-type", "EFFECT"),
            2,
            "Got unexpected extra argument(s) (cache). Example: foresight recommend-mixins "
            "--node-type EFFECT --need cache",
        ),
        (("--node-type", "EFFECT", "-k", "11"), 2, "-k: expected less than or equal to 10"),
        (("--node-type", "EFFECT", "-k", "x"), 2, f"-k: {INTEGER}"),
        (
            ("--node-type", "EFFECT", "--required-capabilities", ""),
            2,
            "--need 0: expected at least 1 character",
        ),
        (
            ("--node-type", "EFFECT", "--existing", " "),
            2,
            "--existing 0: expected a name, got an empty text",
        ),
    ],
    "rank-templates": [
        (
            (),
            2,
            "Missing argument 'task_description'. Example: foresight rank-templates 'list the "
            "orders of a customer' --task-type backend --language python",
        ),
        (("",), 2, "task_description: expected at least 1 character"),
        (("a form", "--task-type", "tea"), 2, f"--task-type: {TASKS}"),
        (("a form", "-k", "21"), 2, "-k: expected less than or equal to 20"),
        (("a form", "--tag", "t" * 61), 2, "--tag 0: expected at most 60 characters"),
        (("a form",), 2, f"--candidate: {NONE}"),
        (("a form", "--candidate", "A"), 2, f"--candidate: {NONE}"),
        (
            ("a form", "--candidate", "A\nB"),
            2,
            "--candidate 0: expected a printable name without ' + '",
        ),
    ],
    "rank": [(("a form", "--task-type", "tea"), 2, f"--task-type: {TASKS}")],
    "templates": [(("tea",), 2, "No such command 'tea'.")],
    "templates list": [(("x",), 2, EXTRA)],
    "templates add": [
        (
            (),
            2,
            "Missing argument 'name'. Example: foresight templates add 'REST endpoint' --text "
            "'A handler with paging' --language python",
        ),
        ((" ",), 2, "name: expected at least 1 character"),
        (("A", "--task-type", "tea"), 2, f"--task-type: {TASKS}"),
        (("A", "--complexity", "11"), 2, "--complexity: expected less than or equal to 10"),
        (("A", "--complexity", "x"), 2, "--complexity: expected a valid number"),
        (("A", "--text", "@nowhere"), 1, "nowhere: No such file or directory"),
        (("A", "--text", "@binary"), 2, "binary: expected text in UTF-8"),
        (("A", "--text", HALF), 2, "--text: expected a valid string"),
    ],
    "templates import": [
        (
            (),
            2,
            "Missing argument 'FILE|URL|-'. Example: foresight templates import templates.jsonl",
        ),
        (("nowhere",), 1, "nowhere: No such file or directory"),
        (("empty",), 2, "expected rows with the column name, ...; got none"),
        (("half.json",), 2, "line 1: expected JSON: Expecting value: line 1 column 11 (char 10)"),
        (("kind.csv",), 2, f"line 2: name: is missing; mixin_a: is not a field; {MIXED}"),
        (
            ("twice.jsonl",),
            2,
            "line 2: name: 'A' stands in the file before. Nothing was imported.",
        ),
        (
            ("perhaps.csv",),
            2,
            "line 2: retired: expected one of 1, true, yes, 0, false, no; got 'perhaps'. Nothing "
            "was imported.",
        ),
    ],
    "templates propose": [(("x",), 2, EXTRA)],
    "templates retire": [
        (("Tea",), 2, "name: no template 'Tea' is described; `foresight templates list`"),
    ],
    "templates remove": [
        (("Tea",), 2, "name: no template 'Tea' is described; `foresight templates list`"),
    ],
    "tell": [
        (
            (),
            2,
            "Missing argument 'outcome'. Example: foresight tell success --decision-id ID",
        ),
        (("pending", "--code-file", "nowhere"), 1, "nowhere: No such file or directory"),
        (("pending", "--code-file", "binary"), 2, "--code-file: expected text in UTF-8"),
        (
            ("pending", "--facts", '{"task_type": "other", "seconds": -1}'),
            2,
            "--facts seconds: expected greater than or equal to 0. "
            "Accepted: seconds, tokens, cost_usd, metadata.",
        ),
    ],
    "predict-generation-success": PREDICTED,
    "predict": PREDICTED,
    "route": [
        (
            ("a", "b"),
            2,
            'Got unexpected extra argument(s) (b). Example: foresight route "Add a login '
            'endpoint" --task-type backend',
        ),
        (("--by", "tea"), 2, "--by: expected 'agent' or 'model'"),
        (("--margin", "x"), 2, "--margin: expected a valid number"),
        (("--margin", "1.5"), 2, "--margin: expected less than or equal to 1"),
        (("--margin", "nan"), 2, "--margin: expected less than or equal to 1"),
        (("--task-type", "tea"), 2, f"--task-type: {TASKS}"),
        (("@nowhere",), 1, "nowhere: No such file or directory"),
    ],
    "patterns": [(("x",), 2, EXTRA)],
    "kpis": [
        (("x",), 2, EXTRA),
        (("--weeks", "0"), 2, "--weeks: expected greater than or equal to 1"),
        (("--weeks", "521"), 2, "--weeks: expected less than or equal to 520"),
        (("--weeks", "x"), 2, f"--weeks: {INTEGER}"),
        (("--project", HALF), 2, "--project: expected a valid string"),
    ],
    "pending": [
        (("x",), 2, EXTRA),
        (("--limit", "0"), 2, "--limit: expected greater than or equal to 1"),
        (("--limit", "x"), 2, f"--limit: {INTEGER}"),
    ],
    "record-feedback": [
        (
            (),
            2,
            "Missing argument 'outcome'. Example: foresight record-feedback success --decision-id "
            "ID",
        ),
        (("great",), 2, "outcome: expected 'success', 'neutral', 'failure' or 'pending'"),
        (
            ("success",),
            2,
            "--decision-id: expected the id of an answer, or learner and facts instead; "
            "got neither",
        ),
        (
            ("failure", "--decision-id", "7"),
            2,
            "--decision-id: expected the id of an answer (a UUID), got '7'; leave it out and give "
            "facts when there is none",
        ),
        (
            ("failure", "--decision-id", SECRET),
            2,
            "--decision-id: expected the id of an answer (a UUID), got '[redacted]'; leave it out "
            "and give facts when there is none",
        ),
        (
            ("success", "--source", "rumour"),
            2,
            "--source: expected 'agent', 'human', 'test', 'ci', 'git', 'hook' or 'import'",
        ),
        (
            ("success", "--followed", "perhaps"),
            2,
            "--followed: expected 'unknown', 'yes' or 'no'",
        ),
        (
            ("failure", "--facts", "{"),
            2,
            "--facts: expected JSON: Expecting property name enclosed in double quotes: line 1 "
            "column 2 (char 1)",
        ),
        (("failure", "--facts", "[]"), 2, "--facts: expected a JSON object"),
        (("failure", "--facts", "@nowhere"), 1, "nowhere: No such file or directory"),
        (("failure", "--facts", "@binary"), 2, "--facts: expected text in UTF-8"),
        (
            ("failure", "--facts", "@half.json"),
            2,
            "--facts: expected JSON: Expecting value: line 1 column 11 (char 10)",
        ),
        (("failure", "--facts", "@deep.json"), 2, f"--facts: expected JSON: {DEEP}"),
        (
            ("failure", "--facts", '{"success": NaN}'),
            2,
            "--facts: expected numbers between -2^53 and 2^53, which JSON keeps exactly",
        ),
        (
            ("failure", "--learner", "tea", "--facts", FACTS),
            2,
            f"--learner: expected one of {LEARNERS}; got 'tea'",
        ),
        (
            ("failure", "--learner", LEARNER, "--facts", FACTS, "--corrects", "nothing"),
            2,
            f"--corrects: expected the key of a stored outcome of {LEARNER}, got 'nothing'",
        ),
        (
            ("failure", "--facts", FACTS, "--notes", HALF),
            2,
            "--notes: expected a valid string",
        ),
    ],
    "learning-status": [(("tea",), 2, UNKNOWN)],
    "status": [(("tea",), 2, UNKNOWN), (("tea", "x"), 2, EXTRA)],
    "train": [(("tea",), 2, UNKNOWN), (("tea", "--wait"), 2, UNKNOWN)],
    "promote": [
        (
            (),
            2,
            f"Missing argument 'learner'. Expected one of {LEARNERS}. "
            f"Example: foresight promote {LEARNER} 2",
        ),
        ((LEARNER,), 2, f"Missing argument 'version'. Example: foresight promote {LEARNER} 2"),
        (("tea", "1"), 2, UNKNOWN),
        ((LEARNER, "x"), 2, f"version: {INTEGER}"),
        ((LEARNER, "0"), 2, "version: expected greater than or equal to 1"),
        ((LEARNER, "9" * 30), 2, "version: expected less than or equal to 1000000"),
        (
            (LEARNER, "7"),
            2,
            f"version: nothing of {LEARNER} was trained yet; ask for a run first",
        ),
    ],
    "rollback": [
        (("tea",), 2, UNKNOWN),
        ((), 2, f"learner: expected one of {LEARNERS}; got ''"),
        ((LEARNER,), 2, f"version: nothing of {LEARNER} was ever promoted"),
    ],
    "versions": [(("tea",), 2, UNKNOWN)],
    "runs": [
        (("--learner", "tea"), 2, f"--learner: expected one of {LEARNERS}; got 'tea'"),
        (("--limit", "0"), 2, "--limit: expected greater than or equal to 1"),
        (("--compare", "1"), 2, "Option '--compare' requires 2 arguments."),
        (
            ("--compare", "1", "2"),
            2,
            "run: there is no run 1; `foresight runs` lists them",
        ),
        (
            ("--compare", "9" * 30, "2"),
            2,
            "run: there is no run 1e+30; `foresight runs` lists them",
        ),
    ],
    "backtest": [
        (
            (),
            2,
            f"Missing argument 'learner'. Expected one of {LEARNERS}. "
            f"Example: foresight backtest {LEARNER} lines.jsonl",
        ),
        (("tea",), 2, UNKNOWN),
        ((LEARNER,), 2, "file: expected a file of replay lines; --schema describes them"),
        ((LEARNER, "nowhere"), 1, "nowhere: No such file or directory"),
        ((LEARNER, "folder"), 1, "folder: Is a directory"),
        ((LEARNER, "binary"), 2, "binary: expected text in UTF-8"),
        ((LEARNER, "empty"), 2, "empty: expected at least one line, got none"),
        ((LEARNER, "short.jsonl"), 2, f"short.jsonl line 1: query: is missing. {FIELDS}"),
        ((LEARNER, "deep.jsonl"), 2, f"deep.jsonl line 1: {LINES.format(DEEP)}"),
        (
            (LEARNER, "option.jsonl"),
            2,
            "option.jsonl line 1: option: expected a name, or null; got []",
        ),
        (
            (LEARNER, "late.jsonl"),
            2,
            "late.jsonl line 1: asked: expected seconds since 1970 or a time like "
            "2026-01-31T12:00:00Z, got '9999-12-31T23:59:59-14:00'",
        ),
        (
            (LEARNER, "empty", "--growth", "nan"),
            2,
            "--growth: expected greater than or equal to 0.01",
        ),
        (
            (LEARNER, "empty", "--growth", "0"),
            2,
            "--growth: expected greater than or equal to 0.01",
        ),
        ((LEARNER, "empty", "--seed", "-1"), 2, "--seed: expected greater than or equal to 0"),
        ((LEARNER, "empty", "--every", "0"), 2, "--every: expected greater than or equal to 1"),
    ],
    "card": [
        (
            (),
            2,
            f"Missing argument 'learner'. Expected one of {LEARNERS}. "
            f"Example: foresight card {LEARNER}",
        ),
        (("tea",), 2, UNKNOWN),
        ((LEARNER, "--version", "0"), 2, "--version: expected greater than or equal to 1"),
        ((LEARNER, "--version", "x"), 2, f"--version: {INTEGER}"),
        ((LEARNER, "--version", "7"), 2, "version: expected one of none yet; got 7"),
    ],
    "evaluate": [
        (
            (),
            2,
            f"Missing argument 'learner'. Expected one of {LEARNERS}. "
            f"Example: foresight evaluate {LEARNER} lines.jsonl",
        ),
        (("tea", "empty"), 2, UNKNOWN),
        ((LEARNER, "nowhere"), 1, "nowhere: No such file or directory"),
        ((LEARNER, "short.jsonl"), 2, f"short.jsonl line 1: query: is missing. {FIELDS}"),
    ],
    "import": [(("tea",), 2, "No such command 'tea'.")],
    "import mixins": [
        ((), 2, "Missing argument 'FILE|URL|-'. Example: foresight import mixins history.csv"),
        (("nowhere",), 1, "nowhere: No such file or directory"),
        (("folder",), 1, "folder: Is a directory"),
        (("binary",), 2, "binary: expected text in UTF-8"),
        (
            ("empty",),
            2,
            "expected rows with the columns mixin_a, mixin_b, node_type, ...; got none",
        ),
        (("deep.json",), 2, f"expected JSON: {DEEP}"),
        (
            ("kind.csv",),
            2,
            "line 2: row.node_type: expected one of EFFECT, COMPUTE, REDUCER, ORCHESTRATOR. "
            "Accepted: mixins, node_type, project. Nothing was imported.",
        ),
        (
            ("endless.csv",),
            2,
            "line 2: success_count: expected a whole number from 0, got 'inf'. "
            "Nothing was imported.",
        ),
        (
            ("nul.csv",),
            2,
            "line 2: row.conflict_reason: expected text without NUL and half characters. "
            "Accepted: success, failure, neutral, label, conflict_reason, resolution_pattern. "
            "Nothing was imported.",
        ),
        (
            ("http://127.0.0.1:1/x?token=Zq3vT7pLkW9x",),
            2,
            "http://127.0.0.1:1/x?token=[redacted]: cannot be read: [Errno 111] Connection refused",
        ),
        (("http://[x",), 2, "http://[x: cannot be read: ValueError"),
    ],
    "import generations": [
        ((), 2, "Missing argument 'FILE|URL|-'. Example: foresight import generations history.csv"),
        (("nowhere",), 1, "nowhere: No such file or directory"),
        (("binary",), 2, "binary: expected text in UTF-8"),
        (
            ("empty",),
            2,
            "expected rows with columns such as event_id, task_description, language, "
            "user_action, generation_time_seconds; got none that says how a generation went",
        ),
        (("deep.json",), 2, f"expected JSON: {DEEP}"),
        (
            ("generations.csv",),
            2,
            "line 3: generation_time_seconds: expected greater than or equal to 0. "
            "Accepted: seconds, tokens, cost_usd, metadata. Nothing was imported.",
        ),
    ],
    "export": [
        (
            (),
            2,
            "Missing argument 'what'. Choose from: outcomes, decisions, matrix, generations, "
            "features. Example: foresight export outcomes",
        ),
        (
            ("tea",),
            2,
            "what: 'tea' is not one of 'outcomes', 'decisions', 'matrix', 'generations', "
            "'features'.",
        ),
    ],
    "mixins": [(("tea",), 2, "No such command 'tea'.")],
    "mixins list": [(("x",), 2, EXTRA)],
    "mixins add": [
        (
            (),
            2,
            "Missing argument 'name'. Example: foresight mixins add MixinTea --category business "
            "--tag cache",
        ),
        (("",), 2, "name: expected at least 1 character"),
        (("A + B",), 2, "name: expected a printable name without ' + '"),
        (
            ("MixinTea", "--category", "tea"),
            2,
            "--category: expected one of infrastructure, resilience, business, data_access; "
            "got 'tea'",
        ),
        (("MixinTea", "--tag", HALF), 2, "tags.0: expected a valid string"),
        (("MixinTea", "--tag", "t" * 121), 2, "tags.0: expected at most 120 characters"),
        (
            ("MixinCaching", "--tag", "tea"),
            2,
            "name: MixinCaching is shipped; use --replace to describe it anew",
        ),
    ],
    "mixins remove": [
        ((), 2, "Missing argument 'name'. Example: foresight mixins remove MixinTea"),
        (("tea",), 2, "name: no mixin 'tea' was added; `foresight mixins list`"),
        ((HALF,), 2, "name: expected a valid string"),
    ],
    "doctor": [(("x",), 2, EXTRA)],
    "db": [(("tea",), 2, "No such command 'tea'.")],
    "db where": [(("x",), 2, EXTRA)],
    "db dump": [
        ((), 2, "Missing argument 'file'. Example: foresight db dump foresight.dump"),
        (("empty",), 2, "file: empty exists; name another one, or use --force"),
        (
            ("/nowhere/at/all.dump",),
            2,
            "file: there is no folder /nowhere/at; make it first",
        ),
    ],
    "db restore": [
        ((), 2, "Missing argument 'file'. Example: foresight db restore foresight.dump"),
        (("nowhere",), 2, "file: expected a dump, nowhere is none"),
        (("empty",), 2, "expected --yes, because there is no terminal to ask at"),
    ],
    "uninstall": [(("--data", "x"), 2, EXTRA)],
    "forget": [
        (("x",), 2, EXTRA),
        (
            (),
            2,
            "expected at least one of --project, --user, --from, --to: without any, everything "
            "would be forgotten; that is `foresight uninstall --data`",
        ),
        (("--from", "tea"), 2, f"--from: {MOMENT}; got 'tea'"),
        (
            ("--from", "2026-01-02", "--to", "2026-01-01"),
            2,
            "--to: expected a time after --from, 2026-01-02T00:00:00+00:00; got '2026-01-01'",
        ),
        (("--learner", "tea", "--project", "here", "--yes"), 2, f"--{UNKNOWN}"),
    ],
    "audit": [
        (("x",), 2, EXTRA),
        (("--since", "tea"), 2, f"--since: {MOMENT}; got 'tea'"),
        (("--limit", "0"), 2, "--limit: expected greater than or equal to 1"),
        (("--learner", "tea"), 2, f"--{UNKNOWN}"),
    ],
    "reproduce": [
        (
            (),
            2,
            f"Missing argument 'learner'. Expected one of {LEARNERS}. Example: foresight reproduce "
            f"{LEARNER} 2",
        ),
        (
            (LEARNER,),
            2,
            f"Missing argument 'version'. Example: foresight reproduce {LEARNER} 2",
        ),
        (("tea", "1"), 2, UNKNOWN),
        ((LEARNER, "0"), 2, "version: expected greater than or equal to 1"),
        (
            (LEARNER, "3"),
            2,
            f"version: nothing of {LEARNER} was trained yet; ask for a run first",
        ),
    ],
    "token": [(("tea",), 2, "No such command 'tea'.")],
    "token add": [
        ((), 2, "Missing argument 'name'."),
        (
            ("a b",),
            2,
            "name: expected 1 to 60 letters, digits or . _ @ -, a letter or digit first; got 'a b'",
        ),
        (
            ("a", "--scopes", "tea"),
            2,
            "scopes: expected some of advise, feedback, admin; got 'tea'",
        ),
        (("a", "--days", "x"), 2, "--days: expected a valid number"),
        (("a", "--days", "-1"), 2, "--days: expected more than 0 and at most 36500; got -1"),
    ],
    "token list": [(("x",), 2, EXTRA)],
    "token remove": [
        ((), 2, "Missing argument 'name'."),
        (("a",), 2, "name: expected one of none yet; got 'a'"),
    ],
    "db upgrade": [(("x",), 2, EXTRA)],
}

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    fresh_database: Dsn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Run]:
    """Run the program's entry in this process: (exit code, stdout, stderr)."""
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in [each for each in os.environ if each.startswith("FORESIGHT_")]:
        monkeypatch.delenv(name)
    for name, value in environment(url_of(fresh_database), tmp_path / "data").items():
        monkeypatch.setenv(name, value)
    root = logging.getLogger()
    before = (root.handlers[:], root.level)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["foresight", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        printed = capsys.readouterr()
        return int(left.value.code or 0), printed.out, printed.err

    yield call
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    for handler in before[0]:
        root.addHandler(handler)
    root.setLevel(before[1])
    structlog.reset_defaults()


def verbs(command: Any, path: str = "") -> Iterator[str]:
    """Yield every verb of the program, and every group."""
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from verbs(inner, f"{path} {name}".strip())


def test_every_verb_has_its_table() -> None:
    assert sorted(WRONG) == sorted(verbs(typer.main.get_command(cli.app)))
    assert all(WRONG.values())


@pytest.mark.parametrize("verb", WRONG)
def test_a_wrong_call_is_one_line_on_stderr(run: Run, verb: str) -> None:
    for arguments, code, expected in WRONG[verb]:
        found = run(*verb.split(), *arguments)
        assert found == (code, "", f"foresight: {expected}\n"), arguments


def test_after_wrong_calls_a_right_one_answers(run: Run) -> None:
    run("check-mixin-compatibility", "A")
    code, said, _ = run("check-mixin-compatibility", *PAIR["mixins"], "--node-type", "EFFECT")
    assert code == 0
    assert said.startswith("compatible")
