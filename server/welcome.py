"""What a newcomer is shown: how to connect, one live answer, and what to do next."""

import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

from server.settings import PREFIX
from tools.context import App

INSPECTOR = "npx -y @modelcontextprotocol/inspector@2"
HISTORY_SECONDS = 120.0
QUESTION = {"mixins": ["MixinCaching", "MixinRetry"], "node_type": "EFFECT"}


def command() -> str:
    """Return the absolute path of the console script.

    Never a module, which a client's working directory could shadow.
    """
    beside = Path(sys.executable).with_name("foresight")
    return str(beside if beside.exists() else shutil.which("foresight") or sys.argv[0])


def client() -> dict[str, Any]:
    """Return the stdio entry of a client's configuration, with our settings of this environment.

    An address may hold a password: it is named, and the client puts it in.
    """
    entry: dict[str, Any] = {"command": command(), "args": ["serve"]}
    ours = {name: value for name, value in sorted(os.environ.items()) if name.startswith(PREFIX)}
    if ours:
        entry["env"] = {
            name: f"${{{name}}}" if name.endswith("_URL") else value for name, value in ours.items()
        }
    return {"mcpServers": {"foresight": entry}}


def inspector(url: str = "") -> str:
    """Return the command that opens the MCP Inspector."""
    if url:
        return f"{INSPECTOR} --server-url {url} --transport http"
    return f"{INSPECTOR} {shlex.quote(command())} serve"


async def greet(app: App, url: str) -> None:
    """Print everything, once history is loaded."""
    me = command()
    sys.stdout.write(
        f"""
Foresight runs.

  MCP URL (streamable HTTP)   {url}
  stdio, for a client's configuration:
{_indented(json.dumps(client(), indent=2))}
  MCP Inspector               {inspector(url)}

An example, check_mixin_compatibility {json.dumps(QUESTION)}:
{_indented(await example(app))}

Nothing made up is ever loaded: an empty history says so. To bring yours in:
  {me} import mixins FILE.csv --train    past tests: mixin_a, mixin_b, node_type,
                                         success_count, failure_count, created_at
  {me} record-feedback failure --learner mixin_compatibility \\
      --facts '{json.dumps(QUESTION)}'   one observation
End it with Ctrl-C.
"""
    )
    sys.stdout.flush()


async def example(app: App) -> str:
    """Return a live answer, without logging a decision that nobody will follow up."""
    from learners.catalog.mixin_compatibility import LEARNER
    from learners.codec import validated
    from tools.check_mixin_compatibility import CompatibilityAnswer

    call = await app.call({}, HISTORY_SECONDS)
    live = call.lifecycle.live(LEARNER.name)
    query = validated(live.learner.query, QUESTION, "query")
    found = live.ask(query, call.caller, call.lifecycle.now(), degraded=call.degraded)
    advice = found.advice.model_dump(mode="json")
    advice["warnings"] = [*call.warnings, *advice["warnings"]]
    answer = CompatibilityAnswer(
        **advice, decision_id="(not logged)", version=found.version, degraded=found.degraded
    )
    return answer.words()


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
