import { Slider, TextInput, Tooltip } from '@mantine/core';
import type { ReactNode, RefObject } from 'react';
import type { JobFile } from 'sightwire/api';
import { fileExportPath, type FileFormat } from '../../api/read';
import { CopyButton } from '../../components/CopyButton';
import { formatCount, formatPercent } from '../../components/format';
import { Icon } from '../../components/Icon';
import { Notice } from '../../components/Notice';
import { ToolButton } from '../../components/ToolButton';
import { USUAL_LEAST } from '../address';
import { SaveLinks } from '../SaveLinks';
import { type Line, meanConfidence, textOf } from './lines';
import { TextList } from './TextList';
import css from './TextPanel.module.css';

interface Props {
  job: string | null;
  /** It is the only file of its batch. */
  isOnly: boolean;
  row: JobFile | null;
  /** All of the page. */
  all: readonly Line[];
  /** Those that are shown. */
  lines: readonly Line[];
  hovered: number | null;
  selected: number | null;
  onHover: (number: number | null) => void;
  onSelect: (number: number | null) => void;
  onOpen: (number: number) => void;
  least: number;
  onLeast: (least: number) => void;
  find: string;
  onFind: (text: string) => void;
  field: RefObject<HTMLInputElement | null>;
  phone: boolean;
  /** Instead of lines, where there are none. */
  children: ReactNode;
}

const ROW_PX = 36;
const PHONE_ROW_PX = 44;

/** All lines of the page that are sure enough, to look through, copy and save. */
export function TextPanel({ field, ...props }: Props) {
  const { job, row, all, lines, selected, least, onLeast, find, onFind } = props;
  const mean = meanConfidence(lines);
  const chosen = lines.find(({ number }) => number === selected);
  const isRead = row?.state === 'done' && job !== null;
  return (
    <>
      <div className={css.tools}>
        <TextInput
          ref={field}
          type="search"
          aria-label="Find in this text"
          placeholder="Find in this text"
          leftSection={<Icon name="search" />}
          value={find}
          onChange={(event) => onFind(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') onFind('');
          }}
          data-testid="find-text"
        />
        <div className={css.least}>
          <Tooltip label="Lines with a lower confidence are hidden, here, on the picture and in what is copied or saved. This takes effect immediately; nothing is read again.">
            <span id="least-name" className={css.leastName} tabIndex={0}>
              {' '}
              Min. confidence{' '}
            </span>
          </Tooltip>
          <Slider
            className={css.slider}
            min={0}
            max={1}
            step={0.01}
            value={least}
            onChange={onLeast}
            label={null}
            size="sm"
            thumbSize={20}
            marks={[{ value: USUAL_LEAST }]}
            thumbProps={{ 'aria-labelledby': 'least-name' }}
            thumbValueText={(value) => `${formatPercent(value)} %`}
            data-testid="least"
          />
          <span className={`number ${css.value}`}>{formatPercent(least)} %</span>
        </div>
        <div className={css.counts}>
          <span className="number" data-testid="line-count">
            {lines.length === all.length
              ? `${formatCount(all.length)} ${all.length === 1 ? 'line' : 'lines'}`
              : `${formatCount(lines.length)} of ${formatCount(all.length)} lines`}
          </span>
          {mean !== null && (
            <Tooltip label="Mean confidence of the lines shown">
              <span className={`number ${css.mean}`} tabIndex={0} data-testid="mean-confidence">
                mean {(mean * 100).toFixed(2)} %
              </span>
            </Tooltip>
          )}
          {(least !== USUAL_LEAST || find !== '') && (
            <ToolButton
              icon="retry"
              onClick={() => {
                onLeast(USUAL_LEAST);
                onFind('');
              }}
            >
              Reset
            </ToolButton>
          )}
          <CopyButton
            text={() => textOf(lines)}
            what="all lines shown"
            label="Copy all"
            disabled={lines.length === 0}
          />
        </div>
      </div>

      {row?.notes?.map((note) => (
        <div key={note} className={css.note} data-testid="note">
          <Notice tone="warn" icon="alert" title="Please note">
            {note}
          </Notice>
        </div>
      ))}
      {lines.length === 0 ? (
        <div className={css.none}>{props.children}</div>
      ) : (
        <TextList {...props} rowPx={props.phone ? PHONE_ROW_PX : ROW_PX} />
      )}

      <footer className={css.footer}>
        {chosen !== undefined && <Chosen line={chosen} />}
        {isRead && (
          <SaveLinks
            name={row.name}
            word={props.isOnly ? 'Save' : 'Save this file'}
            what={`what was read in ${row.name}`}
            path={(format: FileFormat) => fileExportPath(job, row.index, format, least)}
            annotated={row.picture}
            submission={props.isOnly ? { job, least } : undefined}
          />
        )}
      </footer>
    </>
  );
}

/** All of the line that is chosen, however long. */
function Chosen({ line }: { line: Line }) {
  const [x, y] = line.polygon[0];
  return (
    <div className={css.chosen} data-testid="chosen">
      <p className={css.chosenText} dir="auto" tabIndex={0} role="group" aria-label="Selected line">
        {line.text}
      </p>
      <p className={`number ${css.facts}`}>
        Confidence {(line.confidence * 100).toFixed(2)} %, at {x.toFixed(0)}, {y.toFixed(0)} px
      </p>
      <CopyButton text={line.text} what="this line" />
    </div>
  );
}
