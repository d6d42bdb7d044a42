"""Holds requests against documents of OpenAPI 3.0 and 3.1, by openapi-core; qs-codec reads `deepObject`.

Where the library is not led to what the specification says, the request is handed over so that it is; the
reason stands beside each such place.
"""

import warnings
from urllib.parse import unquote, urlencode

import qs_codec
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.deserializing.styles import StyleDeserializersFactory, style_deserializers
from openapi_core.schema.parameters import get_style_and_explode
from openapi_core.validation.request.exceptions import (
    MissingRequestBody,
    ParametersError,
    RequestBodyValidationError,
)
from openapi_core.validation.request.validators import V30RequestValidator, V31RequestValidator
from werkzeug.datastructures import Headers, ImmutableMultiDict

# Documents use what is deprecated, which is no fault of a request.
warnings.simplefilter("ignore")

# How openapi-core finds values of these styles among those of a path.
PATH_STYLES = {"matrix": ";", "label": "."}
# Header parameters of these names are no parameters, whatever a document says (OpenAPI, Parameter Object).
NO_PARAMETERS = ("accept", "content-type", "authorization")
# As deep and as long as the largest request of the tests.
NESTING = qs_codec.DecodeOptions(depth=32, parameter_limit=10_000, list_limit=1_000)


def deep_object(_explode, name, _kind, location):
    """The specification has one level and no arrays; documents have more, and mean what qs, PHP and Rails read."""
    read = qs_codec.decode(urlencode(list(location.items(multi=True))), NESTING)
    return read[name]


class Reader:
    """A validator that tells what it has read."""

    def read(self, sent):
        path, operation, _, found, _ = self._find_path(sent)
        parameters = RequestParameters(
            path={name: unquote(text) for name, text in found.variables.items()},
            query=ImmutableMultiDict(sent.query),
            header=Headers(sent.headers),
            cookie=ImmutableMultiDict(sent.cookies),
        )
        body, faults = None, []
        try:
            parameters = self._get_parameters(parameters, operation, path)
        except ParametersError as error:
            parameters, faults = error.parameters, list(error.errors)
        try:
            body = self._get_body(sent.body, sent.content_type, operation)
        except MissingRequestBody:
            pass
        except RequestBodyValidationError as error:
            faults.append(error)
        values = {place: getattr(parameters, place) for place in ("path", "query", "header", "cookie")}
        name = (operation / "operationId").read_str("")
        return found.pattern, name, {**values, "body": body}, faults

    def _find_media_type(self, content, mimetype=None):
        """A body that is declared as `*/*` is read as what it says it is."""
        declared, options, media_type = super()._find_media_type(content, mimetype)
        return mimetype.split(";")[0] if "*" in declared and mimetype else declared, options, media_type

    def _deserialise_media_type(self, media_type, mimetype, parameters, value):
        """All of JSON's types are JSON; texts of parts become what their schema says, as those of a form do;
        base64 is a text, whatever the type of what it stands for."""
        mimetype = "application/json" if mimetype.endswith("+json") else mimetype
        read = super()._deserialise_media_type(media_type, mimetype, parameters, value)
        if mimetype.startswith("multipart") and "schema" in media_type:
            return self.schema_casters_factory.create(self.spec, media_type / "schema").cast(read)
        is_base64 = "schema" in media_type and (media_type / "schema" / "format").read_str("") == "byte"
        return read.decode() if is_base64 and isinstance(read, bytes) else read

    def _deserialise_style(self, parameter, location, name=None):
        """Hands values over under the names, and in the form, in which openapi-core looks for them."""
        name = name or (parameter / "name").read_str()
        style, explode = get_style_and_explode(parameter)
        schema = parameter / "schema"
        if style in PATH_STYLES:
            location = {f"{PATH_STYLES[style]}{name}{'*' if explode else ''}": location[name]}
        elif style == "spaceDelimited" and not explode:
            location = {name: location[name].replace(" ", "%20")}
        elif style == "form" and explode and "properties" in schema:
            members = list((schema / "properties").str_keys())
            pairs = [f"{member}={location[member]}" for member in members if member in location]
            location = {name: "&".join(pairs)} if pairs else {}
        return super()._deserialise_style(parameter, location, name)


class Checker:
    """Checks against one document."""

    def __init__(self, document):
        for item in document["paths"].values():
            for place in [item, *item.values()]:
                if isinstance(place, dict) and "parameters" in place:
                    place["parameters"] = [one for one in place["parameters"] if not ignored(one)]
        # Sound or not, the document is what its owner publishes, and callers live with it.
        spec = OpenAPI.from_dict(document, config=Config(spec_validator_cls=None)).spec
        base = V30RequestValidator if document["openapi"].startswith("3.0") else V31RequestValidator
        validator = type("Validator", (Reader, base), {"spec_validator_cls": None})
        styles = {**style_deserializers, "deepObject": deep_object}
        factory = StyleDeserializersFactory(base.schema_casters_factory, style_deserializers=styles)
        self.validator = validator(spec, style_deserializers_factory=factory)
        self.has_actions = any("#Action=" in path for path in document["paths"])

    def check(self, sent):
        # Paths of AWS's older APIs are all `/`, and a fragment says which `Action` is meant.
        action = dict(sent.query).get("Action")
        if self.has_actions and action:
            sent.path += f"#Action={action}"
        return self.validator.read(sent)


def ignored(parameter):
    return parameter.get("in") == "header" and parameter["name"].lower() in NO_PARAMETERS
