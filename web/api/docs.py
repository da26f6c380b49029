"""The API's own page: printed from its OpenAPI document, since a viewer with inline styles has no place here."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse, Response

from assistant.access.caller import SignIn
from assistant.access.policy import SCOPE_OF, Action
from web.library import services_of
from web.render import render
from web.rules import Needs, needs

router = APIRouter(include_in_schema=False)
TOKEN = "token"  # noqa: S105 - what the way in is called in the document


@dataclass(frozen=True, slots=True)
class FieldView:
    name: str
    kind: str
    required: bool
    about: str


@dataclass(frozen=True, slots=True)
class OperationView:
    method: str
    path: str
    summary: str
    about: str
    parameters: tuple[FieldView, ...]
    bodies: tuple[tuple[str, tuple[FieldView, ...]], ...]
    reply: str | None
    scope: str | None


@dataclass(frozen=True, slots=True)
class SchemaView:
    name: str
    about: str
    fields: tuple[FieldView, ...]


@router.get("/api/openapi.json", dependencies=[needs(Action.BROWSE)])
def openapi(request: Request) -> Response:
    """The same for tools."""
    return JSONResponse(_document(request))


@router.get("/api/docs", dependencies=[needs(Action.BE_HERE)])
def docs(request: Request) -> Response:
    document = _document(request)
    values = {"operations": tuple(_operations(document)), "schemas": tuple(_schemas(document))}
    return render(request, "api_docs.html", values)


def scopes_of(routes: Iterable[tuple[APIRoute, Needs]]) -> dict[tuple[str, str], str]:
    """What a token needs, by path and method as OpenAPI writes them."""
    return {
        (route.path, method.lower()): SCOPE_OF[rule.action].value
        for route, rule in routes
        if rule.action is not None and rule.action in SCOPE_OF
        for method in route.methods or ()
    }


def with_tokens(document: dict[str, Any], scopes: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """The document of a house where people sign in: each operation says which scope its token needs."""
    paths = {
        path: {
            method: operation | {"security": [{TOKEN: [scopes[path, method]]}]} for method, operation in methods.items()
        }
        for path, methods in document["paths"].items()
    }
    about = "A token of somebody's own, with the scope that is named; it may do no more than that person."
    schemes = {TOKEN: {"type": "http", "scheme": "bearer", "description": about}}
    return document | {"paths": paths, "components": document["components"] | {"securitySchemes": schemes}}


def with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """What went wrong comes with a media type of its own (RFC 9457), which FastAPI does not know of."""
    paths = {
        path: {
            method: operation | {"responses": {status: _as_problem(reply) for status, reply in _replies(operation)}}
            for method, operation in methods.items()
        }
        for path, methods in document["paths"].items()
    }
    return document | {"paths": paths}


def _replies(operation: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    replies: dict[str, dict[str, Any]] = operation["responses"]
    return replies.items()


def _as_problem(reply: dict[str, Any]) -> dict[str, Any]:
    schema = reply.get("content", {}).get("application/json", {}).get("schema", {})
    if schema.get("$ref", "").endswith("/ProblemOut"):
        return reply | {"content": {"application/problem+json": {"schema": schema}}}
    return reply


def _document(request: Request) -> dict[str, Any]:
    document = with_problems(request.app.openapi())
    if services_of(request).sign_in is SignIn.NONE:
        return document
    return with_tokens(document, request.app.state.scopes)


def _operations(document: dict[str, Any]) -> Iterator[OperationView]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            bodies = operation.get("requestBody", {}).get("content", {})
            yield OperationView(
                method=method.upper(),
                path=path,
                summary=operation.get("summary", ""),
                about=operation.get("description", ""),
                parameters=tuple(_parameter(one) for one in operation.get("parameters", ())),
                bodies=tuple((kind, tuple(_fields(body["schema"]))) for kind, body in bodies.items()),
                reply=_reply_name(operation),
                scope=next((scope for way in operation.get("security", ()) for scope in way[TOKEN]), None),
            )


def _schemas(document: dict[str, Any]) -> Iterator[SchemaView]:
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        if "properties" in schema:
            yield SchemaView(name, schema.get("description", ""), tuple(_fields(schema)))


def _parameter(parameter: dict[str, Any]) -> FieldView:
    return FieldView(
        parameter["name"],
        _kind(parameter["schema"]),
        parameter.get("required", False),
        parameter.get("description", ""),
    )


def _fields(schema: dict[str, Any]) -> Iterator[FieldView]:
    required = schema.get("required", ())
    for name, one in schema.get("properties", {}).items():
        yield FieldView(name, _kind(one), name in required, one.get("description", ""))


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " | ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(one) for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type", "any"))


def _reply_name(operation: dict[str, Any]) -> str | None:
    for status, reply in operation["responses"].items():
        if status.startswith("2") and "content" in reply:
            schema = reply["content"].get("application/json", {}).get("schema", {})
            return _kind(schema) if schema else None
    return None
