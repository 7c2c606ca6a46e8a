"""Wrong input to any tool: one line that names the field, what was expected, and what to do."""

import math
from typing import Any

import pytest
import wild
from mcp import Client
from served import LEARNERS, PAIR, text

from tools.surface import TOOLS

pytestmark = pytest.mark.anyio

PAIRS = "mixin_compatibility"
RANKING = "template_ranking"
CHECK = " Accepted: mixins, node_type, project."
TELL = (
    " Accepted: outcome, decision_id, learner, facts, followed, notes, key, corrects, source, "
    "project."
)
RECOMMEND = " Accepted: node_type, required_capabilities, existing_mixins, k, project."
RANK = " Accepted: task_description, task_type, language, framework, tags, candidates, k, project."
KINDS = (
    "expected 'backend', 'frontend', 'database', 'testing', 'documentation', 'devops', "
    "'refactoring', 'implementation' or 'other'"
)
NODES = "expected 'EFFECT', 'COMPUTE', 'REDUCER' or 'ORCHESTRATOR'"
TOOL_NAMES = [tool.function.__name__ for tool in TOOLS]
NUMBERS = "facts: expected numbers between -2^53 and 2^53, which JSON keeps exactly."
SECRET = wild.SECRETS[0]
UUID = "7d8e9f00-0000-4000-8000-000000000000"
UNKNOWN = f"learner: expected one of {LEARNERS}; got 'tea'"
FORM = {"task_type": "frontend", "language": "go"}
PREDICT = (
    " Accepted: task_description, task_type, language, framework, agent, model, template, "
    "task_key, temperature, max_tokens, rag_examples, rag_quality, files, complexity_estimate, "
    "similar_to, similarity, project."
)

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("check_mixin_compatibility", {}, f"mixins: is missing; node_type: is missing.{CHECK}"),
    (
        "check_mixin_compatibility",
        {"mixins": ["A"], "node_type": "EFFECT"},
        f"mixins: expected at least 2 items, got 1.{CHECK}",
    ),
    (
        "check_mixin_compatibility",
        {"mixins": ["A"] * 17, "node_type": "EFFECT"},
        f"mixins: expected at most 16 items, got 17.{CHECK}",
    ),
    (
        "check_mixin_compatibility",
        {"mixins": "A", "node_type": "EFFECT"},
        f"mixins: expected a valid list.{CHECK}",
    ),
    (
        "check_mixin_compatibility",
        {"mixins": ["A\0", "B"], "node_type": "EFFECT"},
        f"mixins.0: expected text without NUL characters.{CHECK}",
    ),
    (
        "check_mixin_compatibility",
        {"mixins": ["A + B", "B"], "node_type": "EFFECT"},
        f"mixins.0: expected a printable name without ' + '.{CHECK}",
    ),
    (
        "check_mixin_compatibility",
        {"mixins": ["  ", "B"], "node_type": "EFFECT"},
        f"mixins.0: expected a name, got an empty text.{CHECK}",
    ),
    ("check_mixin_compatibility", {**PAIR, "node_type": "TEA"}, f"node_type: {NODES}.{CHECK}"),
    ("check_mixin_compatibility", {**PAIR, "nodetype": 1}, f"nodetype: is not an argument.{CHECK}"),
    (
        "check_mixin_compatibility",
        {**PAIR, "project": "p" * 201},
        f"project: expected at most 200 characters.{CHECK}",
    ),
    (
        "check_mixin_compatibility",
        {"mixins": ["A", "\ud800"], "node_type": "EFFECT"},
        f"mixins.1: expected a valid string.{CHECK}",
    ),
    (
        "check_mixin_compatibility",
        {"mixins": ["A", "B" * 20_001], "node_type": "EFFECT"},
        f"mixins.1: expected at most 120 characters.{CHECK}",
    ),
    (
        "check_mixin_compatibility",
        {"mixins": [["A"], {"b": 1}, None, 10**400, math.nan, True, 1e308], "node_type": "EFFECT"},
        "mixins.0: expected a valid string; mixins.1: expected a valid string; "
        "mixins.2: expected a valid string; mixins.3: expected a valid string; "
        f"mixins.4: expected a valid string; and 2 more.{CHECK}",
    ),
    ("check_mixin_compatibility", {**PAIR, "node_type": None}, f"node_type: {NODES}.{CHECK}"),
    (
        "check_mixin_compatibility",
        {**PAIR, "a\nb": 1, "x" * 3000: 1, SECRET: 1},
        f"a\\nb: is not an argument; {'x' * 60}...: is not an argument; "
        f"[redacted]: is not an argument.{CHECK}",
    ),
    ("recommend_mixins", {}, f"node_type: is missing.{RECOMMEND}"),
    (
        "recommend_mixins",
        {"node_type": "EFFECT", "k": 10**400},
        f"k: expected less than or equal to 10.{RECOMMEND}",
    ),
    (
        "recommend_mixins",
        {"node_type": "EFFECT", "k": "many"},
        f"k: expected a valid integer.{RECOMMEND}",
    ),
    (
        "recommend_mixins",
        {"node_type": "EFFECT", "existing_mixins": ["A"] * 13},
        f"existing_mixins: expected at most 12 items, got 13.{RECOMMEND}",
    ),
    (
        "recommend_mixins",
        {"node_type": "EFFECT", "k": 11},
        f"k: expected less than or equal to 10.{RECOMMEND}",
    ),
    (
        "recommend_mixins",
        {"node_type": "EFFECT", "k": 0},
        f"k: expected greater than or equal to 1.{RECOMMEND}",
    ),
    (
        "recommend_mixins",
        {"node_type": "EFFECT", "required_capabilities": [""]},
        f"required_capabilities.0: expected at least 1 character.{RECOMMEND}",
    ),
    (
        "predict_generation_success",
        {"task_type": "tea"},
        "task_type: expected 'backend', 'frontend', 'database', 'testing', 'documentation', "
        f"'devops', 'refactoring', 'implementation' or 'other'.{PREDICT}",
    ),
    (
        "predict_generation_success",
        {"task_description": "x" * 20_001},
        f"task_description: expected at most 20000 characters.{PREDICT}",
    ),
    (
        "predict_generation_success",
        {"agent": "\0", "temperature": 5.1, "files": 1.5},
        "agent: expected text without NUL characters; temperature: expected less than or equal to "
        f"5; files: expected a valid integer, got a number with a fractional part.{PREDICT}",
    ),
    (
        "predict_generation_success",
        {"rag_quality": 11, "similarity": 2, "files": 10**400},
        "rag_quality: expected less than or equal to 10; files: expected less than or equal to "
        f"1000000; similarity: expected less than or equal to 1.{PREDICT}",
    ),
    (
        "predict_generation_success",
        {"complexity": 3, SECRET: 1},
        f"complexity: is not an argument; [redacted]: is not an argument.{PREDICT}",
    ),
    (
        "record_feedback",
        {"outcome": "great"},
        f"outcome: expected 'success', 'neutral', 'failure' or 'pending'.{TELL}",
    ),
    (
        "record_feedback",
        {"outcome": "success", "followed": "perhaps"},
        f"followed: expected 'unknown', 'yes' or 'no'.{TELL}",
    ),
    (
        "record_feedback",
        {"outcome": "success", "notes": "\0"},
        f"notes: expected text without NUL characters.{TELL}",
    ),
    (
        "record_feedback",
        {"outcome": "success", "facts": {"deep": {"er": ["\0"]}}},
        f"facts: expected text without NUL characters.{TELL}",
    ),
    (
        "record_feedback",
        {"outcome": "success", "facts": {"long": "x" * 20_001}},
        f"facts: expected at most 20000 characters of JSON.{TELL}",
    ),
    (
        "record_feedback",
        {"outcome": "success"},
        "decision_id: expected the id of an answer, or learner and facts instead; got neither",
    ),
    (
        "record_feedback",
        {"outcome": "success", "decision_id": "7"},
        "decision_id: expected the id of an answer (a UUID), got '7'; leave it out and give facts "
        "when there is none",
    ),
    ("record_feedback", {"outcome": "success", "learner": "tea", "facts": PAIR}, UNKNOWN),
    (
        "record_feedback",
        {"outcome": "success", "learner": RANKING, "facts": {"task_description": "a form"}},
        "facts.template: expected the name of the template that was really used; give it as "
        "template, and as shown the list it was chosen from",
    ),
    (
        "record_feedback",
        {"outcome": "success", "learner": RANKING, "facts": {"template": "A", "quality": 11}},
        "facts.quality: expected less than or equal to 10. "
        "Accepted: result, template, shown, quality, seconds.",
    ),
    ("record_feedback", {"outcome": "success", "learner": "tea", "facts": {}}, UNKNOWN),
    (
        "record_feedback",
        {"outcome": "success", "learner": PAIRS},
        "facts: expected what was really used (mixins, node_type, project), or the decision_id of "
        "an answer instead",
    ),
    (
        "record_feedback",
        {"outcome": "success", "learner": PAIRS, "facts": {"mixins": ["A", "B"], "colour": 1}},
        "facts.node_type: is missing; facts.colour: is not a field. "
        "Accepted: mixins, node_type, project.",
    ),
    (
        "record_feedback",
        {"outcome": "success", "learner": PAIRS, "facts": PAIR, "corrects": "no such key"},
        f"corrects: expected the key of a stored outcome of {PAIRS}, got 'no such key'",
    ),
    ("record_feedback", {"outcome": "success", "facts": {"a": 10**400}}, f"{NUMBERS}{TELL}"),
    ("record_feedback", {"outcome": "success", "facts": {"a": [1e308]}}, f"{NUMBERS}{TELL}"),
    (
        "record_feedback",
        {"outcome": "success", "facts": {"a": wild.nested(40)}},
        f"facts: expected at most 8 levels of nesting.{TELL}",
    ),
    (
        "record_feedback",
        {"outcome": "success", "facts": "[1]"},
        f"facts: expected an object.{TELL}",
    ),
    (
        "record_feedback",
        {"outcome": "success", "decision_id": "../../etc/passwd"},
        "decision_id: expected the id of an answer (a UUID), got '../../etc/passwd'; leave it out "
        "and give facts when there is none",
    ),
    (
        "record_feedback",
        {"outcome": "success", "decision_id": SECRET},
        "decision_id: expected the id of an answer (a UUID), got '[redacted]'; leave it out and "
        "give facts when there is none",
    ),
    (
        "record_feedback",
        {"outcome": "success", "decision_id": UUID, "learner": "'; drop table events; --"},
        f'learner: expected one of {LEARNERS}; got "\'; drop table events; --"',
    ),
    (
        "record_feedback",
        {"outcome": "success", "learner": PAIRS, "facts": {**PAIR, "success": 10**15}},
        "facts.success: expected less than or equal to 1000000. "
        "Accepted: success, failure, neutral, label, conflict_reason, resolution_pattern.",
    ),
    (
        "record_feedback",
        {"outcome": "success", "learner": PAIRS, "facts": {**PAIR, "node_type": SECRET}},
        "facts.node_type: expected one of EFFECT, COMPUTE, REDUCER, ORCHESTRATOR. "
        "Accepted: mixins, node_type, project.",
    ),
    (
        "record_feedback",
        {"outcome": "success", "learner": PAIRS, "facts": {**PAIR, f"k {SECRET}": 1, "tea\n": 2}},
        "facts.k [redacted]: is not a field; facts.tea\\n: is not a field. "
        "Accepted: mixins, node_type, project.",
    ),
    ("rank_templates", {}, f"task_description: is missing.{RANK}"),
    (
        "rank_templates",
        {"task_description": "", "k": 21},
        "task_description: expected at least 1 character; k: expected less than or equal to 20."
        f"{RANK}",
    ),
    (
        "rank_templates",
        {"task_description": "a form", "task_type": "tea"},
        f"task_type: {KINDS}.{RANK}",
    ),
    (
        "rank_templates",
        {"task_description": "a form", "candidates": ["A\nB"]},
        f"candidates.0: expected a printable name without ' + '.{RANK}",
    ),
    (
        "rank_templates",
        {"task_description": "a form"},
        "candidates: no template is known yet; `foresight templates add` describes one, "
        "`foresight templates import` many",
    ),
    (
        "record_feedback",
        {"outcome": "pending", "facts": PAIR},
        "outcome: pending is for what is judged later, such as a generation; mixin_compatibility "
        "learns from success, neutral or failure",
    ),
    (
        "record_feedback",
        {"outcome": "success", "facts": {"project": "p"}},
        f"learner: these facts could be about several; expected one of {LEARNERS}",
    ),
    (
        "record_feedback",
        {"outcome": "pending", "learner": "generation_time", "facts": FORM},
        "facts: outcome pending alone says nothing to generation_time; give some of seconds, "
        "tokens, cost_usd, metadata",
    ),
    (
        "record_feedback",
        {"outcome": "pending", "facts": {**FORM, "quality": 11}},
        "facts.quality: expected less than or equal to 10. "
        "Accepted: quality, self_review, self_review_feedback.",
    ),
    (
        "record_feedback",
        {"outcome": "success", "facts": {**FORM, "agent": "a", "action": "reject"}},
        "facts.action: contradicts outcome success; leave it out",
    ),
    (
        "record_feedback",
        {"outcome": "pending", "facts": {**FORM, "action": "approve"}},
        "facts.action: is told once it is judged, with outcome success, neutral or failure; "
        "pending says that nobody has judged it yet",
    ),
    (
        "record_feedback",
        {"outcome": "pending", "facts": {**FORM, "code": "x" * 200_001}},
        f"facts: expected at most 200000 characters of code.{TELL}",
    ),
    (
        "record_feedback",
        {"outcome": "pending", "facts": {**FORM, "code": 7}},
        "facts.code: expected a text of at most 200000 characters",
    ),
    (
        "record_feedback",
        {"outcome": "pending", "facts": {**FORM, "code": SECRET, "generated_code": SECRET}},
        "facts.generated_code: is another name of code; give one of the two",
    ),
    ("learning_status", {"learner": "tea"}, UNKNOWN),
    (
        "learning_status",
        {"learner": SECRET},
        f"learner: expected one of {LEARNERS}; got '[redacted]'",
    ),
    (
        "learning_status",
        {"learner": "x" * 61},
        "learner: expected at most 60 characters. Accepted: learner.",
    ),
    ("learning_status", {"lerner": "tea"}, "lerner: is not an argument. Accepted: learner."),
    ("train", {"learner": "tea"}, UNKNOWN),
    ("train", {"learner": 7}, "learner: expected a valid string. Accepted: learner."),
    (
        "promote",
        {"learner": PAIRS, "version": 7},
        "version: nothing of mixin_compatibility was trained yet; ask for a run first",
    ),
    (
        "promote",
        {"learner": PAIRS, "version": 0},
        "version: expected greater than or equal to 1. Accepted: version, learner.",
    ),
    (
        "promote",
        {"version": 10**400},
        "version: expected less than or equal to 1000000. Accepted: version, learner.",
    ),
    ("promote", {}, "version: is missing. Accepted: version, learner."),
    ("promote", {"learner": "tea", "version": 1}, UNKNOWN),
    ("roll_back", {"learner": "tea"}, UNKNOWN),
    (
        "roll_back",
        {"learner": "\0"},
        "learner: expected text without NUL characters. Accepted: learner.",
    ),
    (
        "roll_back",
        {"learner": PAIRS},
        f"version: nothing of {PAIRS} was ever promoted",
    ),
]


