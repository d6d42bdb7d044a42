// Drives a TypeScript MCP client through what an agent does; each step done is a line of JSON.
//
// Called with the package (sdk: the client of sdk 1.x; client: that of client 2.x) and, for client, the mode
// (legacy or auto). STOA_URL and STOA_KEY say where and as whom; NODE_MODULES where the packages are.

import { createRequire } from 'node:module';

const [, , packageName, mode = 'legacy'] = process.argv;
const load = createRequire(`${process.env.NODE_MODULES}/`);

function step(name, facts = {}) {
  process.stdout.write(`${JSON.stringify({ step: name, ...facts })}\n`);
}

function parts() {
  if (packageName === 'sdk') {
    return {
      ...load('@modelcontextprotocol/sdk/client/index.js'),
      ...load('@modelcontextprotocol/sdk/client/streamableHttp.js'),
    };
  }
  return load('@modelcontextprotocol/client');
}

function told(result) {
  return {
    is_error: result.isError ?? false,
    structured: result.structuredContent ?? null,
    text: result.content.filter(block => block.type === 'text').map(block => block.text).join(''),
  };
}

const { Client, StreamableHTTPClientTransport } = parts();
let hear;
const heard = new Promise(resolve => { hear = resolve; });
const options = {
  // Tells of a change together with the new list, whatever the era calls the stream.
  listChanged: {
    tools: {
      debounceMs: 0,
      onChanged: (error, tools) => hear({ error: error?.message ?? null, tools: tools?.map(tool => tool.name) }),
    },
  },
};
if (packageName === 'client') {
  options.versionNegotiation = { mode };
}
const client = new Client({ name: 'stoa-test', version: '1.0.0' }, options);
const transport = new StreamableHTTPClientTransport(new URL(process.env.STOA_URL), {
  requestInit: { headers: { authorization: `Bearer ${process.env.STOA_KEY}` } },
});
await client.connect(transport);
step('connected', {
  protocol: transport.protocolVersion ?? client.getNegotiatedProtocolVersion?.() ?? null,
  server: client.getServerVersion()?.name ?? null,
});
const { tools } = await client.listTools();
step('listed', { tools: tools.map(tool => tool.name) });
const call = (name, args) => client.callTool({ name, arguments: args });
step('called', told(await call('get_order', { order_id: 'A-1001' })));
step('invalid', told(await call('get_order', { order_id: 7 })));
step('missing', told(await call('get_order', { order_id: 'A-9999' })));
try {
  step('unknown', told(await call('no_such_tool', {})));
} catch (error) {
  step('unknown', { code: error.code, message: error.message });
}
if (mode === 'legacy') {
  await client.ping();
  step('pinged');
}
step('watching', { honoured: true });
step('changed', await heard);
if (mode === 'legacy') {
  await transport.terminateSession();
}
await client.close();
step('closed');
