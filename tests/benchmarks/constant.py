"""The floor: a server of the same SDK whose tool has our schemas and returns a constant."""

from mcp.server.mcpserver import MCPServer

from tools.arguments import Project
from tools.check_mixin_compatibility import (
    CompatibilityAnswer,
    Mixins,
    NodeType,
    PairAnswer,
)

PAIR = PairAnswer(
    a="MixinCaching",
    b="MixinRetry",
    verdict="compatible",
    probability=0.75,
    level="compatible",
    n=12,
    source="observed",
)
ANSWER = CompatibilityAnswer(
    decision_id="00000000-0000-0000-0000-000000000000",
    version=None,
    source="observed",
    n=12,
    degraded=False,
    warnings=(),
    reasons=("tested 12 times on EFFECT, 9 of them with success",),
    verdict="compatible",
    probability=0.75,
    level="compatible",
    pairs=(PAIR,),
    suggestions=(),
)

server = MCPServer("constant", log_level="WARNING")


@server.tool()
async def check_mixin_compatibility(
    mixins: Mixins, node_type: NodeType, project: Project = ""
) -> CompatibilityAnswer:
    """Return the same answer always."""
    return ANSWER


@server.tool()
async def empty() -> dict[str, str]:
    """Return nothing."""
    return {}


if __name__ == "__main__":
    server.run("stdio")
