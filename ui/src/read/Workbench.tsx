import { Button, SegmentedControl } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { lazy, Suspense, useCallback, useMemo, useRef, useState } from 'react';
import type { Job, JobFile, ReadLimits } from 'sightwire/api';
import { picturePath } from '../api/read';
import { copyText } from '../components/copy';
import { Icon } from '../components/Icon';
import { Notice } from '../components/Notice';
import type { Address } from './address';
import { FileAnnouncer } from './Announcer';
import type { JobWatch } from './job/jobWatch';
import { useReading } from './job/useReading';
import { askOptions, optionsKey, optionsOf, preparation, type ReadOptions } from './options';
import type { Preferences } from './preferences';
import { SettingsPanel } from './settings/SettingsPanel';
import type { TextModels } from './settings/textModels';
import { linesOf, step, textOf, wantedLines } from './texts/lines';
import { TextPanel } from './texts/TextPanel';
import { type ReadActions, useReadShortcuts } from './useReadShortcuts';
import type { StageControl } from './viewer/Stage';
import { useCorners } from './viewer/useCorners';
import { Viewer } from './viewer/Viewer';
import { ZOOM_STEP } from './viewer/zoom';
import css from './Workbench.module.css';

/** Only on phones. */
const ControlsDrawer = lazy(() => import('../components/ControlsDrawer'));

interface Props {
  job: Job | null;
  watch: JobWatch | null;
  row: JobFile | null;
  address: Address;
  change: (part: Partial<Address>) => void;
  preferences: Preferences;
  onPreferences: (part: Partial<Preferences>) => void;
  limits: ReadLimits | undefined;
  models: TextModels;
  phone: boolean;
  settings: boolean;
  onSettings: (open: boolean) => void;
  /** What the rest of the page does on keys. */
  actions: Pick<ReadActions, 'files' | 'folder' | 'stream' | 'sample' | 'walkFiles' | 'findFile'>;
}

/** A slider that is being moved reads nothing yet. */
const SETTLE_MS = 400;

