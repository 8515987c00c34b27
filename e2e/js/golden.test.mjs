// Every old contract and every JSON answer, byte for byte, as it was when e2e/golden was written. What differs from run to run
// is masked by narrow rules; a key, its place, a type, a status, a header or a word that is another than before fails.

import { describe, test } from "node:test";

import { Book } from "./golden/book.mjs";
import * as relay from "./golden/relay.mjs";

const AREAS = {
  relay: ["senders_and_viewers_of_the_relay_hear_what_they_always_heard", relay],
};

describe("golden", { concurrency: true }, () => {
  for (const [area, [promise, { record }]] of Object.entries(AREAS)) {
    test(promise, { timeout: 110_000 }, async (t) => {
      const book = new Book(area);
      await record(t, book);
      book.settle();
    });
  }
});
