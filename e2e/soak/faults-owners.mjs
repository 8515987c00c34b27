// What those who run the server do while others use it: keys and users come and go, the configuration, models and cameras change.

import assert from "node:assert/strict";

import { Client as Signs, TRANSPORTS } from "../js/client.mjs";
import { sleep, until } from "../js/harness.mjs";
import { connect, streamer, viewer } from "../js/relay.mjs";
import { watch } from "../js/viewer.mjs";
import { SIGNS } from "./server.mjs";
import { address, bearer, expect, socketIo } from "./world.mjs";

/** @import { Act } from "./comings.mjs" */

/** A key is used for everything at once, and revoked: all of it ends, and it opens nothing more. @type {Act} */
async function revocation(t, world, dice) {
  const { server, keys } = world;
  const body = { role: "streamer", name: "for a while" };
  const made = await expect(world, dice, 201, "/api/v1/keys", { method: "POST", key: keys.admin, body });
  const { key, about } = made.json;
  const options = { headers: bearer(key), from: address(dice) };
  const pictures = await watch(t, server, "/stream?camera=steady", options);
  const detections = await watch(t, server, "/api/v1/streams/street/detections", options);
  const watching = await viewer(t, server, `?key=${key}`, { localAddress: address(dice) });
  const sending = await streamer(t, server, `soak-${world.number()}`, { headers: bearer(key) });
  const live = await connect(t, server, "/api/v1/live", { headers: bearer(key) });
  const signs = Object.values(TRANSPORTS).map(
    (transports) => new Signs(server.url, socketIo(dice, key, transports)),
  );
  for (const client of signs) t.after(() => client.close());
  await Promise.all(signs.map((client) => client.ready()));
  await pictures.next();
  world.counts.connects += 8;
  await expect(world, dice, 204, `/api/v1/keys/${about.id}`, { method: "DELETE", key: keys.admin });
  const left = () => [
    ...[pictures, detections].filter((one) => !one.closed),
    ...[watching, sending, live].filter((one) => one.closed === undefined),
    ...signs.filter((client) => client.disconnects.length === 0),
  ];
  await until(() => left().length === 0, "the end of all that a revoked key had opened");
  await expect(world, dice, 401, "/api/v1/streams", { key });
}

/** A user logs in, watches, and is removed. @type {Act} */
async function removedUser(t, world, dice) {
  const name = `user ${world.number()}`;
  const password = "another correct horse";
  const { admin } = world.keys;
  const body = { name, password, role: "viewer" };
  await expect(world, dice, 201, "/api/v1/users", { method: "POST", key: admin, body });
  const asked = { method: "POST", body: { name, password } };
  const { headers } = await expect(world, dice, 200, "/api/v1/login", asked);
  const Cookie = headers["set-cookie"][0].split(";")[0];
  const pictures = await watch(t, world.server, "/stream?camera=steady", { headers: { Cookie } });
  await pictures.next();
  const path = `/api/v1/users/${encodeURIComponent(name)}`;
  await expect(world, dice, 204, path, { method: "DELETE", key: admin });
  await until(() => pictures.closed, "the end of what a removed user watched");
  await expect(world, dice, 401, "/api/v1/streams", { headers: { Cookie } });
}

/** The configuration is read again: with one camera more, with a mistake, and as it was. @type {Act} */
async function reload(t, world, dice) {
  const { server, keys } = world;
  const asked = { method: "POST", key: keys.admin };
  const again = (right) => expect(world, dice, right, "/api/v1/reload", asked);
  t.after(() => server.configure());
  server.configure([{ id: "for-a-while", url: world.spare[0].url }], "# changed\n");
  await again(200);
  const { json } = await expect(world, dice, 200, "/api/v1/cameras", { key: keys.viewer });
  assert.ok(JSON.stringify(json).includes("for-a-while"), "the camera is there");
  const one = await watch(t, server, "/stream?camera=for-a-while", { headers: bearer(keys.viewer) });
  await sleep(1_000);
  server.configure([], "no = configuration\n");
  await again(422);
  server.configure();
  if (dice.chance(0.5)) await again(200);
  else server.hangUp();
  await until(() => one.over, "the end of a camera that is not configured any more");
}

/** Another model of signs takes over, and the first one again. @type {Act} */
async function models(t, world, dice) {
  const activate = async (name) => {
    const path = `/api/v1/models/${name}/activate`;
    await expect(world, dice, [200, 409], path, { method: "POST", key: world.keys.admin });
  };
  const [first, other] = SIGNS;
  t.after(() => activate(first));
  await activate(other);
  await sleep(3_000);
  await activate(first);
}

/** A camera is added, tried, watched, changed and removed. @type {Act} */
async function cameras(t, world, dice) {
  const key = world.keys.operator;
  const { url } = world.spare[1];
  const id = `added-${world.number()}`;
  const path = `/api/v1/cameras/${id}`;
  await expect(world, dice, [200, 502], "/api/v1/cameras/test", { method: "POST", key, body: { url } });
  // Nobody answers there.
  const nobody = { method: "POST", key, body: { url: "http://127.0.0.1:9" } };
  await expect(world, dice, 502, "/api/v1/cameras/test", nobody);
  await expect(world, dice, 201, "/api/v1/cameras", { method: "POST", key, body: { id, url } });
  const one = await watch(t, world.server, `/stream?camera=${id}`, { headers: bearer(world.keys.viewer) });
  await expect(world, dice, 200, path, { method: "PATCH", key, body: { name: "Barn" } });
  await sleep(1_000);
  await expect(world, dice, 204, path, { method: "DELETE", key });
  await until(() => one.over, "the end of a camera that was removed");
}

/** @type {Record<string, { act: Act, lastsS: number }>} */
export const OWNER_FAULTS = {
  "key revoked in use": { act: revocation, lastsS: 6 },
  "user removed in use": { act: removedUser, lastsS: 5 },
  "configuration reloaded": { act: reload, lastsS: 6 },
  "models switched": { act: models, lastsS: 8 },
  "camera added and removed": { act: cameras, lastsS: 6 },
};
