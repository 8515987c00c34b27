import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["test-results/", "playwright-report/"] },
  js.configs.recommended,
  {
    languageOptions: { globals: globals.node },
    rules: { eqeqeq: "error", "no-var": "error", "prefer-const": "error" },
  },
  {
    files: ["browser/**", "bench/**", "shots/**"],
    // Functions handed to page.evaluate run in the browser.
    languageOptions: { globals: globals.browser },
    // Playwright reads a fixture's needs from its first parameter; `{}` says "none".
    rules: { "no-empty-pattern": ["error", { allowObjectPatternsAsParameters: true }] },
  },
];
