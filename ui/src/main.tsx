import './app/styles';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { loadSession } from './api/access';
import { App } from './app/App';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
// The page shows meanwhile; where this fails, the bar says that the server is not there.
loadSession().catch(() => undefined);
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
