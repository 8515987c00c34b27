import { formatCount, formatRate, UNKNOWN } from '../components/format';

/** A share of lost pictures in percent, without the sign. What is lost is never rounded to nothing. */
export function formatLost(percent: number | null): string {
  if (percent === null) return UNKNOWN;
  if (percent > 0 && percent < 0.1) return '<0.1';
  return percent < 9.95 ? percent.toFixed(percent === 0 ? 0 : 1) : percent.toFixed(0);
}

/** Pictures a second, of one stream or of a thousand viewers. */
export function formatPictures(perS: number | null): string {
  return perS === null || perS < 999.95 ? formatRate(perS) : formatCount(Math.round(perS));
}

/** Values as charts tell them. */
export const asFps = (perS: number): string => `${formatPictures(perS)} fps`;
export const asLost = (percent: number): string => `${formatLost(percent)} % lost`;
export const asPercent = (percent: number): string => `${percent.toFixed(0)} %`;