/** One file: its picture, what was read in it, and how. */
export default function Workbench(props: Props) {
  const { job, watch, row, address, change, preferences, onPreferences, models, phone } = props;
  const { settings, onSettings, actions } = props;
  const { options, least, page, compare } = address;
  const { reading, failure, isReading, again } = useReading(watch, row);
  const [found, setFound] = useState('');
  const [marks, setMarks] = useState<{ file: string; selected: number | null }>(NO_MARKS);
  const [hovered, setHovered] = useState<number | null>(null);
  const control = useRef<StageControl | null>(null);
  const field = useRef<HTMLInputElement>(null);

  const file = `${job?.id ?? ''}/${row?.index ?? ''}/${page}`;
  // Another file begins with nothing chosen.
  const selected = marks.file === file ? marks.selected : null;
  const select = useCallback(
    (number: number | null) => setMarks({ file, selected: number }),
    [file],
  );
  const all = useMemo(() => linesOf(reading, page), [reading, page]);
  const lines = useMemo(() => wantedLines(all, least, found), [all, least, found]);
  const place = (number: number | null) => {
    const at = number === null ? -1 : lines.findIndex((line) => line.number === number);
    return at < 0 ? null : at;
  };
  const numberAt = (at: number | null) => (at === null ? null : (lines[at]?.number ?? null));
  const reveal = (number: number | null, near = false) => {
    const at = place(number);
    if (at !== null) control.current?.show(at, near);
  };
  const choose = (number: number | null) => {
    select(number);
    reveal(number);
  };

  const { usual } = models;
  const mayRead = row?.picture === true && row.state === 'done';
  const corners = useCorners({
    file,
    wanted: options.perspective,
    reading,
    page,
    mayRead,
    read: (given) => again(askOptions(options, usual, given), given !== null),
  });
  const readNow = (as: ReadOptions) => void again(askOptions(as, usual, corners.given));
  const readLater = useDebouncedCallback(readNow, SETTLE_MS);
  const changeOptions = (part: Partial<ReadOptions>) => {
    const next = { ...options, ...part };
    change({ options: next });
    if (mayRead) readLater(next);
  };
  const readWith = reading?.options.corners ?? null;
  const readAs = reading && optionsOf({ ...reading.options, model: reading.model });
  const differs =
    mayRead &&
    readAs !== null &&
    !isReading &&
    optionsKey(readAs, usual, readWith) !== optionsKey(options, usual, corners.given);

  const prepared = preparation(options, corners.given);
  const comparing = compare && prepared !== null && row?.picture === true;
  const path = (ready: typeof prepared) =>
    job === null || row?.picture !== true
      ? null
      : picturePath(job.id, row.index, {
          side: preferences.side,
          page,
          ...(ready === null ? {} : { prepared: ready }),
        });

  useReadShortcuts({
    ...actions,
    walkLines: (by) => choose(step(lines, selected, by)),
    openLine: () => reveal(selected, true),
    copyLine: () => void copyText(lines.find(({ number }) => number === selected)?.text ?? ''),
    copyAll: () => void copyText(textOf(lines)),
    larger: () => control.current?.zoomBy(ZOOM_STEP, undefined, true),
    smaller: () => control.current?.zoomBy(1 / ZOOM_STEP, undefined, true),
    fit: () => control.current?.fit(),
    full: () => control.current?.zoomTo(1),
    outlines: () => onPreferences({ outlines: !preferences.outlines }),
    texts: () => onPreferences({ texts: !preferences.texts }),
    compare: () => change({ compare: !compare }),
    settings: () => onSettings(!settings),
    findText: () => {
      onSettings(false);
      requestAnimationFrame(() => field.current?.focus());
    },
  });

  const settingsPanel = (
    <SettingsPanel
      options={options}
      onOptions={changeOptions}
      preferences={preferences}
      onPreferences={onPreferences}
      limits={props.limits}
      models={models}
      mayCompare={row?.picture === true}
      compare={compare}
      onCompare={(on) => change({ compare: on })}
    />
  );
  return (
    <>
      <div className={css.viewer}>
        <Viewer
          row={row}
          reading={reading}
          page={page}
          onPage={(next) => change({ page: next })}
          picturePath={path(null)}
          preparedPath={comparing ? path(prepared) : null}
          lines={lines}
          hovered={place(hovered)}
          selected={place(selected)}
          onHover={(at) => setHovered(numberAt(at))}
          onSelect={(at) => select(numberAt(at))}
          isReading={isReading}
          corners={options.perspective && row?.state === 'done' ? corners : null}
          keep={job?.keep ?? preferences.keep}
          preferences={preferences}
          onPreferences={onPreferences}
          onWalk={actions.walkFiles}
          files={job?.files ?? 0}
          phone={phone}
          control={control}
        />
      </div>
      <section className={`card ${css.side}`} aria-label="Text and settings">
        {!phone && (
          <SegmentedControl
            className={css.tabs ?? ''}
            aria-label="Panel"
            value={settings ? 'settings' : 'text'}
            onChange={(value) => onSettings(value === 'settings')}
            data={[
              { value: 'text', label: 'Text' },
              { value: 'settings', label: 'Settings' },
            ]}
            data-testid="side-choice"
          />
        )}
        {differs && (
          <div className={css.differs} data-testid="differs">
            <span>Read with settings other than those chosen.</span>
            <Button
              variant="default"
              leftSection={<Icon name="retry" />}
              onClick={() => readNow(options)}
            >
              Read again
            </Button>
          </div>
        )}
        {failure !== null && (
          <div className={css.notice}>
            <Notice
              tone={failure.isPassing ? 'warn' : 'bad'}
              icon={failure.isPassing ? 'clock' : 'alert'}
              title={failure.title}
              cause={failure.cause}
              data-testid="read-failure"
            >
              {failure.text}
            </Notice>
          </div>
        )}
        {settings && !phone ? (
          settingsPanel
        ) : (
          <TextPanel
            job={job?.id ?? null}
            isOnly={job?.files === 1}
            row={row}
            all={all}
            lines={lines}
            hovered={hovered}
            selected={selected}
            onHover={setHovered}
            onSelect={choose}
            onOpen={(number) => reveal(number, true)}
            least={least}
            onLeast={(next) => change({ least: next })}
            find={found}
            onFind={setFound}
            field={field}
            phone={phone}
          >
            {nothing(row, all.length, reading !== null)}
          </TextPanel>
        )}
      </section>
      {phone && (
        <Suspense fallback={null}>
          <ControlsDrawer opened={settings} onClose={() => onSettings(false)} title="Settings">
            {settingsPanel}
          </ControlsDrawer>
        </Suspense>
      )}
      <FileAnnouncer row={row} reading={reading} />
    </>
  );
}

const NO_MARKS = { file: '', selected: null };

/** Why there is no text, for a person. */
function nothing(row: JobFile | null, all: number, isRead: boolean): string {
  if (row === null) return 'Loading the list of files…';
  switch (row.state) {
    case 'waiting':
      return 'This file is waiting to be read.';
    case 'reading':
      return 'This file is being read.';
    case 'failed':
      return 'This file could not be read. The reason is shown in place of the picture.';
    case 'cancelled':
      return 'The batch was cancelled before this file was read.';
    case 'done':
      break;
  }
  if (!isRead) return 'Loading the text…';
  return all === 0
    ? 'No text was found on this page. Lower thresholds under Settings find fainter text.'
    : 'No line matches the minimum confidence and the search.';
}
