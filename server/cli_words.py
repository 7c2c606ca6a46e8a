"""How the tools' words read on the command line: our verbs, and options for arguments."""

import re
from collections.abc import Mapping

VERBS: Mapping[str, str] = {
    "check_mixin_compatibility": "foresight check-mixin-compatibility",
    "recommend_mixins": "foresight recommend-mixins",
    "predict_generation_success": "foresight predict",
    "route_generation": "foresight route",
    "rank_templates": "foresight rank-templates",
    "record_feedback": "foresight record-feedback",
    "learning_status": "foresight status",
    "emerging_patterns": "foresight patterns",
    "pending_feedback": "foresight pending",
    "generation_kpis": "foresight kpis",
    "roll_back": "foresight rollback",
}
OPTIONS: Mapping[str, str] = {
    "required_capabilities": "--need",
    "existing_mixins": "--existing",
    "tags": "--tag",
    "candidates": "--candidate",
    "k": "-k",
}
WITHOUT_DASHES: Mapping[str, tuple[str, ...]] = {  # arguments, where others have options
    "check_mixin_compatibility": ("mixins",),
    "predict_generation_success": ("task_description",),
    "route_generation": ("task_description",),
    "rank_templates": ("task_description",),
    "record_feedback": ("outcome",),
    "templates add": ("name",),
    "learning_status": ("learner",),
    "promote": ("learner", "version"),
    "roll_back": ("learner",),
}
LEARNER = "mixin_compatibility"
EXAMPLES: Mapping[str, str] = {
    "check-mixin-compatibility": "MixinCaching MixinRetry --node-type EFFECT",
    "recommend-mixins": "--node-type EFFECT --need cache",
    "predict-generation-success": '"Add a login endpoint" --task-type backend --agent ANN',
    "route": '"Add a login endpoint" --task-type backend',
    "rank-templates": "'list the orders of a customer' --task-type backend --language python",
    "rank": "'list the orders of a customer' --task-type backend --language python",
    "record-feedback": "success --decision-id ID",
    "tell": "success --decision-id ID",
    "promote": f"{LEARNER} 2",
    "backtest": f"{LEARNER} lines.jsonl",
    "evaluate": f"{LEARNER} lines.jsonl",
    "card": LEARNER,
    "reproduce": f"{LEARNER} 2",
    "import mixins": "history.csv",
    "import generations": "history.csv",
    "export": "outcomes",
    "mixins add": "MixinTea --category business --tag cache",
    "mixins remove": "MixinTea",
    "templates add": "'REST endpoint' --text 'A handler with paging' --language python",
    "templates import": "templates.jsonl",
    "templates retire": "'REST endpoint'",
    "templates remove": "'REST endpoint'",
    "db dump": "foresight.dump",
    "db restore": "foresight.dump",
}
_FIELD = re.compile(r"(^|; )([a-z_]+)([:.])")
_VERB = re.compile(rf"\b({'|'.join(VERBS)})\b")
_ASKED = re.compile(r"\b(required_capabilities|existing_mixins)\b")


def option(tool: str, argument: str) -> str:
    """Return what a tool's argument is called on the command line."""
    if argument in WITHOUT_DASHES.get(tool, ()):
        return argument
    return OPTIONS.get(argument, f"--{argument.replace('_', '-')}")


def explained(tool: str, arguments: Mapping[str, object], text: str) -> str:
    """Return a tool's error with the options of the verb instead of the arguments."""

    def named(found: re.Match[str]) -> str:
        before, name, after = found.groups()
        if name not in arguments:
            return found.group()
        return f"{before}{option(tool, name)}{' ' if after == '.' else after}"

    return spoken(_FIELD.sub(named, text))


def spoken(text: str) -> str:
    """Return a tool's words with the verbs and options of the command line."""
    text = _VERB.sub(lambda found: f"`{VERBS[found.group()]}`", text)
    return _ASKED.sub(lambda found: OPTIONS[found.group()], text)


def example(verb: str) -> str:
    """Return an example call of a verb, or nothing."""
    return f" Example: foresight {verb} {EXAMPLES[verb]}" if verb in EXAMPLES else ""
