import { Button } from '@mantine/core';
import { Link } from '../base/Link';
import { usePath } from '../base/router';
import { NotFound } from '../components/NotFound';

export function NotFoundPage() {
  const path = usePath();
  return (
    <NotFound title="Page not found">
      <p>
        There is nothing at <code>{path}</code>.
      </p>
      <Button component={Link} href="/">
        Go to the start page
      </Button>
    </NotFound>
  );
}
