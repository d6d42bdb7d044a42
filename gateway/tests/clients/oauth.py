"""The official Python client's own OAuth: from a 401 to a tool's answer, with nothing but the gateway's URL.

STOA_URL is the gateway, STOA_ISSUER the issuer with which the client is registered, STOA_USER who logs in. That
person's part is played by filling the issuer's forms. Each step done is a line of JSON.
"""

import asyncio
import html
import json
import os
import re
import warnings
from urllib.parse import parse_qs, urlsplit

from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

warnings.simplefilter("ignore")

REDIRECT = "http://127.0.0.1:3333/callback"


def step(name, **facts):
    print(json.dumps({"step": name, **facts}), flush=True)


class Memory:
    """Where the client keeps what it was given."""

    def __init__(self, known):
        self.client = known
        self.tokens = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


class Person:
    """Fills forms until the issuer sends it back to the client."""

    def __init__(self, name):
        self.name = name
        self.answer = None
        self.cookies = {}

    async def visit(self, url):
        step("sent", parameters=sorted(parse_qs(urlsplit(url).query)))
        async with create_mcp_http_client() as http:
            http.follow_redirects = False
            response = await self.ask(http, "GET", url)
            for _ in range(5):
                place = response.headers.get("location")
                if place is None:
                    response = await self.fill(http, response)
                elif place.startswith(REDIRECT):
                    self.answer = {name: values[0] for name, values in parse_qs(urlsplit(place).query).items()}
                    return
                else:
                    response = await self.ask(http, "GET", place)
        raise RuntimeError(f"no way back from {url}")

    async def ask(self, http, method, url, form=None):
        # By hand: the issuer's cookies are for https, which a browser waives on this machine and a library does not.
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        response = await http.request(method, url, data=form, headers={"cookie": cookies})
        for line in response.headers.get_list("set-cookie"):
            name, _, value = line.split(";")[0].partition("=")
            self.cookies[name] = value
        return response

    async def fill(self, http, response):
        action = re.search(r'<form[^>]*action="([^"]+)"', response.text)
        if action is None:
            raise RuntimeError(f"{response.status_code}: no form in {response.text}")
        # Hidden fields go back as they are; the button of consent is "accept".
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', response.text)
        form = dict(hidden, username=self.name, password=f"{self.name}-pw", accept="Yes")
        place = html.unescape(action.group(1))
        if place.startswith("/"):
            place = f"{response.url.scheme}://{response.url.netloc.decode()}{place}"
        return await self.ask(http, "POST", place, form)

    async def come_back(self):
        if "code" not in self.answer:
            raise RuntimeError(f"the issuer gives no code: {self.answer}")
        return AuthorizationCodeResult(
            code=self.answer["code"], state=self.answer.get("state"), iss=self.answer.get("iss")
        )


async def main():
    url = os.environ["STOA_URL"]
    metadata = OAuthClientMetadata(
        client_name="a client of a test",
        redirect_uris=[REDIRECT],
        # With "refresh_token" the client asks for offline_access, which not every realm has.
        grant_types=["authorization_code"],
        token_endpoint_auth_method="none",
    )
    known = OAuthClientInformationFull(
        client_id="mcp-client",
        redirect_uris=[REDIRECT],
        token_endpoint_auth_method="none",
        issuer=os.environ["STOA_ISSUER"],
    )
    memory, person = Memory(known), Person(os.environ["STOA_USER"])
    oauth = OAuthClientProvider(url, metadata, memory, person.visit, person.come_back)
    http = create_mcp_http_client(auth=oauth)
    async with http, Client(streamable_http_client(url, http_client=http)) as client:
        step("connected", scope=memory.tokens.scope)
        tools = await client.list_tools()
        step("listed", tools=[tool.name for tool in tools.tools])
        called = await client.call_tool("orders", {})
        step("called", is_error=called.is_error)


asyncio.run(main())
