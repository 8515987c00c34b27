import type { Job, JobFile } from 'sightwire/api';
import { RequestError, sentence, SILENT_MS } from '../../api/http';
import { eventsPath, getJob, getRows, ROWS_A_PAGE } from '../../api/read';
import { finished } from '../words';
import { at } from '../../base/basePath';

export interface JobView {
  /** `silent`: the server does not answer; it is asked again and again. `gone`: it knows no such job. */
  phase: 'loading' | 'there' | 'silent' | 'gone';
  job: Job | null;
  /** In the order of the files; while they are loaded, those that have come. */
  rows: readonly JobFile[];
  /** Why it is silent or gone, for the details. */
  cause: string | null;
}

/** What is used of the browser's `EventSource`. */
export interface Events {
  addEventListener: (type: string, heard: (event: MessageEvent<string>) => void) => void;
  close: () => void;
}

export interface Needs {
  events: (path: string) => Events;
  job: typeof getJob;
  rows: typeof getRows;
}

const BROWSER: Needs = { events: (path) => new EventSource(at(path)), job: getJob, rows: getRows };

const LOADING: JobView = { phase: 'loading', job: null, rows: [], cause: null };
const RETRY_MS = 3000;
const SOON_MS = 500;
/** More often nobody can read it, and a table of 10,000 rows has to be arranged each time. */
const SHOW_EVERY_MS = 200;
const NOT_FOUND = 404;

/**
 * A job with all its files, kept up to date for as long as somebody looks and the page is visible:
 * the list is asked for once, then the server tells of each file that is done. After a loss it
 * begins anew by itself.
 */
export class JobWatch {
  private current: JobView = LOADING;
  private readonly files: (JobFile | undefined)[] = [];
  private readonly watchers = new Set<() => void>();
  private events: Events | undefined;
  private loading: AbortController | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private showing: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly id: string,
    private readonly needs: Needs = BROWSER,
  ) {}

  readonly view = (): JobView => this.current;

  readonly watch = (changed: () => void): (() => void) => {
    if (this.watchers.size === 0) {
      document.addEventListener('visibilitychange', this.onVisibility);
      if (!document.hidden) this.start();
    }
    this.watchers.add(changed);
    return () => {
      this.watchers.delete(changed);
      if (this.watchers.size > 0) return;
      document.removeEventListener('visibilitychange', this.onVisibility);
      this.stop();
    };
  };

  /** Asks again now instead of at the next turn. */
  readonly retryNow = (): void => {
    if (this.watchers.size > 0) this.start();
  };

  /** What this page knows of a file before the server tells. */
  readonly learn = (index: number, part: Partial<JobFile>): void => {
    const row = this.files[index];
    if (row === undefined) return;
    this.files[index] = { ...row, ...part };
    this.show();
  };

  private readonly onVisibility = (): void => {
    if (document.hidden) this.stop();
    else this.start();
  };

  private stop(): void {
    clearTimeout(this.retry);
    clearTimeout(this.showing);
    this.showing = undefined;
    this.loading?.abort();
    this.events?.close();
    this.events = undefined;
  }

  private start(): void {
    this.stop();
    this.loading = new AbortController();
    void this.load(this.loading.signal);
  }

  private async load(signal: AbortSignal): Promise<void> {
    const silent = setTimeout(() => {
      if (signal.aborted) return;
      this.hear({ phase: 'silent', cause: `no response within ${SILENT_MS} ms` });
    }, SILENT_MS);
    try {
      const job = await this.needs.job(this.id, signal);
      clearTimeout(silent);
      this.hear({ phase: 'there', job, cause: null });
      for (let offset = 0; offset < job.files; offset += ROWS_A_PAGE) {
        const { files } = await this.needs.rows(this.id, offset, signal);
        for (const row of files) this.files[row.index] = row;
        this.show();
        if (files.length === 0) break;
      }
      // Files that ended while the list was on its way are told once more.
      if (job.state === 'running') this.listen(finished(job));
    } catch (error) {
      if (!signal.aborted) this.fail(error);
    } finally {
      clearTimeout(silent);
    }
  }

  private listen(after: number): void {
    const events = this.needs.events(eventsPath(this.id, after));
    this.events = events;
    events.addEventListener('job', ({ data }) => {
      this.hear({ phase: 'there', job: JSON.parse(data) as Job, cause: null });
    });
    events.addEventListener('file', ({ data }) => {
      const row = JSON.parse(data) as JobFile;
      this.files[row.index] = row;
      this.show();
    });
    events.addEventListener('end', ({ data }) => {
      events.close();
      this.hear({ job: JSON.parse(data) as Job });
      // Which pictures were kept is known now.
      if (events === this.events && this.watchers.size > 0) this.start();
    });
    events.addEventListener('error', () => {
      if (events !== this.events) return;
      events.close();
      this.again(SOON_MS);
    });
  }

  private fail(error: unknown): void {
    const cause = error instanceof Error ? error.message : sentence(error);
    if (error instanceof RequestError && error.status === NOT_FOUND) {
      this.stop();
      this.hear({ phase: 'gone', cause });
      return;
    }
    this.hear({ phase: 'silent', cause });
    this.again();
  }

  private again(afterMs = RETRY_MS): void {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.start(), afterMs);
  }

  private hear(part: Partial<JobView>): void {
    const before = this.current;
    this.current = { ...before, ...part };
    // A change of what it is, a person sees at once; counts can wait.
    if (part.phase !== undefined && part.phase !== before.phase) this.showNow();
    else if (part.job?.state !== before.job?.state) this.showNow();
    else this.show();
  }

  private show(): void {
    this.showing ??= setTimeout(() => this.showNow(), SHOW_EVERY_MS);
  }

  private showNow(): void {
    clearTimeout(this.showing);
    this.showing = undefined;
    const rows = this.files.filter((row) => row !== undefined);
    this.current = { ...this.current, rows };
    for (const changed of this.watchers) changed();
  }
}
