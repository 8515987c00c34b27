import './app/styles';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { loadSession } from './api/access';
import { App } from './app/App';
import { watchErrors } from './app/pageErrors';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
watchErrors();
// The page shows meanwhile.
void loadSession();
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
