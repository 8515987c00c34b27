// What the tests of clients/js work with in the browser: the package as an application gets it.

import { createElement, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import * as sightwire from "sightwire";
import { useRecognizer } from "sightwire/react";

/** Mounts a component with the hook, in strict mode; `hook` is what the hook gave last. */
function mountHook(options) {
  const test = { hook: null, renders: 0, predictions: 0 };
  function Camera() {
    const { autoStart = true, ...rest } = options;
    test.hook = useRecognizer({ ...rest, autoStart, onPrediction: () => (test.predictions += 1) });
    test.renders += 1;
    const { state, prediction, error, videoRef } = test.hook;
    return createElement(
      "main",
      null,
      createElement("video", { ref: videoRef, id: "video" }),
      createElement("output", null, state),
      createElement("strong", null, prediction?.label ?? "–"),
      createElement("em", null, error?.message ?? ""),
    );
  }
  const root = createRoot(document.body.appendChild(document.createElement("div")));
  root.render(createElement(StrictMode, null, createElement(Camera)));
  test.unmount = () => root.unmount();
  return test;
}

Object.assign(globalThis, { sightwire, mountHook });
