"""The two documents of the API: what they say of messages, in a form that messages can be compared with."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from harness import ROOT

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def checked_in(name: str) -> dict[str, Any]:
    """`openapi` or `asyncapi`, as the repository has it."""
    document: dict[str, Any] = json.loads((ROOT / f"crates/api/{name}.json").read_text())
    return document


def strict(document: dict[str, Any], lenient: set[str]) -> dict[str, Any]:
    """A copy in which no type has fields that it does not name, but for those called so."""
    exact = copy.deepcopy(document)
    schemas = exact["components"]["schemas"]
    # Where a type is a part of another one, that has more fields.
    parts = {ref.rsplit("/", 1)[-1] for ref in extended(document)}
    for name, schema in schemas.items():
        if name not in lenient | parts:
            close(schema)
    return exact


def extended(schema: Any) -> Iterator[str]:
    """Types that some place adds fields to."""
    if isinstance(schema, dict):
        if "$ref" in schema and "properties" in schema:
            yield schema["$ref"]
        for value in schema.values():
            yield from extended(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from extended(item)


def close(schema: Any) -> None:
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and "$ref" not in schema:
            schema.setdefault("additionalProperties", False)
        for value in schema.values():
            close(value)
    elif isinstance(schema, list):
        for item in schema:
            close(item)


def within(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema of the document that can stand alone."""
    return {"$schema": DIALECT, "allOf": [schema], "components": {"schemas": document["components"]["schemas"]}}
