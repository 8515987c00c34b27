// Every old contract and every JSON answer, byte for byte, as it was when e2e/golden was written. What differs from run to run
// is masked by narrow rules; a key, its place, a type, a status, a header or a word that is another than before fails.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";

import { Book } from "./golden/book.mjs";
import * as cameras from "./golden/cameras.mjs";
import * as cli from "./golden/cli.mjs";
import * as documented from "./golden/documented.mjs";
import * as http from "./golden/http.mjs";
import * as logs from "./golden/logs.mjs";
import * as read from "./golden/read.mjs";
import * as relay from "./golden/relay.mjs";
import * as socketio from "./golden/socketio.mjs";

/** @type {Record<string, [promise: string, record: (t: import("./types.ts").Ending, book: Book) => Promise<void>]>} */
const AREAS = {
  relay: ["senders_and_viewers_of_the_relay_hear_what_they_always_heard", relay.record],
  cameras: ["cameras_are_listed_changed_watched_and_looked_into_as_they_always_were", cameras.record],
  http: ["plain_requests_are_answered_as_they_always_were", http.record],
  read: ["text_is_read_one_picture_at_a_time_and_in_batches_as_it_always_was", read.record],
  socketio: ["clients_of_the_sign_recogniser_hear_what_they_always_heard", socketio.record],
  cli: ["commands_print_and_exit_as_they_always_did", cli.record],
  logs: ["log_lines_have_the_words_that_people_look_for", logs.record],
  metrics: ["metrics_have_the_names_kinds_and_labels_that_they_always_had", http.recordMetrics],
};

describe("golden", { concurrency: true }, () => {
  after(() => assert.deepEqual(documented.verdict(), { problems: [], unseen: [] }));
  for (const [area, [promise, record]] of Object.entries(AREAS)) {
    test(promise, { timeout: 300_000 }, async (t) => {
      const ends = [];
      // What was begun last ends first: servers before the folders that they write to.
      t.after(async () => {
        for (const end of ends.reverse()) await end();
      });
      const book = new Book(area);
      book.replace(/\/[^\s"=]*sightwire-golden-(\w+)-\w+/g, "<$1>");
      await record({ after: (end) => ends.push(end) }, book);
      book.settle();
    });
  }
});
