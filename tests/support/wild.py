"""What callers send: arguments by a tool's published schema, right, nearly right and wild."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

Strategy = st.SearchStrategy[Any]

SECRETS = (
    "sk-ant-api03-Zq3vT7pLkW9xYb2NcM5dRf8h",
    "ghp_Zq3vT7pLkW9xYb2NcM5dRf8hJs4gVu1oAe6i",
    "AKIAZQ3VT7PLKW9XYB2N",
    "postgresql://foresight:Zq3vT7pLkW9x@db.internal:5432/prod",
    "password=Zq3vT7pLkW9x",
)
TELLTALE = ("Zq3vT7pLkW9x", "ZQ3VT7PLKW9XYB2N")  # one of them is in every secret
NAMES = ("MixinCaching", "MixinRetry", "MixinTea", "Ä", "日本語", "mixin caching", "名" * 30)
HOSTILE = (
    "",
    " ",
    "\n",
    "a\r\nb",
    "\0",
    "\ud800",
    "ok\udfff",
    "\u202e\u2028\ufeff",
    "🤖" * 40,
    "../../../../etc/passwd",
    "..\\..\\windows\\system32",
    "file:///etc/passwd",
    "'; drop table events; --",
    '" or 1=1 --',
    "$1",
    "%s%n{0}{{}}",
    "<script>alert(1)</script>",
    "NaN",
    "null",
    "[1, 2]",
    "{}",
    "0",
    "-1",
    "00000000-0000-0000-0000-000000000000",
    "7d8e9f00-0000-4000-8000-000000000000",
    "x" * 201,
    "x" * 20_001,
    "MixinA + MixinB",
)
NUMBERS = (0, -1, 1, 2**31, 2**63, 2**64, 10**400, -(10**400), 1e308, -0.0, 0.5, 5e-324)
UNREAL = (float("nan"), float("inf"), float("-inf"))


def nested(depth: int) -> Any:
    """Return lists and objects in one another, so deep."""
    value: Any = "x"
    for level in range(depth):
        value = [value] if level % 2 else {"in": value}
    return value


texts: Strategy = st.one_of(
    st.sampled_from(HOSTILE),
    st.sampled_from(SECRETS),
    st.sampled_from(NAMES),
    st.sampled_from(SECRETS).map(lambda secret: f"it failed with {secret} in the log"),
    st.text(max_size=40),
    st.text(alphabet=st.characters(), max_size=20),
)
keys: Strategy = texts.filter(  # half characters in names never leave a client
    lambda text: text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)
)
atoms: Strategy = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(NUMBERS),
    st.sampled_from(UNREAL),
    st.integers(),
    st.floats(),
    texts,
)
values: Strategy = st.one_of(
    st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)
        ),
        max_leaves=8,
    ),
    st.sampled_from([nested(9), nested(40), ["x"] * 5000, {f"k{i}": i for i in range(300)}]),
)
facts: Strategy = st.one_of(
    st.fixed_dictionaries(
        {
            "mixins": st.lists(st.sampled_from(NAMES), min_size=1, max_size=4) | values,
            "node_type": st.sampled_from(("EFFECT", "COMPUTE")) | values,
        },
        optional={
            "success": st.integers(0, 5) | values,
            "failure": st.integers(0, 5) | values,
            "label": st.booleans() | values,
            "conflict_reason": texts,
            "resolution_pattern": texts | values,
            "project": texts,
        },
    ),
    st.dictionaries(keys, values, max_size=5),
)


# What the schema cannot say: the values under which something is known.
KNOWN: Mapping[str, Strategy] = {
    "learner": st.sampled_from(("", "mixin_compatibility", "template_ranking")),
    "decision_id": st.sampled_from(("", "", "7d8e9f00-0000-4000-8000-000000000000")),
    "corrects": st.sampled_from(("", "", "k1")),
    "key": st.sampled_from(("", "", "k1", "k2")),
    "notes": texts.map(lambda text: text[:2000]),
}
templates = st.fixed_dictionaries(
    {"task_description": texts, "template": st.sampled_from(NAMES)},
    optional={
        "task_type": st.sampled_from(("backend", "other")),
        "shown": st.lists(st.sampled_from(NAMES), max_size=4),
        "quality": st.integers(0, 10) | values,
    },
)
usable = templates | st.fixed_dictionaries(
    {
        "mixins": st.lists(st.sampled_from(NAMES), min_size=2, max_size=4),
        "node_type": st.sampled_from(("EFFECT", "COMPUTE")),
    },
    optional={
        "success": st.integers(0, 5),
        "conflict_reason": st.sampled_from(SECRETS).map(lambda secret: f"log: {secret}"),
    },
)
finished = st.fixed_dictionaries(
    {"language": st.sampled_from(("python", "go", "tea"))},
    optional={
        "task_description": st.sampled_from(SECRETS),
        "seconds": st.floats(0, 100),
        "quality": st.integers(-1, 11),
        "model": st.sampled_from(NAMES),
        "code": st.sampled_from(SECRETS).map(lambda secret: f"def f():\n    return '{secret}'\n"),
        "metadata": st.dictionaries(st.sampled_from(SECRETS), st.sampled_from(SECRETS)),
    },
)


def fitting(schema: Mapping[str, Any], name: str = "") -> Strategy:
    """Return values that a part of a tool's input schema allows, by its letter."""
    if name in KNOWN and schema["type"] == "string":
        return KNOWN[name]
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "string":
            most, least = schema["maxLength"], schema.get("minLength", 0)
            named = st.one_of(st.sampled_from(NAMES), st.sampled_from(SECRETS), st.text(max_size=9))
            return named.map(lambda text: text[:most].ljust(least, "x")) | st.just("")
        case "integer" | "number":
            numbers = st.integers if schema["type"] == "integer" else st.floats
            return numbers(schema["minimum"], schema["maximum"])
        case "array":
            least, most = schema.get("minItems", 0), min(schema["maxItems"], 6)
            return st.lists(fitting(schema["items"]), min_size=least, max_size=most)
        case "object":
            return usable | finished | facts
        case other:
            raise AssertionError(f"no strategy for {other}")


@st.composite
def arguments(draw: st.DrawFn, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Draw arguments of a tool, with up to three of them missing, wrong or unknown."""
    properties: Mapping[str, Any] = schema["properties"]
    needed = schema.get("required", ())
    given = {
        name: draw(fitting(part, name))
        for name, part in properties.items()
        if name in needed or draw(st.booleans())
    }
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 1, 2, 3)))):
        match draw(st.sampled_from(("wild", "hostile", "missing", "unknown", "inside"))):
            case "wild":
                given[draw(st.sampled_from(sorted(properties)))] = draw(values)
            case "hostile":
                given[draw(st.sampled_from(sorted(properties)))] = draw(texts)
            case "missing" if given:
                del given[draw(st.sampled_from(sorted(given)))]
            case "inside" if lists := [n for n, each in given.items() if isinstance(each, list)]:
                given[draw(st.sampled_from(lists))] = [draw(values) for _ in range(3)]
            case _:
                given[draw(keys)] = draw(values)
    return given
