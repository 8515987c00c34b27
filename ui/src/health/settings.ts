import { type Span, SPANS } from './history';
import { type Sort, STREAM_SORTS, type StreamSort, VIEWER_SORTS, type ViewerSort } from './rows';

/** What of the page stands in its address, so that a view can be shared. */
export interface HealthSettings {
  find: string;
  /** Only what somebody should look after. */
  trouble: boolean;
  /** How far back charts go. */
  span: Span;
  streams: Sort<StreamSort>;
  viewers: Sort<ViewerSort>;
}

/** Problems come first. */
const STREAMS_BY: StreamSort = 'state';
const VIEWERS_BY: ViewerSort = 'since';
const USUAL_SPAN: Span = 'hour';

export function parseSettings(search: string): HealthSettings {
  const query = new URLSearchParams(search);
  return {
    find: query.get('find') ?? '',
    trouble: query.has('trouble'),
    span: SPANS.find(({ value }) => value === query.get('span'))?.value ?? USUAL_SPAN,
    streams: parseSort(query.get('streams'), STREAM_SORTS, STREAMS_BY),
    viewers: parseSort(query.get('viewers'), VIEWER_SORTS, VIEWERS_BY),
  };
}

export function formatSettings({ find, trouble, span, streams, viewers }: HealthSettings): string {
  const query = new URLSearchParams();
  if (find !== '') query.set('find', find);
  if (trouble) query.set('trouble', '');
  if (span !== USUAL_SPAN) query.set('span', span);
  const byStreams = formatSort(streams);
  const byViewers = formatSort(viewers);
  if (byStreams !== STREAMS_BY) query.set('streams', byStreams);
  if (byViewers !== VIEWERS_BY) query.set('viewers', byViewers);
  const text = query.toString().replace('trouble=', 'trouble');
  return text === '' ? '' : `?${text}`;
}

/** What a press on a column's name does: sorts by it, or the other way round. */
export function nextSort<Key extends string>(sort: Sort<Key>, by: Key): Sort<Key> {
  return { by, reversed: sort.by === by && !sort.reversed };
}

function parseSort<Key extends string>(
  text: string | null,
  sorts: Record<Key, unknown>,
  usual: Key,
): Sort<Key> {
  const by = (text ?? usual).replace(/^-/, '');
  if (!Object.hasOwn(sorts, by)) return { by: usual, reversed: false };
  return { by: by as Key, reversed: text?.startsWith('-') === true };
}

function formatSort({ by, reversed }: Sort<string>): string {
  return reversed ? `-${by}` : by;
}
