import { Button } from '@mantine/core';
import { useState } from 'react';
import { addCamera, camerasPoll } from '../../api/cameras';
import { sentence } from '../../api/http';
import { usePoll } from '../../api/poll';
import { Link } from '../../base/Link';
import { navigate } from '../../base/router';
import { Icon } from '../../components/Icon';
import css from './TrySimulated.module.css';

const EVERY_MS = 3000;
const WORDS = 'Try a simulated camera';
const SIMULATED = { name: 'Simulated street', url: 'simulated:street', mode: 'simulated' } as const;

/** One click from nothing to a camera that runs: a generated street that the server draws itself. */
export function TrySimulated({ variant = 'default' }: { variant?: 'default' | 'filled' }) {
  const there = usePoll(camerasPoll, EVERY_MS).answer?.cameras.find(
    ({ mode }) => mode === 'simulated',
  );
  const [busy, setBusy] = useState(false);
  const [why, setWhy] = useState<string | null>(null);
  if (there !== undefined) {
    return (
      <Button
        component={Link}
        href={`/cameras/${there.id}`}
        variant={variant}
        leftSection={<Icon name="clip" />}
        data-testid="try-simulated"
      >
        {WORDS}
      </Button>
    );
  }
  const begin = async () => {
    if (busy) return;
    setBusy(true);
    setWhy(null);
    try {
      const camera = await addCamera(SIMULATED);
      camerasPoll.refresh();
      if (camera !== null) navigate(`/cameras/${camera.id}`);
    } catch (error) {
      setWhy(sentence(error));
      setBusy(false);
    }
  };
  return (
    <>
      <Button
        variant={variant}
        leftSection={<Icon name="clip" />}
        onClick={() => void begin()}
        aria-disabled={busy}
        data-testid="try-simulated"
      >
        {WORDS}
      </Button>
      {why !== null && (
        <p role="alert" className={css.why}>
          {why}
        </p>
      )}
    </>
  );
}
