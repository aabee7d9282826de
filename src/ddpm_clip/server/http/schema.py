"""`/openapi.json`: what routes take and return.

Routes read their bodies themselves, within limits, so what they take is described here: the fields
of the request types, with the ranges of the library.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from ddpm_clip.server.http.bodies import JSON
from ddpm_clip.server.http.openai.fields import EditFields, GenerationFields, VariationFields
from ddpm_clip.server.http.openai.uploads import FORM
from ddpm_clip.server.service.fields import IDENTIFIER
from ddpm_clip.server.service.kind import JobKind

Schema = dict[str, Any]

REF = "#/components/schemas/{model}"
ID = {"type": "string", "pattern": f"^{IDENTIFIER}$"}
FILE = {"type": "string", "format": "binary"}
EVENTS = "text/event-stream"

ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "param", "type", "hint"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "type": {"type": "string"},
                "hint": {"type": ["string", "null"]},
            },
        }
    },
}

FAILURES = {
    400: "the request is invalid",
    401: "no key, or no session",
    403: "a page of another origin",
    404: "there is no such thing",
    405: "not this method",
    408: "the request did not arrive in time",
    409: "another request had this Idempotency-Key",
    413: "the body is too large",
    415: "a type that is not taken",
    421: "another host",
    429: "the queue is full",
    500: "the job failed",
    503: "stopping or loading",
}

RETURNS = {
    ("/api/pictures/{id}.png", "get"): ("image/png",),
    ("/metrics", "get"): ("text/plain",),
    ("/api/jobs/{id}/events", "get"): (EVENTS,),
    ("/v1/images/generations", "post"): (JSON, EVENTS),
    ("/v1/images/edits", "post"): (JSON, EVENTS),
    ("/v1/images/variations", "post"): (JSON, EVENTS),
}
"""Media types of successful responses that are not only JSON."""


def document(app: FastAPI) -> Schema:
    """Return the OpenAPI document of an application, made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, routes=app.routes)
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        schemas["Error"] = ERROR
        for path, body in bodies(app.state.service.kinds, schemas).items():
            made["paths"][path]["post"]["requestBody"] = {"required": True, "content": body}
        for path, methods in made["paths"].items():
            for method, route in methods.items():
                complete(route, RETURNS.get((path, method), ()))
        app.openapi_schema = made
    return app.openapi_schema


def bodies(kinds: Mapping[str, JobKind], schemas: Schema) -> dict[str, Schema]:
    """Return the content of the bodies by path; adds nested types to the schemas."""
    picture = {"image": FILE}
    return {
        "/api/jobs": content(jobs_of(kinds, schemas)),
        "/api/session": content(only({"key": {"type": "string"}})),
        "/api/pictures": {"image/png": {"schema": FILE}, "image/jpeg": {"schema": FILE}},
        "/v1/images/generations": content(described(GenerationFields, schemas)),
        "/v1/images/edits": form(described(EditFields, schemas), picture | {"mask": FILE}),
        "/v1/images/variations": form(described(VariationFields, schemas), picture),
    }


def jobs_of(kinds: Mapping[str, JobKind], schemas: Schema) -> Schema:
    """Return the schema of a job of any kind; without `kind`, it is one of `paint`."""
    choices = []
    model, replaces = {"type": ["string", "null"]}, {"anyOf": [ID, {"type": "null"}]}
    for name, kind in kinds.items():
        schema = described(kind.request, schemas)
        named = {"kind": {"const": name}, "model": model, "replaces": replaces}
        required = [*schema.get("required", []), *(["kind"] if name != "paint" else [])]
        properties = schema.get("properties", {}) | named
        choices.append(schema | {"properties": properties, "required": required})
    return {"anyOf": choices}


def described(kind: type[BaseModel], schemas: Schema) -> Schema:
    """Return the JSON schema of a request; its nested types go to the schemas."""
    schema = kind.model_json_schema(ref_template=REF)
    schemas.update(schema.pop("$defs", {}))
    return schema


def only(properties: Schema) -> Schema:
    """Return the schema of an object with exactly these properties."""
    required = list(properties)
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def content(schema: Schema) -> Schema:
    """Return the content of a JSON body."""
    return {JSON: {"schema": schema}}


def form(schema: Schema, files: Schema) -> Schema:
    """Return the content of a form with files."""
    properties = schema["properties"] | files
    return {FORM: {"schema": schema | {"properties": properties, "required": ["image"]}}}


def complete(route: Schema, returned: tuple[str, ...]) -> None:
    """Add the failures of a route, and the types that it returns."""
    responses = route["responses"]
    responses.pop("422", None)  # replaced by 400
    if returned:
        success = next(code for code in responses if code.startswith("2"))
        responses[success]["content"] = {one: {"schema": {}} for one in returned}
    for status, description in FAILURES.items():
        failure = {
            "description": description,
            "content": content({"$ref": REF.format(model="Error")}),
        }
        responses.setdefault(str(status), failure)
