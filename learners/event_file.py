"""The training child's log: entries that are read from their file when they are looked at.

A long history does not fit into memory as objects; as a file it does, and training needs it twice
in sequence and a bounded part of it by number.
"""

import hashlib
import json
import mmap
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

from learners import codec
from learners.learner import AnyLearner
from learners.replay import Entry
from learners.training_files import taught


class EventFile(Sequence[Entry]):
    """The entries of a file of event lines, in its order.

    Attributes:
        digest: SHA-256 of what the events teach.
    """

    def __init__(self, learner: AnyLearner, path: Path) -> None:
        """Read a file through once, to know where each line begins and what all of them teach."""
        self._learner = learner
        self._starts = array("q", [0])
        digest = hashlib.sha256()
        with path.open("rb") as lines:
            for line in lines:
                digest.update(taught(json.loads(line)))
                self._starts.append(self._starts[-1] + len(line))
            empty = len(self._starts) == 1  # nothing can be mapped of an empty file
            self._data = b"" if empty else mmap.mmap(lines.fileno(), 0, access=mmap.ACCESS_READ)
        self.digest = digest.hexdigest()

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        """Return one entry, or some."""
        if isinstance(index, slice):
            return [self._entry(i) for i in range(*index.indices(len(self)))]
        return self._entry(range(len(self))[index])

    def __iter__(self) -> Iterator[Entry]:
        """Yield entry after entry."""
        return map(self._entry, range(len(self)))

    def _entry(self, i: int) -> Entry:
        row = json.loads(self._data[self._starts[i] : self._starts[i + 1]])
        return codec.entry(self._learner, row)
