// What the system says of a running server.

import { readFileSync, readdirSync, readlinkSync } from "node:fs";

/** Memory that it really takes, MB. */
export const rssMb = ({ pid }) =>
  Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)[1]) / 1024;

export const threads = ({ pid }) => readdirSync(`/proc/${pid}/task`).length;

/** Open files and sockets. */
export const descriptors = ({ pid }) => readdirSync(`/proc/${pid}/fd`).length;

/** The number of a server's end of a connection that comes from that port of this machine, once it has accepted it; else 0. */
export function inode({ port }, /** @type {number} */ from) {
  const hex = (number) => `:${number.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((row) => row.trim().split(/\s+/));
  const row = rows.find(([, own, peer]) => own?.endsWith(hex(port)) && peer.endsWith(hex(from)));
  return Number(row?.[9] ?? 0);
}

/** Whether it has the socket of that number. What it has closed and the kernel has bytes of is its no more. */
export function hasSocket({ pid }, /** @type {number} */ inode) {
  const is = (file) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${file}`) === `socket:[${inode}]`;
    } catch {
      return false; // it has just been closed
    }
  };
  return readdirSync(`/proc/${pid}/fd`).some(is);
}
