/** A camera that is a program: in two terminals everything can be tried. */
export const SIMULATOR_COMMAND = 'sightwire camera --source street --listen 127.0.0.1:8090';

export const SIMULATED = {
  name: 'Simulated street',
  url: 'http://127.0.0.1:8090/stream',
} as const;
