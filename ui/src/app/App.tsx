import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { lazy, Suspense, useEffect } from 'react';
import { isLeaving } from '../api/access';
import { NotFoundPage } from '../pages/NotFoundPage';
import { StartPage } from '../pages/StartPage';
import { Gate } from '../access/Gate';
import css from './App.module.css';
import { Crash } from './Crash';
import { usePath } from '../base/router';
import { preloadPages } from './preload';
import { Shell } from './Shell';
import { cssVariables, theme } from './theme';

const loadRecognise = () => import('../pages/RecognisePage');
const loadCameras = () => import('../pages/CamerasPage');
const loadCamera = () => import('../pages/CameraPage');
const loadBroadcast = () => import('../pages/BroadcastPage');
const loadWall = () => import('../pages/WallPage');
const loadRead = () => import('../pages/ReadPage');
const loadHealth = () => import('../pages/HealthPage');
const loadAccess = () => import('../pages/AccessPage');
const PAGES = [
  loadRecognise,
  loadCameras,
  loadCamera,
  loadBroadcast,
  loadWall,
  loadRead,
  loadHealth,
  loadAccess,
];
const RecognisePage = lazy(loadRecognise);
const CamerasPage = lazy(loadCameras);
const CameraPage = lazy(loadCamera);
const BroadcastPage = lazy(loadBroadcast);
const WallPage = lazy(loadWall);
const ReadPage = lazy(loadRead);
const HealthPage = lazy(loadHealth);
const AccessPage = lazy(loadAccess);

/** The key is known to public/scheme.js, too. */
const schemes = localStorageColorSchemeManager({ key: 'sightwire.scheme' });

export function App() {
  // The start page shows first; the others are there by the time somebody clicks.
  useEffect(() => {
    const timer = setTimeout(() => void preloadPages(PAGES, isLeaving), 1000);
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
  const path = usePath();
  const camera = /^\/cameras\/([\w-]+)$/.exec(path)?.[1];
  if (camera !== undefined) return <CameraPage key={camera} id={camera} />;
  switch (path) {
    case '/':
      return <StartPage />;
    case '/recognise':
      return (
        <Gate page="/recognise" what="Having signs recognised">
          <RecognisePage />
        </Gate>
      );
    case '/cameras':
      return <CamerasPage />;
    case '/broadcast':
      return (
        <Gate page="/broadcast" what="Sending a stream">
          <BroadcastPage />
        </Gate>
      );
    case '/wall':
      return <WallPage />;
    case '/read':
      return (
        <Gate page="/read" what="Reading text">
          <ReadPage />
        </Gate>
      );
    case '/health':
      return <HealthPage />;
    case '/access':
      return (
        <Gate page="/access" what="Managing keys and users">
          <AccessPage />
        </Gate>
      );
    default:
      return <NotFoundPage />;
  }
}
