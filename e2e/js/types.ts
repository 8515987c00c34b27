// What a request to the API may say and what its answer says, found by method and path in the types that are generated from
// the server's OpenAPI document: a field that is renamed or removed there is an error where a test reads or sends it.

import type {
  BoardFrame,
  BoardInfo,
  BoardProblem,
  BoardStats,
  Error,
  LiveMessage,
  paths,
  ToSender,
  ToViewer,
} from "../../clients/js/src/api.ts";

export type * from "../../clients/js/src/api.ts";

export type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** Without what follows the path. */
type Bare<Path extends string> = Path extends `${infer Before}?${string}` ? Before : Path;

/** Whether each part of a path is that of a known one, or stands where that has a name in braces. */
type Fits<Path, Known> = Known extends `${infer KnownPart}/${infer KnownRest}`
  ? Path extends `${infer Part}/${infer Rest}`
    ? FitsPart<Part, KnownPart> extends true
      ? Fits<Rest, KnownRest>
      : false
    : false
  : Path extends `${string}/${string}`
    ? false
    : FitsPart<Path, Known>;
type FitsPart<Part, Known> = Known extends `{${string}}` ? true : Part extends Known ? true : false;

/** The path of the document that is meant. */
type Known<Path> = Path extends keyof paths
  ? Path
  : { [One in keyof paths]: Fits<Path, One> extends true ? One : never }[keyof paths];

type Operation<M extends Method, Path extends string> = paths[Known<Bare<Path>>][Lowercase<M>];

type Json<Holder> = Holder extends { content: { "application/json": infer Value } } ? Value : never;
type Good<Responses> = { [Status in keyof Responses & (200 | 201 | 202)]: Json<Responses[Status]> };
type Values<Of> = Of[keyof Of];
type OrRefusal<Value> = [Value] extends [never] ? Error : Value & Partial<Error>;

/** The JSON of an answer; any where the path is not known here. A refusal's words may stand in each. */
export type Answer<M extends Method, Path extends string> = string extends Path
  ? any
  : OrRefusal<Operation<M, Path> extends { responses: infer Responses } ? Values<Good<Responses>> : never>;

/** The JSON of a request. */
export type Body<M extends Method, Path extends string> = string extends Path
  ? any
  : Operation<M, Path> extends { requestBody?: infer Content }
    ? Json<Content>
    : undefined;

/** A text of the relay, or of `/api/v1/live`. */
export type Said = ToViewer | ToSender | LiveMessage;

/** The texts of a type; any where that is not known here. */
export type Of<Type extends string> = string extends Type ? any : Extract<Said, { type: Type }>;

type Untyped<Message> = Omit<Message, "type">;
/** A text of the camera prototype's WebSockets, of whichever type. */
export type BoardText = { type: string } & Partial<
  Untyped<BoardInfo> & Untyped<BoardFrame> & Untyped<BoardStats> & Untyped<BoardProblem>
>;

/** Whatever ends something: a test, or what stands for one. */
export interface Ending {
  after(end: () => unknown): void;
}
