import { Button } from '@mantine/core';
import { useState } from 'react';
import type { Tls } from 'sightwire/api';
import { Icon } from '../components/Icon';
import { AccessCard } from './AccessCard';
import { LinkForm } from './LinkForm';

/** Logging a phone in without typing anything on it. */
export function PhonesCard({ tls }: { tls: Tls | null }) {
  const [open, setOpen] = useState(false);
  return (
    <AccessCard
      title="Phones"
      text="Scan a code with a phone, and it is logged in: there is nothing to type. The same link works on any other device."
      action={
        !open && (
          <Button leftSection={<Icon name="phone" />} onClick={() => setOpen(true)}>
            Log in a phone
          </Button>
        )
      }
    >
      {open && <LinkForm tls={tls} onClose={() => setOpen(false)} />}
    </AccessCard>
  );
}
