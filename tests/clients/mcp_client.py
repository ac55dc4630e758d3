"""Drives Vouch with the official MCP client: list, search, fetch, ask, and a stranger's refusal.

    mcp_client.py http BASE_URL KEY
    mcp_client.py stdio BASE_URL KEY PROGRAM

Over HTTP both with today's protocol and with the older handshake.
"""

import sys
import traceback

import anyio
import httpx2
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

KIND, BASE, KEY, *PROGRAM = sys.argv[1:]


def http(key):
    """A transport over HTTP with this key."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    client = httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60)
    return streamable_http_client(f"{BASE}/mcp", http_client=client)


def stdio(key):
    """A transport over the standard input and output of `vouch mcp`."""
    environment = {"VOUCH_URL": BASE, "VOUCH_TOKEN": key}
    return stdio_client(StdioServerParameters(command=PROGRAM[0], args=["mcp"], env=environment))


async def drive(transport, mode):
    """Everything that a client does."""
    async with Client(transport, mode=mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert sorted(tools) == ["ask", "fetch", "search"], tools
        assert all(tool.annotations.read_only_hint for tool in tools.values()), tools

        found = await client.call_tool("search", {"query": "parental leave"})
        first = found.structured_content["results"][0]
        assert first["title"] == "Leave policy" and BASE in first["url"], first

        fetched = await client.call_tool("fetch", {"id": first["id"]})
        assert "16 weeks" in fetched.structured_content["text"], fetched

        asked = await client.call_tool("ask", {"question": "How many weeks is parental leave?"})
        assert asked.content[0].text.startswith("Parental leave is 16 weeks. [1]"), asked
        citation = asked.structured_content["citations"][0]
        assert citation["quote"] == "Parental leave is 16 weeks.", citation

        refusals = set()
        for hidden in ("board/plan.md", "board/none.md"):
            refused = await client.call_tool("fetch", {"id": hidden})
            assert refused.is_error, refused
            refusals.add(refused.content[0].text)
        assert len(refusals) == 1, refusals


async def refuse(transport, mode):
    """A stranger gets nothing."""
    try:
        async with Client(transport, mode=mode) as client:
            await client.list_tools()
    except Exception as error:
        said = "".join(traceback.format_exception(error))
        assert "returned an error response" in said or "needs a valid credential" in said, said
    else:
        sys.exit("a stranger got in")


async def main():
    """Each way in, as somebody and as nobody."""
    transport = http if KIND == "http" else stdio
    for mode in ("auto", "legacy"):
        await drive(transport(KEY), mode)
        await refuse(transport("vk_nobody"), mode)


anyio.run(main)
print("done")
