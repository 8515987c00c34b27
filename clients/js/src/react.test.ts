import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { useRecognizer } from './react.js';

describe('useRecognizer', () => {
  it('renders on a server, where there is no browser', () => {
    expect(typeof window).toBe('undefined');
    function Page() {
      const { state, prediction, videoRef } = useRecognizer({ autoStart: true });
      return createElement(
        'p',
        null,
        state,
        prediction?.label,
        createElement('video', { ref: videoRef }),
      );
    }
    expect(renderToString(createElement(Page))).toBe('<p>idle<video></video></p>');
  });
});
