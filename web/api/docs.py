"""The API's own page: printed from its OpenAPI document, since a viewer with inline styles has no place here."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from web.render import render

router = APIRouter(include_in_schema=False)


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


@dataclass(frozen=True, slots=True)
class SchemaView:
    name: str
    about: str
    fields: tuple[FieldView, ...]


@router.get("/api/docs")
def docs(request: Request) -> Response:
    document = request.app.openapi()
    values = {"operations": tuple(_operations(document)), "schemas": tuple(_schemas(document))}
    return render(request, "api_docs.html", values)


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
