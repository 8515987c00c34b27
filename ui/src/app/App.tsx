import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { lazy, Suspense, useEffect } from 'react';
import { NotFoundPage } from '../pages/NotFoundPage';
import { StartPage } from '../pages/StartPage';
import css from './App.module.css';
import { Crash } from './Crash';
import { usePath } from './router';
import { Shell } from './Shell';
import { cssVariables, theme } from './theme';

const loadRecognise = () => import('../pages/RecognisePage');
const RecognisePage = lazy(loadRecognise);

/** The key is known to public/scheme.js, too. */
const schemes = localStorageColorSchemeManager({ key: 'sightwire.scheme' });

export function App() {
  // The start page shows first; the other one is there by the time somebody clicks.
  useEffect(() => {
    const timer = setTimeout(() => void loadRecognise().catch(() => undefined), 1000);
    return () => clearTimeout(timer);
  }, []);
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      colorSchemeManager={schemes}
      defaultColorScheme="auto"
    >
      <Crash>
        <Shell>
          <Suspense fallback={<p className={css.loading}>Loading the page…</p>}>
            <Page />
          </Suspense>
        </Shell>
      </Crash>
    </MantineProvider>
  );
}

function Page() {
  switch (usePath()) {
    case '/':
      return <StartPage />;
    case '/recognise':
      return <RecognisePage />;
    default:
      return <NotFoundPage />;
  }
}
