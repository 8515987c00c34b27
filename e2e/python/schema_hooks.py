"""What schemathesis has to know of this API beside its document; `test_schema.py` has it read this."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies as st

from schemas import strict

# Ids of the keys that it asks with.
OWN = os.environ["SIGHTWIRE_TEST_KEYS"].split(",")
PICTURE = Path(os.environ["SIGHTWIRE_TEST_PICTURE"]).read_bytes()
# Their requests are extended with more fields, or a board says whatever it likes.
LENIENT = {"BoardChange", "BoardStatusAnswer"}
# The server is made to connect to whatever is named as a camera, and that has to stay on this machine.
ADDRESS = "^http://127\\.0\\.0\\.1:[1-9]/"

schemathesis.openapi.media_type("image/*", st.sampled_from([PICTURE, PICTURE[:200], b"no picture", b""]))
schemathesis.openapi.format("binary", st.sampled_from([PICTURE, PICTURE[:200], b"no picture"]))


@schemathesis.hook
def before_load_schema(_: Any, document: dict[str, Any]) -> None:
    exact = strict(document, LENIENT)
    schemas = exact["components"]["schemas"]
    for name, field in [
        ("NewCamera", "url"),
        ("CameraChange", "url"),
        ("CameraTest", "url"),
        ("BoardChange", "esp32_url"),
    ]:
        schemas[name]["properties"][field]["pattern"] = ADDRESS
    # One way of saying who asks: beside it, it would send others that are wrong, and be refused for them.
    exact["security"] = [{"bearer": []}]
    exact["components"]["securitySchemes"] = {"bearer": exact["components"]["securitySchemes"]["bearer"]}
    document.clear()
    document.update(json.loads(json.dumps(exact).replace("http://192.168.1.", "http://127.0.0.")))


@schemathesis.hook
def before_call(_: Any, case: schemathesis.Case, __: dict[str, Any]) -> None:
    # It takes ids from other answers, and would be refused everything after its own had been revoked.
    if case.operation.label == "DELETE /api/v1/keys/{id}" and case.path_parameters.get("id") in OWN:
        case.path_parameters["id"] = "none"
