// What the system says of a running server.

import { readFileSync, readdirSync } from "node:fs";

/** Memory that it really takes, MB. */
export const rssMb = ({ pid }) =>
  Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)[1]) / 1024;

export const threads = ({ pid }) => readdirSync(`/proc/${pid}/task`).length;

/** Open files and sockets. */
export const descriptors = ({ pid }) => readdirSync(`/proc/${pid}/fd`).length;
