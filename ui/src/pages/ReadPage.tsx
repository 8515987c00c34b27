import { Button } from '@mantine/core';
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Job } from 'sightwire/api';
import { sentence } from '../api/http';
import { endJob } from '../api/read';
import { useStatus } from '../api/useStatus';
import { Link } from '../base/Link';
import { DropCover } from '../components/DropCover';
import { Icon } from '../components/Icon';
import { Notice } from '../components/Notice';
import { Page } from '../components/page/Page';
import { PageHead } from '../components/page/PageHead';
import { PhoneBar } from '../components/page/PhoneBar';
import { usePhone } from '../components/page/usePhone';
import { useOpener } from '../components/useOpener';
import { JobAnnouncer } from '../read/Announcer';
import { EarlierJobs } from '../read/EarlierJobs';
import { EmptyRead } from '../read/EmptyRead';
import { useJob } from '../read/job/useJob';
import { useUpload } from '../read/job/useUpload';
import { JobBar } from '../read/JobBar';
import type { OptionQuery } from '../api/read';
import { within } from '../read/preferences';
import { cannotDraw, readerWords } from '../read/readerWords';
import { ReadSnippets } from '../read/ReadSnippets';
import { SettingsPanel } from '../read/settings/SettingsPanel';
import { useTextModels } from '../read/settings/useTextModels';
import { FileInputs } from '../read/sources/FileInputs';
import type { Picked } from '../read/sources/pick';
import { useLatest } from '../read/latest';
import { readBefore } from '../read/sources/readBefore';
import { useDrop } from '../read/sources/useDrop';
import { useSources } from '../read/sources/useSources';
import { FileTable } from '../read/table/FileTable';
import { arrange } from '../read/table/rows';
import { UploadBar } from '../read/UploadBar';
import { useAddress } from '../read/useAddress';
import { usePreferences } from '../read/usePreferences';
import { useEmptyShortcuts } from '../read/useReadShortcuts';
import { useServerJobs } from '../read/useServerJobs';
import { forgetPictures } from '../read/viewer/pictureStore';
import css from './ReadPage.module.css';

/** Loaded when it is first asked for. */
const StreamPicker = lazy(() => import('../read/sources/StreamPicker'));
/** Loaded when the page has shown: there is nothing to look at before. */
const loadWorkbench = () => import('../read/Workbench');
const Workbench = lazy(loadWorkbench);

