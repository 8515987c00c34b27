import { Button } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { Runtime } from 'sightwire/api';
import { getJson, postJson, sentence } from '../api/http';
import { refreshStatus } from '../api/statusStore';
import { Command } from '../components/Command';
import { Icon } from '../components/Icon';
import css from './Cure.module.css';

const PATH = '/api/v1/runtime';
const PATIENCE_MS = 10_000;

interface Props {
  /** Null where there is nothing to get, only to be put to work. */
  command: string | null;
  /** A model that is offered; without one it is the library that is missing. */
  model?: string;
}

/** The command that gets what is missing, and a button that does the same for whoever may. */
export function Cure({ command, model }: Props) {
  const [mayGet, setMayGet] = useState(false);
  const [asked, setAsked] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);

  useEffect(() => {
    const gone = new AbortController();
    getJson<Runtime>(PATH, gone.signal).then(
      ({ missing, may_get }) => setMayGet((missing || model !== undefined) && may_get),
      // The command alone does it, too.
      () => setMayGet(false),
    );
    return () => gone.abort();
  }, [model]);

  const get = () => {
    setAsked(true);
    setRefusal(null);
    const path = model === undefined ? PATH : `/api/v1/models/${encodeURIComponent(model)}/fetch`;
    postJson<unknown>(path, PATIENCE_MS)
      .catch((error: unknown) => setRefusal(sentence(error)))
      .finally(() => {
        setAsked(false);
        refreshStatus();
      });
  };

  return (
    <div className={css.cure}>
      {command !== null && <Command text={command} />}
      {mayGet && (
        <p className={css.offer}>
          <Button
            leftSection={<Icon name={command === null ? 'play' : 'download'} />}
            loading={asked}
            onClick={get}
          >
            {command === null ? 'Use it now' : 'Download now'}
          </Button>
          <span>
            {command === null
              ? 'Nobody is disconnected, and no restart is needed.'
              : 'The server downloads it itself; no restart is needed.'}
          </span>
        </p>
      )}
      {refusal !== null && <p role="alert">{refusal}</p>}
    </div>
  );
}
