/** Stands where a number is not known. */
export const UNKNOWN = '–';

/** Milliseconds with as many digits as they deserve, without the unit. */
export function formatMs(value: number | null): string {
  if (value === null) return UNKNOWN;
  return value < 9.95 ? value.toFixed(1) : value.toFixed(0);
}

export function formatRate(value: number | null): string {
  return value === null ? UNKNOWN : value.toFixed(1);
}

/** A share from 0 to 1 as whole percent, without the sign. */
export function formatPercent(share: number | null): string {
  return share === null ? UNKNOWN : (share * 100).toFixed(0);
}

export function formatBytes(bytes: number | null): string {
  if (bytes === null) return UNKNOWN;
  if (bytes < 9.95e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(0)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Bytes a second, with their unit. */
export function formatByteRate(bytesPerS: number | null): string {
  if (bytesPerS === null) return UNKNOWN;
  if (bytesPerS < 999.5) return `${bytesPerS.toFixed(0)} B/s`;
  if (bytesPerS < 999_500) return `${(bytesPerS / 1e3).toFixed(0)} kB/s`;
  return `${formatBytes(bytesPerS)}/s`;
}

/** A duration in the one or two units that matter. */
export function formatDuration(seconds: number): string {
  const s = Math.floor(seconds);
  if (s < 60) return `${s} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

/** A duration that runs on, as a clock shows it: 0:42, 59:07, 1:00:00. */
export function formatClock(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes}:${two(s % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(s % 60)}`;
}

/** A count with its digits in groups. */
export function formatCount(value: number): string {
  return value.toLocaleString('en');
}

const NAMES: Record<string, string> = {
  cpu: 'CPU',
  cuda: 'CUDA',
  openvino: 'OpenVINO',
  f32: '32-bit float',
  f16: '16-bit float',
  bf16: '16-bit bfloat',
};

/** How people write what the server calls `openvino` or `f32`. */
export function spell(name: string): string {
  return NAMES[name.toLowerCase()] ?? name;
}
