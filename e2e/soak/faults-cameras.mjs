// Cameras that hang, break and lie, while somebody watches.

import { listen } from "../js/events.mjs";
import { sleep } from "../js/harness.mjs";
import { watch } from "../js/viewer.mjs";
import { address, bearer } from "./world.mjs";

/** @import { Act } from "./comings.mjs" */

/** As `sightwire camera --help` lists them: how a camera goes silent, and what is wrong with its pictures. */
const SILENT = ["stall", "freeze", "slow", "slow-drip", "reset", "dead", "reset,busy", "reset,html"];
const WRONG = [
  "half-frame@3",
  "garbage@3",
  "no-length",
  "huge-length@5",
  "negative-length@4",
  "wrong-length@2",
  "thumbnail",
  "stray-eoi",
  "fill-bytes",
];
const FAULT_MS = 5_000;
const AFTERWARDS_MS = 1_500;

/** Some faults break the connection over which they are changed. */
async function set(camera, faults) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await camera.fails(faults);
    } catch (error) {
      if (tries === 3) throw error;
    }
  }
}

/** The camera of this number is watched in two ways and listened to, gets a fault, and is well again. */
const failing = (/** @type {number} */ number, faults) =>
  /** @type {Act} */ (
    async (t, world, dice) => {
      const camera = world.faulty[number];
      const options = { headers: bearer(world.keys.viewer), from: address(dice) };
      const id = `faulty-${number}`;
      const plain = await watch(t, world.server, `/stream?camera=${id}`, options);
      await plain.next();
      await watch(t, world.server, `/stream/detect?camera=${id}&fps=5`, options);
      listen(t, world.server, `/api/v1/streams/${id}/detections?key=${world.keys.viewer}`);
      t.after(() => set(camera, ""));
      await set(camera, dice.pick(faults));
      await sleep(FAULT_MS);
      await set(camera, "");
      await sleep(AFTERWARDS_MS);
      // Whoever watches all the time sees it again.
      await plain.next();
    }
  );

/** @type {Record<string, { act: Act, lastsS: number }>} */
export const CAMERA_FAULTS = {
  "camera goes silent": { act: failing(0, SILENT), lastsS: 14 },
  "camera sends nonsense": { act: failing(1, WRONG), lastsS: 14 },
  "camera has both": { act: failing(2, [...SILENT, ...WRONG]), lastsS: 14 },
};
