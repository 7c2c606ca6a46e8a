"""The measuring child: `python -P -m learners.measuring_child`, one text in, its measures out.

The text comes on stdin and the measures go to stdout, both as JSON. Grammars are C code that
hostile text keeps busy, fills memory with or crashes: that ends this process and not the server.
"""

import json
import os
import resource
import signal
import sys
from dataclasses import asdict

from learners.source_code.measure import measure


def main() -> None:
    """Answer what is asked on stdin."""
    with os.fdopen(os.dup(1), "wb") as answer:
        os.dup2(2, 1)  # whatever prints, prints to the log
        asked = json.load(sys.stdin.buffer)
        signal.alarm(asked.pop("seconds"))  # also when the parent is gone and cannot kill
        limit = asked.pop("memory_mb") * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        measures = measure(**asked)
        answer.write(json.dumps(measures and asdict(measures)).encode())


if __name__ == "__main__":
    main()
