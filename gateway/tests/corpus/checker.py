"""An API that answers nothing and checks everything: each request is held against an OpenAPI document.

The opinion is that of others: openapi-core reads requests of OpenAPI 3.0 and 3.1, bravado-core those of
Swagger 2.0. They undo `style`, `explode` and `collectionFormat`, read forms and parts, and validate;
`openapi3.py` and `swagger2.py` only carry a request to them. Each has a process of its own, called with the
module's name, as they do not get along in one. Credentials are left out: other tests show them.

Driven over HTTP: `PUT /-/document` names a document and where its copy goes, whose servers are here; `GET
/-/seen` tells what was thought of each request since, by its `x-request-id`.
"""

import base64
import importlib
import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import yaml
from werkzeug.http import parse_cookie

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class TextLoader(yaml.CSafeLoader):
    """YAML as JSON has it: dates stay texts."""


TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if not tag.endswith(":timestamp")]
    for first, known in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file) if path.endswith(".json") else yaml.load(file, TextLoader)


def write(document, path):
    with open(path, "w", encoding="utf-8") as file:
        if path.endswith(".json"):
            json.dump(document, file)
        else:
            yaml.dump(document, file, yaml.CSafeDumper, allow_unicode=True, sort_keys=False)


def move(document, port):
    """Puts every server of a document here and keeps its path, so that base paths are tested, too."""
    if "swagger" in document:
        document.update(host=f"127.0.0.1:{port}", schemes=["http"])
        for operation in operations(document):
            operation.pop("schemes", None)
        return
    items = [item for item in document["paths"].values() if isinstance(item, dict)]
    for place in [document, *items, *operations(document)]:
        for server in place.get("servers") or []:
            path = re.sub(r"^[a-z{}]+://[^/]*", "", server["url"])
            server["url"] = f"http://127.0.0.1:{port}/{path.lstrip('/')}".rstrip("/")
    document["servers"] = document.get("servers") or [{"url": f"http://127.0.0.1:{port}"}]


def operations(document):
    for item in document["paths"].values():
        for method in METHODS:
            if isinstance(item, dict) and method in item:
                yield item[method]


class Sent:
    """A request as it came."""

    def __init__(self, handler, body):
        parts = urlsplit(handler.path)
        self.host_url = f"http://{handler.headers['host']}"
        self.path = parts.path
        self.query = parse_qsl(parts.query, keep_blank_values=True)
        self.target = handler.path
        self.method = handler.command.lower()
        self.body = body or None
        self.headers = list(handler.headers.items())
        self.content_type = handler.headers.get("content-type", "")
        self.cookies = list(parse_cookie(handler.headers.get("cookie", "")).items(multi=True))


def explain(fault):
    texts = [f"{type(fault).__name__}: {fault}"]
    texts += [f"{list(one.absolute_path)}: {one.message[:300]}" for one in getattr(fault, "schema_errors", [])]
    cause = fault.__cause__ or getattr(fault, "cause", None)
    return "; ".join(texts) + (f" <- {explain(cause)}" if cause else "")


def plain(value):
    """A value as JSON has it; bytes as the two texts that a caller may have meant."""
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode(), "text": value.decode(errors="replace")}
    return str(value)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    checker, seen = None, {}

    def take(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path == "/-/document":
            wanted = json.loads(body)
            document = read(wanted["from"])
            for place in [document, *operations(document)]:
                place.pop("security", None)
            move(document, self.server.server_port)
            write(document, wanted["to"])
            Handler.checker = library.Checker(document)
            Handler.seen = {}
            return self.say(200, {})
        if self.path == "/-/seen":
            return self.say(200, Handler.seen)
        verdict = judge(Sent(self, body))
        Handler.seen[self.headers["x-request-id"]] = verdict
        return self.say(422 if verdict["faults"] else 200, {})

    def say(self, status, document):
        body = json.dumps(document, default=plain).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing: the verdicts are what is read."""

    do_GET = do_PUT = do_POST = do_DELETE = do_OPTIONS = do_HEAD = do_PATCH = do_TRACE = take


def judge(sent):
    """What the document says of a request; any trouble of a library is a fault that somebody has to look at."""
    try:
        path, name, values, faults = Handler.checker.check(sent)
    except Exception as error:
        path, name, values, faults = "", "", {}, [error]
    return {
        "operation": name or f"{sent.method}_{path}",
        "target": sent.target,
        "headers": sent.headers,
        "sent": (sent.body or b"")[:2000],
        "values": values,
        "faults": [explain(fault) for fault in faults],
    }


library = importlib.import_module(sys.argv[1])
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(json.dumps({"step": "listening", "port": server.server_port}), flush=True)
server.serve_forever()
