import { useEffect, useState } from 'react';
import { pushBounded } from '../../base/stats';
import type { LivePicture } from '../pictures/livePicture';

const HISTORY = 60;
const NOTHING: readonly number[] = [];

/** How the rate of pictures on this page went, one value a second. */
export function useRate(picture: LivePicture): readonly number[] {
  const [rates, setRates] = useState(NOTHING);
  useEffect(() => {
    const timer = setInterval(() => {
      const { fps } = picture.snapshot();
      if (fps !== null) setRates((before) => pushBounded(before, fps, HISTORY));
    }, 1000);
    return () => clearInterval(timer);
  }, [picture]);
  return rates;
}
