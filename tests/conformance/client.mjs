// One session of the TypeScript client: node - ADDRESS; prints what it saw as JSON.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const pair = { mixins: ["MixinCaching", "MixinRetry"], node_type: "EFFECT" };
const client = new Client(
  { name: "typescript", version: "1" },
  { versionNegotiation: { mode: "auto" } },
);
await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[2])));
const { tools } = await client.listTools();
const asked = await client.callTool({ name: "check_mixin_compatibility", arguments: pair });
const { decision_id } = asked.structuredContent;
const told = await client.callTool({
  name: "record_feedback",
  arguments: { outcome: "success", decision_id },
});
const status = await client.readResource({ uri: "foresight://status" });
const protocol = client.getNegotiatedProtocolVersion();
await client.close();
console.log(
  JSON.stringify({
    protocol,
    tools: tools.map((tool) => tool.name),
    source: asked.structuredContent.source,
    joined: told.structuredContent.joined,
    status: JSON.parse(status.contents[0].text).join_rate.joined,
  }),
);
