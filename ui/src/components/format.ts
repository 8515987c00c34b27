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
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(0)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** A duration in the one or two units that matter. */
export function formatDuration(seconds: number): string {
  const s = Math.floor(seconds);
  if (s < 60) return `${s} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
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
