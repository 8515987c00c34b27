// All that goes wrong or is changed, once each in every round.

import { CAMERA_FAULTS } from "./faults-cameras.mjs";
import { CLIENT_FAULTS } from "./faults-clients.mjs";
import { OWNER_FAULTS } from "./faults-owners.mjs";

/** @import { Act } from "./comings.mjs" */

/** @type {Record<string, { act: Act, lastsS: number }>} */
export const FAULTS = { ...CAMERA_FAULTS, ...CLIENT_FAULTS, ...OWNER_FAULTS };
