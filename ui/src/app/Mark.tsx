/** The mark: an eye on a wire. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true">
      <rect width="32" height="32" rx="7.5" fill="var(--accent)" />
      <path
        d="M2.5 16H7c2.2-4.4 5.3-6.6 9-6.6s6.8 2.2 9 6.6h4.5M7 16c2.2 4.4 5.3 6.6 9 6.6s6.8-2.2 9-6.6"
        fill="none"
        stroke="#fff"
        strokeWidth="2.2"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <circle cx="16" cy="16" r="3" fill="#fff" />
    </svg>
  );
}
