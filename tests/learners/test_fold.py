"""Laws of the fold: serving and training see the same rows, bit for bit."""

from collections.abc import Sequence

import numpy as np
from coins import LEARNER, Fell, Toss
from hypothesis import given
from hypothesis import strategies as st

from learners import codec
from learners.learner import Event
from learners.replay import Entry, Fold, Rows, asked, replay, start

# A history: tosses asked at some time, told some steps later (or corrected), in any order.
steps = st.lists(
    st.tuples(
        st.sampled_from(["ask", "tell", "fact", "correct"]),
        st.integers(0, 5),
        st.booleans(),
    ),
    max_size=60,
)


def history(
    plan: Sequence[tuple[str, int, bool]],
) -> tuple[list[Entry], list[tuple[int, np.ndarray]], Fold]:
    """Live serving: answer each ask from the memory as it stands, fold each tell."""
    live = start(LEARNER)
    entries: list[Entry] = []
    open_asks: list[tuple[Toss, int, float, np.ndarray]] = []
    rows: list[tuple[int, np.ndarray]] = []
    for number, (step, coin, heads) in enumerate(plan, start=1):
        at = float(number)
        query = Toss(coin=f"coin{coin}", marked=bool(coin % 2))
        outcome = Fell(heads=int(heads), tails=int(not heads))
        seq = len(entries) + 1
        if step == "ask":
            row = LEARNER.features(live.memory, query, None, at)
            open_asks.append((query, live.seq, at, row))
            continue
        if step == "tell" and open_asks:
            query, memory_seq, asked_at, row = open_asks.pop(coin % len(open_asks))
            event = Event(seq=seq, query=query, outcome=outcome, known=at, asked=asked_at)
            entry = Entry(event=event, memory_seq=memory_seq)
            rows.append((seq, row))
        elif step == "correct" and entries:
            before = entries[coin % len(entries)].event
            if any(
                e.event.replaced is not None and e.event.replaced.seq == before.seq for e in entries
            ):
                continue
            event = Event(
                seq=seq,
                query=before.query,
                outcome=outcome,
                known=at,
                asked=before.asked,
                replaced=before,
            )
            entry = Entry(event=event)
        else:
            row = LEARNER.features(live.memory, query, None, at)
            event = Event(seq=seq, query=query, outcome=outcome, known=at, asked=at)
            entry = Entry(event=event)
            rows.append((seq, row))
        live.observe(entry)
        entries.append(entry)
    return entries, rows, live


@given(steps)
def test_replaying_the_log_gives_the_live_memory(plan: list[tuple[str, int, bool]]) -> None:
    entries, _, live = history(plan)
    replayed = replay(LEARNER, entries)
    assert codec.freeze(replayed) == codec.freeze(live)


@given(steps)
def test_training_rows_are_the_rows_that_were_served_bit_for_bit(
    plan: list[tuple[str, int, bool]],
) -> None:
    entries, served, _ = history(plan)
    questions = asked(LEARNER, entries)
    rows = Rows(LEARNER)
    replay(LEARNER, entries, questions, rows.add)
    table = rows.table()
    assert len(table) == len(served) == len(questions)
    expected = sorted(row.tobytes() for _, row in served)
    assert sorted(row.tobytes() for row in table.x) == expected


@given(steps)
def test_a_correction_leaves_the_memory_as_if_the_last_word_had_been_the_first(
    plan: list[tuple[str, int, bool]],
) -> None:
    entries, _, live = history(plan)
    last: dict[int, Event[Toss, Fell]] = {}
    for entry in entries:
        event = entry.event
        root = event.seq
        while event.replaced is not None:
            event = event.replaced
            root = event.seq
        last[root] = entry.event
    counted = start(LEARNER)
    for event in last.values():
        counted.observe(
            Entry(
                event=Event(
                    seq=event.seq, query=event.query, outcome=event.outcome, known=0, asked=0
                )
            )
        )
    assert live.memory.coins == counted.memory.coins


@given(steps)
def test_a_frozen_memory_thaws_to_itself(plan: list[tuple[str, int, bool]]) -> None:
    _, _, live = history(plan)
    data = codec.freeze(live)
    thawed = codec.thaw(LEARNER, live.seq, data)
    assert thawed.memory == live.memory
    assert thawed.ledger == live.ledger
    assert codec.freeze(thawed) == data


def test_a_question_with_a_stated_time_sees_only_what_was_known_before_it() -> None:
    tosses = [
        Entry(
            event=Event(
                seq=i,
                query=Toss(coin="a"),
                outcome=Fell(heads=1),
                known=float(i * 10),
                asked=asked_at,
            ),
            timed=True,
        )
        for i, asked_at in ((1, 5.0), (2, 10.0), (3, 25.0))
    ]
    positions = {q.settled: q.position for q in asked(LEARNER, tosses)}
    assert positions == {0: 0, 1: 0, 2: 2}
