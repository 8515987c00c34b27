// What the server sends, held against the OpenAPI document: each message has the type that stands there, no field is missing,
// and none is there that the document does not know.

import { readFileSync } from "node:fs";

import { Ajv2020 } from "ajv/dist/2020.js";

const DOCUMENT = JSON.parse(
  readFileSync(new URL("../../../crates/api/openapi.json", import.meta.url), "utf8"),
);
const SCHEMAS = DOCUMENT.components.schemas;
/** Socket.IO events, and the types of which their data is one. */
const EVENTS = {
  status: ["SignMessage"],
  error: ["SignMessage"],
  model: ["SignModel"],
  prediction: ["Prediction", "DetailedPrediction"],
  result: ["SignResult"],
};
/** Answers that take another model, or no library: js/models.test.mjs and js/runtime.test.mjs have them. */
const ELSEWHERE = [
  "POST /api/v1/models/{name}/activate 200",
  "POST /api/v1/models/{name}/fetch 202",
  "POST /api/v1/runtime 202",
  // What a process asks another, which e2e/js/cluster-*.test.mjs look at.
  "POST /api/v1/cluster/streams/{name}/challenge 200",
  "POST /api/v1/cluster/streams/{name}/end-camera/{mark} 204",
  // What workers read, which e2e/python/test_shared_jobs.py looks at.
  "POST /api/v1/cluster/folders 201",
  "GET /api/v1/cluster/jobs 200",
  "POST /api/v1/cluster/jobs 201",
  "GET /api/v1/cluster/jobs/{id} 200",
  "PATCH /api/v1/cluster/jobs/{id} 200",
  "GET /api/v1/cluster/jobs/{id}/files 200",
  "GET /api/v1/cluster/jobs/{id}/files/{index} 200",
];
/** What a viewer of the camera prototype's pages asks for, and no sender does. */
const IS_BOARD = /[?&](fps|conf|user_id|camera_url)=/;

const problems = new Set();
const seen = new Set();

/** A schema that takes no property that is not in it; a `partial` one may lack any. */
function strict(schema, partial) {
  if (Array.isArray(schema)) return schema.map((one) => strict(one, partial));
  if (schema === null || typeof schema !== "object") return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, of]) => [key, strict(of, partial)]));
  if (schema.properties && schema.additionalProperties === undefined) inner.unevaluatedProperties = false;
  if (partial) delete inner.required;
  return inner;
}

function validators(partial) {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  const schemas = strict(SCHEMAS, partial);
  // What others extend is closed by them.
  for (const name of ["Detections", "StateChange"]) delete schemas[name].unevaluatedProperties;
  ajv.addSchema({ $id: "openapi", components: { schemas } });
  return (name) => ajv.getSchema(`openapi#/components/schemas/${name}`);
}
const whole = validators(false);
const partial = validators(true);

/** Notes a problem unless the value is of one of these types. */
function check(where, names, value, of = whole) {
  seen.add(where);
  const wrongs = [];
  for (const name of names) {
    const validate = of(name);
    if (validate(value)) return;
    const first = validate.errors.map((error) => `${error.instancePath} ${error.message}`).slice(0, 3);
    const extra = validate.errors.map((error) => error.params.unevaluatedProperty).filter(Boolean);
    wrongs.push(`no ${name}: ${[...first, ...extra].join(", ")}`);
  }
  problems.add(`${where}: ${wrongs.join("; ")}`);
}

/** The path of the document that is meant: one without names in braces before one with. */
function template(path) {
  const matches = (known) =>
    new RegExp(`^${known.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+")}$`).test(path);
  const known = Object.keys(DOCUMENT.paths).filter(matches);
  return known.sort((a, b) => a.split("{").length - b.split("{").length)[0];
}

const named = (schema) => schema?.$ref?.split("/").at(-1);

/** A JSON answer. */
export function answered(request, status, text) {
  const [method, target] = request.split(" ");
  if (target.startsWith("/socket.io/")) {
    if (status === 400) check("Engine.IO errors", ["EngineIoError", "Error"], JSON.parse(text));
    return;
  }
  const path = template(target.split("?")[0]);
  const responses = DOCUMENT.paths[path]?.[method.toLowerCase()]?.responses;
  const schema = responses?.[status]?.content?.["application/json"]?.schema;
  const isError = status >= 400 && schema === undefined;
  const where = isError ? "errors" : `${method} ${path} ${status}`;
  if (isError) check(where, ["Error"], JSON.parse(text));
  else if (schema === undefined) problems.add(`${method} ${target}: ${status} is not in the document`);
  else if (named(schema)) check(where, [named(schema)], JSON.parse(text));
}

/** A Server-Sent Event. */
export function happened(request, event) {
  const [, name, data] = event.match(/^event: (\w+)\n(?:id: .*\n)?data: (.*)$/m) ?? [];
  if (name === undefined) return;
  const path = template(request.split(" ")[1].split("?")[0]);
  const schema = DOCUMENT.paths[path].get.responses[200].content["text/event-stream"].schema;
  const value = JSON.parse(data);
  check(
    `events of ${path}`,
    [named(schema)],
    named(schema) === "StreamEvent" ? { event: name, ...value } : value,
  );
}

/** A text of a WebSocket. */
export function said(target, text) {
  const path = target.split("?")[0];
  if (path === "/socket.io/") {
    const [, packet] = text.match(/^42(\[.*\])$/s) ?? [];
    if (packet === undefined) return;
    const [event, data] = JSON.parse(packet);
    check(`Socket.IO ${event}`, EVENTS[event], data);
  } else if (path === "/ws/view") {
    check(path, ["ToViewer"], JSON.parse(text));
  } else if (path.startsWith("/ws/stream/") && !IS_BOARD.test(target)) {
    check("/ws/stream/{name}", ["ToSender"], JSON.parse(text));
  } else if (path.startsWith("/ws/") && text.startsWith("{")) {
    check(path, ["BoardInfo", "BoardFrame", "BoardStats", "BoardProblem"], JSON.parse(text));
  } else if (path === "/api/v1/live") {
    check(path, ["LiveMessage"], JSON.parse(text), partial);
  } else if (path.endsWith("/detections")) {
    check("/api/v1/streams/{id}/detections", ["StreamEvent"], JSON.parse(text));
  }
}

/** What was not as the document says, and what of it was never sent. */
export function verdict() {
  const unseen = [];
  for (const [path, methods] of Object.entries(DOCUMENT.paths)) {
    for (const [method, { responses }] of Object.entries(methods)) {
      for (const [status, { content }] of Object.entries(responses)) {
        const isJson = status.startsWith("2") && named(content?.["application/json"]?.schema);
        const where = `${method.toUpperCase()} ${path} ${status}`;
        if (isJson && !seen.has(where) && !ELSEWHERE.includes(where)) unseen.push(where);
      }
    }
  }
  return { problems: [...problems], unseen };
}
