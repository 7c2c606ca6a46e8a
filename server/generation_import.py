"""A history of generations, told to all learners of generations that a row says something to."""

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from learners import dividing, telling
from learners.errors import WrongInput
from learners.learner import AnyLearner
from learners.serving import Caller
from learners.telling import Tell
from server.generation_columns import Generation, Record, read, unread
from server.importing import CHUNK, records

if TYPE_CHECKING:
    from learners.lifecycle import Lifecycle

NAMES: Final = (
    "generation_success", "generation_complexity", "generation_time", "generation_quality"
)  # fmt: skip
JUDGED: Final = ("quality",)  # known when it was judged, with the verdict
LONGEST_KEY: Final = 200  # characters
RULE = (
    "A row teaches time, complexity and quality what it says of them; success only where somebody "
    "has judged it: a row without user_action and success is not counted as a failure. Rows are "
    "told in the order in which they became known: what it took at completed_at, the verdict at "
    "approved_at. event_id is the key: a row that was told before changes nothing, one that says "
    "something else now corrects it."
)


@dataclass(frozen=True, slots=True)
class Word:
    """What a row says to one learner."""

    tell: Tell
    caller: Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a file holds.

    Attributes:
        words: In the order in which they became known.
        kinds: Kinds of tasks that are none of ours, told as other.
        unread: Columns of which nothing is read.
    """

    words: Sequence[Word]
    rows: int
    generations: int
    repeated: int = 0
    unfinished: int = 0
    unjudged: int = 0
    cut: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict[str, int])
    unread: Sequence[str] = ()


def plan(text: str, learners: Sequence[AnyLearner], project: str, now: float) -> Plan:
    """Return what a text tells, in the order in which it became known.

    Raises:
        WrongInput: Naming the row and the column.
    """
    words, seen, rows = list[Word](), set[str](), 0
    counts, kinds = Counter[str](), Counter[str]()
    record: Record = {}
    for place, record in records(text):
        rows += 1
        try:
            found = read(record, learners, now)
            key = found.key or _key(record)
            if key in seen:
                counts["repeated"] += 1
                continue
            seen.add(key)
            told = _words(replace(found, key=key), learners, project)
        except WrongInput as error:
            raise WrongInput(f"{place}: {error} Nothing was imported.") from None
        words += told
        counts["unfinished"] += not told
        counts["unjudged"] += bool(told) and found.word == dividing.PENDING
        counts["cut"] += found.cut
        kinds.update([found.strange] if found.strange else [])
    if not words:
        raise WrongInput(
            "expected rows with columns such as event_id, task_description, language, user_action, "
            "generation_time_seconds; got none that says how a generation went"
        )
    words.sort(key=lambda word: (word.tell.known, word.tell.key, word.tell.learner))
    return Plan(
        words=words,
        rows=rows,
        generations=len(seen),
        kinds=dict(kinds.most_common()),
        unread=unread(record, learners),
        **counts,
    )


def _key(record: Record) -> str:
    said = json.dumps(dict(record), sort_keys=True, default=str)
    return f"import:{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def _words(found: Generation, learners: Sequence[AnyLearner], project: str) -> list[Word]:
    """Return what a row says to each learner, having checked that it can be told."""
    if len(found.key) > LONGEST_KEY:
        raise WrongInput(f"event_id: expected at most {LONGEST_KEY} characters.")
    caller = Caller(
        project=str(found.said.get("project", project)), user=found.user, session=found.session
    )
    words = list[Word]()
    for learner in learners:
        tell = _tell(found, learner, caller.project)
        if tell is not None:
            _check(tell, learner, caller, found)
            words.append(Word(tell, caller))
    return words


def _tell(found: Generation, learner: AnyLearner, project: str) -> Tell | None:
    own = dividing.own(learner, found.said)
    judges = learner.verdict("success") is not None
    if judges and found.word == dividing.PENDING:
        return None  # nobody's verdict is no failure
    code = {
        name: found.said[name]
        for name in (dividing.CODE, dividing.BESIDE_CODE[0])
        if name in found.said and dividing.CODE in found.said and dividing.takes_code(learner)
    }
    if not (judges or own or code):
        return None
    asked = {name: found.said[name] for name in learner.query.model_fields if name in found.said}
    late = judges or any(name in own for name in JUDGED)
    return Tell(
        verdict=found.word if judges else dividing.PENDING,
        learner=learner.name,
        facts={"project": project, **asked, **own, **code},
        key=found.key,
        source="import",
        notes=found.notes if judges else "",
        asked=found.asked,
        known=found.judged if late else found.known,
    )


def _check(tell: Tell, learner: AnyLearner, caller: Caller, found: Generation) -> None:
    """Refuse what could not be told, in the words of the row's own columns."""
    facts = tell.facts or {}
    rest = {name: facts[name] for name in facts if name in _known(learner)}
    if dividing.CODE in facts and not dividing.own(learner, rest):
        return  # what the code measures is not known yet
    try:
        telling.rows(replace(tell, facts=rest), [(learner, None)], caller, 0.0)
    except WrongInput as error:
        text = str(error)
        for ours, column in found.columns.items():
            text = text.replace(f"facts.{ours}:", f"{column}:")
        raise WrongInput(text) from None