def test_every_tool_has_its_table() -> None:
    assert sorted({name for name, _, _ in WRONG}) == sorted(TOOL_NAMES)


@pytest.mark.parametrize("tool", TOOL_NAMES)
async def test_wrong_input_is_explained_in_one_line(asked: Client, tool: str) -> None:
    for name, arguments, expected in WRONG:
        if name == tool:
            result = await asked.call_tool(tool, arguments)
            assert result.is_error
            ours = "Accepted:" in expected and not expected.startswith("facts.")
            prefix = f"Wrong arguments for {tool}: " if ours else ""
            assert text(result) == prefix + expected


async def test_facts_that_do_not_fit_name_the_field_and_what_is_accepted(asked: Client) -> None:
    facts = {"mixins": ["A"], "colour": "red"}
    result = await asked.call_tool(
        "record_feedback", {"outcome": "success", "learner": PAIRS, "facts": facts}
    )
    assert result.is_error
    assert "facts.mixins" in text(result)
    assert "facts.node_type" in text(result)
    assert "facts.colour" in text(result)
    assert "\n" not in text(result)
    assert "Accepted: mixins, node_type, project." in text(result)


async def test_a_rejected_value_is_not_echoed(asked: Client) -> None:
    secret = "s3cret" * 50
    result = await asked.call_tool("check_mixin_compatibility", {**PAIR, "project": secret})
    assert result.is_error
    assert "s3cret" not in text(result)
    assert "http" not in text(result)


async def test_an_unknown_tool_is_named(asked: Client) -> None:
    result = await asked.call_tool("make_tea", {})
    assert result.is_error
    assert text(result) == f"Unknown tool 'make_tea'; expected one of {', '.join(TOOL_NAMES)}"


async def test_an_unknown_tool_with_a_long_or_secret_name_is_not_echoed(asked: Client) -> None:
    for name in (SECRET, "x" * 100_000):
        result = await asked.call_tool(name, {})
        assert result.is_error
        assert SECRET not in text(result)
        assert len(text(result)) < 300
