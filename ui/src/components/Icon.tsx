import type { ReactNode } from 'react';

/** Drawn on a 24 × 24 grid, stroke 1.8, round ends. */
const DRAWINGS = {
  alert: (
    <>
      <path d="M12 4 2.8 19.5h18.4z" />
      <path d="M12 10v4.5M12 17v.01" />
    </>
  ),
  arrowRight: <path d="M4 12h15M13 6l6 6-6 6" />,
  box: (
    <>
      <path d="M3.5 8V5a1.5 1.5 0 0 1 1.5-1.5h3M16 3.5h3A1.5 1.5 0 0 1 20.5 5v3M20.5 16v3a1.5 1.5 0 0 1-1.5 1.5h-3M8 20.5H5A1.5 1.5 0 0 1 3.5 19v-3" />
      <rect x="8" y="9" width="8" height="6.5" rx="1" />
    </>
  ),
  broadcast: (
    <>
      <path d="M12 20v-7M8.5 20h7" />
      <circle cx="12" cy="10" r="2" fill="currentColor" />
      <path d="M7.8 13.8a5.6 5.6 0 0 1 0-7.6M16.2 6.2a5.6 5.6 0 0 1 0 7.6M4.8 16.4a9.4 9.4 0 0 1 0-12.8M19.2 3.6a9.4 9.4 0 0 1 0 12.8" />
    </>
  ),
  camera: (
    <>
      <rect x="2.5" y="6" width="13" height="12" rx="2.5" />
      <path d="m15.5 10.5 6-3.5v10l-6-3.5z" />
    </>
  ),
  check: <path d="m4.5 12.5 5 5 10-11" />,
  clip: (
    <>
      <path d="M12 3.5 13.9 9l5.6 1.9-5.6 1.9-1.9 5.7-1.9-5.7L4.5 10.9 10.1 9z" />
      <path d="M19 16v5M16.5 18.5h5" />
    </>
  ),
  clock: (
    <>
      <circle cx="12" cy="12" r="8.5" />
      <path d="M12 7v5l3.5 2" />
    </>
  ),
  close: <path d="m6 6 12 12M18 6 6 18" />,
  copy: (
    <>
      <rect x="8.5" y="8.5" width="12" height="12" rx="2.5" />
      <path d="M15.5 8.5v-3a2 2 0 0 0-2-2h-8a2 2 0 0 0-2 2v8a2 2 0 0 0 2 2h3" />
    </>
  ),
  down: <path d="M12 4v15M6 13l6 6 6-6" />,
  download: <path d="M12 3.5v11.5M7 10.5l5 5 5-5M4 20h16" />,
  edit: (
    <path d="M4 20l.8-4L16.6 4.2a1.8 1.8 0 0 1 2.5 0l.7.7a1.8 1.8 0 0 1 0 2.5L8 19.2zM14.5 6.3l3.2 3.2" />
  ),
  expand: <path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5" />,
  eye: (
    <>
      <path d="M2.5 12C4.6 7.8 7.9 5.8 12 5.8s7.4 2 9.5 6.2c-2.1 4.2-5.4 6.2-9.5 6.2S4.6 16.2 2.5 12z" />
      <circle cx="12" cy="12" r="2.8" />
    </>
  ),
  file: (
    <>
      <rect x="3" y="4.5" width="18" height="15" rx="2.5" />
      <path d="M7.5 4.5v15M16.5 4.5v15M3 9.5h4.5M3 14.5h4.5M16.5 9.5H21M16.5 14.5H21" />
    </>
  ),
  folder: (
    <path d="M3 18V6a1.5 1.5 0 0 1 1.5-1.5h4l2.5 3h8.5A1.5 1.5 0 0 1 21 9v9a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 18z" />
  ),
  frozen: (
    <path d="M12 3v18M4.2 7.5l15.6 9M19.8 7.5l-15.6 9M9.5 4.5 12 7l2.5-2.5M9.5 19.5 12 17l2.5 2.5" />
  ),
  key: (
    <>
      <circle cx="8" cy="15.5" r="4" />
      <path d="m11 12.5 8.5-8.5M16 7.5l3 3M13.5 10l2 2" />
    </>
  ),
  person: (
    <>
      <circle cx="12" cy="8" r="3.8" />
      <path d="M4.5 20c.7-4.2 3.4-6.3 7.5-6.3s6.8 2.1 7.5 6.3" />
    </>
  ),
  full: (
    <>
      <circle cx="9" cy="8" r="3.5" />
      <path d="M2.5 20c.5-4 3-6 6.5-6s6 2 6.5 6M16 4.8a3.5 3.5 0 0 1 0 6.4M18.5 14.5c1.7.9 2.7 2.7 3 5.5" />
    </>
  ),
  scan: (
    <>
      <path d="M3.5 8V5A1.5 1.5 0 0 1 5 3.5h3M16 3.5h3A1.5 1.5 0 0 1 20.5 5v3M20.5 16v3a1.5 1.5 0 0 1-1.5 1.5h-3M8 20.5H5A1.5 1.5 0 0 1 3.5 19v-3" />
      <path d="M8 9h8M8 12.5h8M8 16h5" />
    </>
  ),
  hand: (
    <path d="M7.5 12.5v-7a1.4 1.4 0 0 1 2.8 0v5M10.3 10V4.2a1.4 1.4 0 0 1 2.8 0V10M13.1 10V5.4a1.4 1.4 0 0 1 2.8 0v6M15.9 11V8a1.4 1.4 0 0 1 2.8 0v6.5a6.5 6.5 0 0 1-6.5 6.5c-3 0-4.4-1.2-5.8-3.4L3.9 13.6a1.4 1.4 0 0 1 2.3-1.6l1.3 1.8" />
  ),
  health: <path d="M2.5 12.5H7l2.5-7 5 13 2.5-6h4.5" />,
  help: (
    <>
      <path d="M8.5 9a3.5 3.5 0 1 1 5 3.2c-1 .5-1.5 1.3-1.5 2.3M12 18.5v.01" />
    </>
  ),
  left: <path d="M20 12H5M11 6l-6 6 6 6" />,
  link: (
    <path d="M10 14a4 4 0 0 0 5.7 0l3.6-3.6a4 4 0 0 0-5.7-5.7l-1.2 1.2M14 10a4 4 0 0 0-5.7 0l-3.6 3.6a4 4 0 0 0 5.7 5.7l1.2-1.2" />
  ),
  live: (
    <>
      <circle cx="12" cy="12" r="3" fill="currentColor" />
      <path d="M6.5 17.5a7.8 7.8 0 0 1 0-11M17.5 6.5a7.8 7.8 0 0 1 0 11" />
    </>
  ),
  minus: <path d="M5 12h14" />,
  page: (
    <>
      <path d="M14 3H7a1.5 1.5 0 0 0-1.5 1.5v15A1.5 1.5 0 0 0 7 21h10a1.5 1.5 0 0 0 1.5-1.5v-12z" />
      <path d="M14 3v4.5h4.5M9 12.5h6M9 16.5h6" />
    </>
  ),
  model: (
    <>
      <path d="m12 3 8.5 4.5L12 12 3.5 7.5z" />
      <path d="m3.5 12 8.5 4.5 8.5-4.5M3.5 16.5 12 21l8.5-4.5" />
    </>
  ),
  moon: <path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z" />,
  pause: <path d="M8.5 5v14M15.5 5v14" />,
  phone: (
    <>
      <rect x="6.5" y="2.5" width="11" height="19" rx="2.5" />
      <path d="M11 18.5h2" />
    </>
  ),
  play: <path d="M7 4.5v15l12.5-7.5z" fill="currentColor" />,
  plug: <path d="M9 3v5M15 3v5M6 8h12v3.5a6 6 0 0 1-12 0zM12 17.5V21" />,
  pull: (
    <path d="M4 4l5.5 5.5M9.5 5v4.5H5M20 4l-5.5 5.5M14.5 5v4.5H19M4 20l5.5-5.5M9.5 19v-4.5H5M20 20l-5.5-5.5M14.5 19v-4.5H19" />
  ),
  plus: <path d="M12 5v14M5 12h14" />,
  push: (
    <path d="M9.5 9.5 4 4M4 8.5V4h4.5M14.5 9.5 20 4M20 8.5V4h-4.5M9.5 14.5 4 20M4 15.5V20h4.5M14.5 14.5 20 20M20 15.5V20h-4.5" />
  ),
  record: <circle cx="12" cy="12" r="6" fill="currentColor" />,
  retry: <path d="M19.5 12a7.5 7.5 0 1 1-2.2-5.3L20 9.2M20 4v5.2h-5.2" />,
  search: (
    <>
      <circle cx="10.5" cy="10.5" r="6.5" />
      <path d="m15.5 15.5 5 5" />
    </>
  ),
  right: <path d="M4 12h15M13 6l6 6-6 6" />,
  sliders: (
    <>
      <path d="M4 7h9M19 7h1M4 17h1M11 17h9" />
      <circle cx="16" cy="7" r="2.8" />
      <circle cx="8" cy="17" r="2.8" />
    </>
  ),
  slow: (
    <>
      <path d="M4 17.5a8.5 8.5 0 1 1 16 0" />
      <path d="M12 14.5 7.5 11M12 14.5v.01" />
    </>
  ),
  split: <path d="M9 7l-5 5 5 5M15 7l5 5-5 5" />,
  still: <circle cx="12" cy="12" r="4" />,
  stop: <rect x="6" y="6" width="12" height="12" rx="2" fill="currentColor" />,
  sun: (
    <>
      <circle cx="12" cy="12" r="4" />
      <path d="M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4" />
    </>
  ),
  system: (
    <>
      <rect x="3" y="4.5" width="18" height="12" rx="2" />
      <path d="M9 20.5h6M12 16.5v4" />
    </>
  ),
  text: <path d="M5 7V4.5h14V7M12 4.5v15M9 19.5h6" />,
  track: (
    <>
      <path d="M3.5 19c3-.5 3.5-4 6-5s4.5-.5 5.5-3" strokeDasharray="1 3.2" />
      <rect x="12.5" y="3.5" width="8" height="7" rx="1" />
    </>
  ),
  trash: <path d="M4 6.5h16M9 6.5V4h6v2.5M6 6.5 7 20h10l1-13.5M10 10.5v6M14 10.5v6" />,
  wall: (
    <>
      <rect x="3" y="4" width="8" height="7" rx="1.5" />
      <rect x="13" y="4" width="8" height="7" rx="1.5" />
      <rect x="3" y="13" width="8" height="7" rx="1.5" />
      <rect x="13" y="13" width="8" height="7" rx="1.5" />
    </>
  ),
  undo: <path d="M8.5 4.5 4 9l4.5 4.5M4 9h10a5.5 5.5 0 0 1 0 11H9" />,
  unfold: <path d="m7 10 5 5 5-5" />,
  up: <path d="M12 20V5M6 11l6-6 6 6" />,
  wave: <path d="M2.5 12c2-6 4.5-6 6.3 0s4.3 6 6.3 0 4.5-6 6.4 0" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof DRAWINGS;

/** Decoration beside a word, so hidden from screen readers. */
export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg
      viewBox="0 0 24 24"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      style={{ flex: 'none' }}
    >
      {DRAWINGS[name]}
    </svg>
  );
}
