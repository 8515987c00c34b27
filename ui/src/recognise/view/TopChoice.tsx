import { SegmentedControl } from '@mantine/core';
import type { Top } from '../logic/settings';
import { choices, listed } from './ranking';
import css from './TopChoice.module.css';

interface Props {
  labels: number;
  top: Top | null;
  onTop: (top: Top | null) => void;
}

/** Number of labels listed. What suits the model is the default and keeps the address bare. */
export function TopChoice({ labels, top, onTop }: Props) {
  const offered = choices(labels);
  if (offered.length < 2) return null;
  const value = (count: Top) => String(count);
  const chosen = offered.find((count) => listed(count, labels) === listed(top, labels)) ?? 'all';
  return (
    <SegmentedControl
      aria-label="Number of labels listed"
      size="xs"
      value={value(chosen)}
      onChange={(text) => {
        const next = offered.find((count) => value(count) === text) ?? 'all';
        onTop(listed(next, labels) === listed(null, labels) ? null : next);
      }}
      classNames={{ root: css.root ?? '', label: css.label ?? '', indicator: css.indicator ?? '' }}
      data={offered.map((count) => ({
        value: value(count),
        label: count === 'all' ? 'All' : `${count}`,
      }))}
      data-testid="top"
    />
  );
}