def _known(learner: AnyLearner) -> set[str]:
    return {*learner.query.model_fields, *learner.outcome.model_fields}


async def tell(
    lifecycle: "Lifecycle", found: Plan, progress: Callable[[int], None]
) -> dict[str, Any]:
    """Tell all words of a plan; return how many generations were new, changed and known before.

    What is there already with another outcome is corrected. A generation that was asked here is
    known here: its event_id is a decision of this database.
    """
    ours = await _asked_here(lifecycle, found)
    words = [word for word in found.words if word.tell.key not in ours]
    effects: dict[str, set[str]] = {key: {"known"} for key in ours}
    unmeasured, outcomes = set[str](), 0
    for start in range(0, len(words), CHUNK):
        chunk = words[start : start + CHUNK]
        told = await lifecycle.tell_all([(word.tell, word.caller) for word in chunk])
        mended = [_mended(w) for w, t in zip(chunk, told, strict=True) if t.effect == "conflict"]
        told += await lifecycle.tell_all([(word.tell, word.caller) for word in mended])
        for word, each in zip([*chunk, *mended], told, strict=True):
            key = word.tell.corrects or word.tell.key
            effects.setdefault(key, set()).add(EFFECT.get(each.effect, "known"))
            outcomes += each.effect in EFFECT
            unmeasured.update([key] if each.remark else [])
        progress(start + len(chunk))
    first = Counter(next(name for name in ORDER if name in each) for each in effects.values())
    return {
        **{name: first[name] for name in ORDER},
        "outcomes": outcomes,
        "not_measured": len(unmeasured),
    }


ORDER: Final = ("new", "changed", "known")
EFFECT: Mapping[str, str] = {"fact": "new", "correction": "changed"}


def _mended(word: Word) -> Word:
    """Return a row that says something else than before as a correction of what it said."""
    said = json.dumps([word.tell.verdict, word.tell.facts], sort_keys=True, default=str)
    again = f"{word.tell.key[: LONGEST_KEY - 13]}:{hashlib.sha256(said.encode()).hexdigest()[:12]}"
    return replace(word, tell=replace(word.tell, key=again, corrects=word.tell.key))


async def _asked_here(lifecycle: "Lifecycle", found: Plan) -> set[str]:
    from storage import decisions

    keys = {word.tell.key for word in found.words if _is_id(word.tell.key)}
    if not keys:
        return set()
    there: set[str] = await lifecycle.run(partial(decisions.existing, ids=sorted(keys)))
    return there


def _is_id(key: str) -> bool:
    try:
        return str(uuid.UUID(key)) == key
    except ValueError:
        return False
