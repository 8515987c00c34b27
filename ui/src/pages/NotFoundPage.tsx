import { Button } from '@mantine/core';
import { Link } from '../app/Link';
import { usePath } from '../app/router';

export function NotFoundPage() {
  const path = usePath();
  return (
    <div style={{ maxWidth: '36rem', margin: '15vh auto', padding: '0 1rem' }}>
      <title>Not found · Sightwire</title>
      <h1 style={{ fontSize: 'var(--fs-title)' }}>Page not found</h1>
      <p style={{ margin: '0.5rem 0 1rem', color: 'var(--text-soft)' }}>
        There is nothing at <code>{path}</code>.
      </p>
      <Button component={Link} href="/">
        Go to the start page
      </Button>
    </div>
  );
}
