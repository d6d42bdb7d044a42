"""Drives the Python MCP client through what an agent does; each step done is a line of JSON.

Called with the mode: auto or legacy. STOA_URL and STOA_KEY say where and as whom.
"""

import asyncio
import json
import os
import sys
import warnings

import mcp_types as types
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPError

# The test calls what a revision deprecates on purpose.
warnings.simplefilter("ignore")


def step(name, **facts):
    print(json.dumps({"step": name, **facts}), flush=True)


def told(result):
    return {
        "is_error": result.is_error,
        "structured": result.structured_content,
        "text": "".join(block.text for block in result.content if block.type == "text"),
    }


async def names(client):
    found, cursor = [], None
    while True:
        page = await client.list_tools(cursor=cursor)
        found += page.tools
        cursor = page.next_cursor
        if cursor is None:
            return found


async def watch(client, mode, changed):
    """Waits until the gateway tells that the list has changed."""
    if mode == "auto":
        async with client.listen(tools_list_changed=True) as events:
            step("watching", honoured=events.honored.tools_list_changed)
            async for _ in events:
                return
    step("watching", honoured=True)
    await changed.wait()


async def main(mode):
    changed = asyncio.Event()

    async def hear(message):
        if isinstance(message, types.ToolListChangedNotification):
            changed.set()

    http = create_mcp_http_client(headers={"Authorization": f"Bearer {os.environ['STOA_KEY']}"})
    transport = streamable_http_client(os.environ["STOA_URL"], http_client=http)
    async with http, Client(transport, mode=mode, message_handler=hear) as client:
        server = client.server_info
        step("connected", protocol=client.protocol_version, server=server and server.name)
        tools = await names(client)
        step("listed", tools=[tool.name for tool in tools])
        step("called", **told(await client.call_tool("get_order", {"order_id": "A-1001"})))
        step("invalid", **told(await client.call_tool("get_order", {"order_id": 7})))
        step("missing", **told(await client.call_tool("get_order", {"order_id": "A-9999"})))
        try:
            step("unknown", **told(await client.call_tool("no_such_tool", {})))
        except MCPError as error:
            step("unknown", code=error.error.code, message=error.error.message)
        if mode == "legacy":
            await client.send_ping()
            step("pinged")
        await watch(client, mode, changed)
        step("changed", tools=[tool.name for tool in await names(client)])
    step("closed")


asyncio.run(main(sys.argv[1]))
