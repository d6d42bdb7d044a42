"""Holds requests against documents of Swagger 2.0, by bravado-core."""

import io
import json
import re
from fnmatch import fnmatch
from urllib.parse import unquote

from bravado_core.formatter import SwaggerFormat
from bravado_core.request import IncomingRequest, unmarshal_request
from bravado_core.spec import Spec
from werkzeug.datastructures import Headers, ImmutableMultiDict
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

FORMATS = ("byte", "date", "date-time")


class Request(IncomingRequest):
    """A request in the shape that bravado-core asks for."""

    def __init__(self, sent, path, operation):
        self.path, self.raw, self.headers = path, sent.body, Headers(sent.headers)
        kind, options = parse_options_header(sent.content_type)
        wanted = operation.consumes or ["application/json"]
        if sent.body and not any(fnmatch(kind, one) for one in wanted):
            raise ValueError(f"{kind} is none of {wanted}")
        body = io.BytesIO(sent.body or b"")
        _, form, files = FormDataParser().parse(body, kind, len(sent.body or b""), options)
        specs = [parameter.param_spec for parameter in operation.params.values()]
        multi = {spec["name"] for spec in specs if spec.get("collectionFormat") == "multi"}
        self.query, self.form = flat(ImmutableMultiDict(sent.query), multi), flat(form, multi)
        self.files = {name: file.read() for name, file in files.items()}

    def json(self, **_):
        return json.loads(self.raw) if self.raw else None


def flat(values, multi):
    """A list for a parameter that may come several times."""
    return {name: values.getlist(name) if name in multi else values[name] for name in values}


class Checker:
    """Checks against one document."""

    def __init__(self, document):
        config = {"validate_swagger_spec": False, "use_models": False, "formats": [plain(name) for name in FORMATS]}
        self.spec = Spec.from_dict(document, config=config)
        base = document.get("basePath", "").rstrip("/")
        self.patterns = [(base + path, pattern(base + path)) for path in document["paths"]]

    def check(self, sent):
        found = [(path, match.fullmatch(sent.path)) for path, match in self.patterns]
        # A path with fewer variables goes first, as the specification has it.
        for path, match in sorted(found, key=lambda one: one[0].count("{")):
            operation = match and self.spec.get_op_for_request(sent.method, path)
            if operation:
                texts = [unquote(text) for text in match.groups()]
                variables = dict(zip(re.findall(r"{([^}]*)}", path), texts))
                name = operation.op_spec.get("operationId", "")
                return path, name, *self.read(Request(sent, variables, operation), operation)
        raise ValueError("the document has no such operation")

    def read(self, request, operation):
        read = unmarshal_request(request, operation)
        values = {place: {} for place in ("path", "query", "header", "formData", "body")}
        for parameter in operation.params.values():
            values[parameter.location][parameter.name] = read[parameter.name]
        body, form = values.pop("body"), values.pop("formData")
        return {**values, "body": next(iter(body.values()), form)}, []


def plain(name):
    """A format whose texts stay texts, for who compares them."""
    return SwaggerFormat(name, to_wire=str, to_python=str, validate=lambda text: None, description=name)


def pattern(path):
    texts = re.split(r"{[^}]*}", path)
    return re.compile("([^/]*)".join(re.escape(text) for text in texts))
