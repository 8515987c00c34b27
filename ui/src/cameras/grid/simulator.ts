/** A camera that is a program: in two terminals everything can be tried. */
export const SIMULATOR_COMMAND = 'sightwire camera --listen 127.0.0.1:8090';

export const SIMULATED = {
  name: 'Simulated car park',
  url: 'http://127.0.0.1:8090/stream',
} as const;