export default function ReadPage() {
  /** What a link asks to be done at once. */
  const [asked] = useState(() => new URLSearchParams(location.search));
  const [address, { change, visit }] = useAddress();
  const [chosen, setPreferences] = usePreferences();
  const models = useTextModels();
  const { status, failure } = useStatus(3000);
  const reader = status?.reader;
  const limits = reader?.limits;
  const preferences = useMemo(() => within(limits, chosen), [limits, chosen]);
  const [view, watch] = useJob(address.job);
  const { jobs, nowS, refresh } = useServerJobs();
  const phone = usePhone();
  const [settings, setSettings] = useState(false);
  useEffect(() => {
    void loadWorkbench().catch(() => undefined);
    return forgetPictures;
  }, []);

  const shown = useLatest(view);
  const open = useCallback(
    (id: string | null) => {
      const { job, rows } = shown();
      // What was read in the batch that is left may come once more.
      if (job !== null) readBefore.learn(job.id, rows);
      visit({ job: id, file: null, page: 1, state: 'all', find: '', compare: false });
    },
    [visit, shown],
  );
  const onJob = useCallback(
    (job: Job, sent: readonly Picked[], query: OptionQuery) => {
      readBefore.send(job.id, sent, query);
      open(job.id);
      refresh();
    },
    [open, refresh],
  );
  const upload = useUpload(onJob);
  const sources = useSources(upload, address.options, preferences, models.usual, {
    job: view.job,
    rows: view.rows,
    jobs,
  });
  const over = useDrop(sources.take);
  const began = useRef(false);
  useEffect(() => {
    if (began.current || asked.has('job')) return;
    began.current = true;
    const stream = asked.get('stream');
    if (stream !== null) void sources.frame(stream);
    else if (asked.has('sample')) sources.sample();
  }, [asked, sources]);

  const { rows, job } = view;
  const { state, find, sort } = address;
  const listed = useMemo(() => arrange(rows, { state, find, sort }), [rows, state, find, sort]);
  const row = rows.find(({ index }) => index === (address.file ?? 0)) ?? null;
  const openFile = useCallback((index: number) => change({ file: index, page: 1 }), [change]);

  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const findFile = useRef<HTMLInputElement>(null);
  const { note, giveBack } = useOpener();
  const [picker, setPicker] = useState<'never' | 'open' | 'closed'>('never');
  const actions = {
    files: () => files.current?.click(),
    folder: () => folder.current?.click(),
    stream: () => {
      note();
      setPicker('open');
    },
    sample: sources.sample,
    walkFiles: (by: number) => {
      const at = listed.findIndex(({ index }) => index === row?.index);
      const next = listed[at < 0 ? 0 : at + by];
      if (next !== undefined) openFile(next.index);
    },
    findFile: () => findFile.current?.focus(),
  };
  const isEmpty = address.job === null || view.phase === 'gone';
  useEmptyShortcuts(isEmpty, actions);

  const end = async (one: Job): Promise<string | null> => {
    try {
      await endJob(one.id);
    } catch (error) {
      return sentence(error);
    }
    refresh();
    if (one.state === 'running') watch?.retryNow();
    else open(null);
    return null;
  };

  return (
    <Page
      title={row === null ? 'Read text · Sightwire' : `${row.name} · Read text · Sightwire`}
      className={css.page}
    >
      <PageHead title="Read text" line={readerWords(reader)} lineId="reader" compact={!isEmpty}>
        {!isEmpty && !phone && (
          <div className={css.tools}>
            <Button variant="default" leftSection={<Icon name="clip" />} onClick={actions.sample}>
              Sample page
            </Button>
            <Button variant="default" leftSection={<Icon name="live" />} onClick={actions.stream}>
              From a stream
            </Button>
            <Button variant="default" leftSection={<Icon name="folder" />} onClick={actions.folder}>
              Folder
            </Button>
            <Button leftSection={<Icon name="plus" />} onClick={actions.files} data-testid="more">
              Read more files
            </Button>
          </div>
        )}
      </PageHead>
      <FileInputs files={files} folder={folder} onPick={sources.take} />

      <UploadBar upload={upload} before={sources.before} />
      {reader?.state === 'failed' && (
        <Notice tone="bad" icon="alert" title="The text model failed" cause={reader.error}>
          {reader.error ?? 'See the server’s log for the reason.'}
        </Notice>
      )}
      {cannotDraw(reader) && (
        <Notice
          tone="busy"
          icon="clock"
          title="PDF, AVIF and HEIC pages cannot be read yet"
          data-testid="undrawn"
        >
          The part of the server that draws them is still being built, or missing; this notice goes
          when it is there. All other pictures are read. <Link href="/health">Health</Link> says
          what is missing.
        </Notice>
      )}
      {(view.phase === 'silent' || failure !== null) && (
        <Notice
          tone="bad"
          icon="plug"
          title="The server is not responding"
          cause={view.cause ?? failure}
          data-testid="silent"
        >
          {isEmpty
            ? 'Retrying automatically.'
            : 'What is shown may be old. Retrying automatically.'}
        </Notice>
      )}
      {view.phase === 'gone' && (
        <Notice
          tone="warn"
          icon="alert"
          title="This batch no longer exists"
          cause={view.cause}
          data-testid="gone"
        >
          It was removed, or it expired. Send the files again.
        </Notice>
      )}

      {isEmpty ? (
        <div className={css.bench} data-empty>
          <EmptyRead
            onFiles={actions.files}
            onFolder={actions.folder}
            onSample={actions.sample}
            onStream={actions.stream}
            over={over}
            phone={phone}
          >
            <EarlierJobs jobs={jobs} nowS={nowS} onJob={open} />
          </EmptyRead>
          <section className={`card ${css.before}`} aria-label="Settings">
            <SettingsPanel
              options={address.options}
              onOptions={(part) => change({ options: { ...address.options, ...part } })}
              preferences={preferences}
              onPreferences={setPreferences}
              limits={limits}
              models={models}
              mayCompare={false}
              compare={false}
              onCompare={() => undefined}
            />
          </section>
        </div>
      ) : (
        <>
          {job !== null && (
            <div className={css.job} data-runs={job.state === 'running' || undefined}>
              <JobBar
                job={job}
                jobs={jobs}
                nowS={nowS}
                onJob={open}
                least={address.least}
                onEnd={end}
              />
            </div>
          )}
          <div className={css.bench} data-several={(job !== null && job.files > 1) || undefined}>
            <Suspense fallback={null}>
              <Workbench
                job={job}
                watch={watch}
                row={row}
                address={address}
                change={change}
                preferences={preferences}
                onPreferences={setPreferences}
                limits={limits}
                models={models}
                phone={phone}
                settings={settings}
                onSettings={setSettings}
                actions={actions}
              />
            </Suspense>
          </div>
          {job !== null && job.files > 1 && (
            <div className={css.rest}>
              <FileTable
                job={job.id}
                rows={listed}
                total={rows.length}
                failed={job.failed}
                current={row?.index ?? null}
                onOpen={openFile}
                sort={sort}
                onSort={(next) => change({ sort: next })}
                state={state}
                onState={(next) => change({ state: next })}
                find={find}
                onFind={(next) => change({ find: next })}
                field={findFile}
              />
            </div>
          )}
        </>
      )}
      <JobAnnouncer job={job} />
      <div className={css.rest}>
        <ReadSnippets options={address.options} />
      </div>

      {phone && !isEmpty && (
        <PhoneBar name="Settings" onOpen={() => setSettings(true)}>
          <Button leftSection={<Icon name="plus" />} onClick={actions.files} data-testid="more">
            Read more
          </Button>
        </PhoneBar>
      )}
      {over && !isEmpty && <DropCover icon="scan">Drop to read</DropCover>}
      {picker !== 'never' && (
        <Suspense fallback={null}>
          <StreamPicker
            opened={picker === 'open'}
            onClose={() => {
              setPicker('closed');
              giveBack();
            }}
            onChoose={sources.frame}
          />
        </Suspense>
      )}
    </Page>
  );
}
