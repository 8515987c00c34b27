import { Button, Modal, UnstyledButton } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { Model, RecognizerStatus } from 'sightwire/api';
import { useMay } from '../api/session';
import { Command } from '../components/Command';
import { formatCount, formatMs } from '../components/format';
import { Icon } from '../components/Icon';
import { Notice } from '../components/Notice';
import { usePhone } from '../components/page/usePhone';
import { Progress } from '../components/Progress';
import { StateBadge } from '../components/StateBadge';
import { Markdown } from './Markdown';
import { command, details, facts, isUsable, standing } from './modelWords';
import type { Activation } from './useActivation';
import type { ModelsView } from './useModels';
import css from './ModelsDialog.module.css';

/** More labels than this are a wall, not a list. */
const MOST_LABELS = 60;

interface Props {
  opened: boolean;
  onClose: () => void;
  view: ModelsView;
  recognizer: RecognizerStatus | undefined;
  activation: Activation;
  onActivate: (name: string) => void;
}

/** All models of the server: a list, the chosen one's card, and the button that puts it to use. */
export default function ModelsDialog(props: Props) {
  const { opened, onClose, view } = props;
  const phone = usePhone();
  const { reload } = view;
  useEffect(() => {
    if (opened) reload();
  }, [opened, reload]);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      returnFocus={false}
      title="Models"
      closeButtonProps={{ 'aria-label': 'Close' }}
      attributes={{ header: { role: 'presentation' } }}
      centered
      fullScreen={phone}
      size="62rem"
      classNames={{ content: css.content ?? '', header: css.header ?? '', body: css.body ?? '' }}
    >
      <Panes {...props} phone={phone} />
    </Modal>
  );
}

function Panes(props: Props & { phone: boolean }) {
  const { view, phone } = props;
  const models = view.answer?.models ?? [];
  const [chosen, setChosen] = useState<string | null>(null);
  const active = models.find((model) => model.active);
  // On a phone there is room for the list or for the card, elsewhere for both.
  const shown =
    models.find((model) => model.name === chosen) ?? (phone ? undefined : (active ?? models[0]));
  if (phone && shown !== undefined) {
    return (
      <div className={css.single}>
        <div className={css.back}>
          <Button
            variant="subtle"
            color="gray"
            px="sm"
            leftSection={<Icon name="left" size={16} />}
            onClick={() => setChosen(null)}
          >
            All models
          </Button>
        </div>
        <Chosen {...props} model={shown} />
      </div>
    );
  }
  return (
    <div className={phone ? css.single : css.panes}>
      <div className={css.side}>
        <List models={models} shown={phone ? undefined : shown?.name} onChoose={setChosen} />
        {view.failure !== null && (
          <Notice tone="bad" icon="plug" title="The list could not be loaded" cause={view.failure}>
            Retrying automatically.
          </Notice>
        )}
        {view.answer !== null && view.answer.errors.length > 0 && (
          <Notice
            tone="warn"
            icon="alert"
            title={
              view.answer.errors.length === 1
                ? 'One manifest could not be read'
                : `${view.answer.errors.length} manifests could not be read`
            }
            cause={view.answer.errors.join('\n')}
          />
        )}
        <Own />
      </div>
      {!phone && shown !== undefined && <Chosen {...props} model={shown} />}
    </div>
  );
}

interface ListProps {
  models: readonly Model[];
  shown: string | undefined;
  onChoose: (name: string) => void;
}

function List({ models, shown, onChoose }: ListProps) {
  return (
    <ul className={css.list} aria-label="Models of this server" data-testid="models">
      {models.map((model) => (
        <li key={model.name}>
          <UnstyledButton
            className={css.entry}
            aria-current={model.name === shown || undefined}
            onClick={() => onChoose(model.name)}
            data-autofocus={model.active || undefined}
            data-testid={`model-${model.name}`}
          >
            <span className={css.entryTitle}>{model.title}</span>
            <StateBadge {...standing(model)} />
            <span className={`number ${css.entryFacts}`}>{facts(model).join(' · ')}</span>
          </UnstyledButton>
        </li>
      ))}
    </ul>
  );
}

/** How more models come here. */
function Own() {
  return (
    <div className={css.own}>
      <p>To add your own Keras model, run this on the server’s machine:</p>
      <Command text="sightwire models import FILE.h5" />
    </div>
  );
}

function Chosen(props: Props & { model: Model }) {
  const { model } = props;
  return (
    <article className={css.chosen} aria-labelledby="model-title" data-testid="model-card">
      <div
        key={model.name}
        className={css.scroll}
        tabIndex={0}
        role="group"
        aria-labelledby="model-title"
      >
        <header className={css.titleRow}>
          <h3 id="model-title" className={css.title}>
            {model.title}
          </h3>
          <StateBadge {...standing(model)} />
        </header>
        <dl className={css.details}>
          {details(model).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="number">{value}</dd>
            </div>
          ))}
        </dl>
        {model.labels !== null && model.labels.length > 0 && <Labels labels={model.labels} />}
        {(model.imported?.notes ?? []).map((note) => (
          <Notice key={note} tone="warn" icon="alert" title="Import note">
            {note}
          </Notice>
        ))}
        {model.card === null ? (
          <p className={css.soft}>
            No model card: its strengths and weaknesses are not documented.
          </p>
        ) : (
          <section aria-label="Model card" className={css.card}>
            <Markdown source={model.card} heading={4} title={model.title} />
          </section>
        )}
      </div>
      <footer className={css.footer} data-testid="model-footer">
        <Use {...props} />
      </footer>
    </article>
  );
}

function Labels({ labels }: { labels: readonly string[] }) {
  const more = labels.length - MOST_LABELS;
  return (
    <ul className={css.labels} aria-label="Labels">
      {labels.slice(0, MOST_LABELS).map((label) => (
        <li key={label}>{label}</li>
      ))}
      {more > 0 && <li className={css.more}>and {formatCount(more)} more</li>}
    </ul>
  );
}

/** Puts the model to use, or says what is in the way. */
function Use({ model, view, recognizer, activation, onActivate }: Props & { model: Model }) {
  const isOperator = useMay('operator', 'signs');
  const needed = command(model);
  const mine = activation.state !== 'idle' && activation.name === model.name ? activation : null;
  const to =
    activation.state === 'switching' ? activation.name : (recognizer?.switching?.to ?? null);

  if (needed !== null) {
    return (
      <>
        <p>
          {model.needs === 'pull'
            ? 'It has not been downloaded yet. Run this on the server’s machine:'
            : 'It must be imported first. Run this on the server’s machine:'}
        </p>
        <Command text={needed} />
      </>
    );
  }
  if (to === model.name) {
    const loading = recognizer?.loading ?? null;
    return (
      <div className={css.state} role="status">
        <p>
          <strong>Switching to this model…</strong>{' '}
          {loading?.text ?? 'The other model stays in use until it is loaded.'}
        </p>
        <Progress label={`Switching to ${model.title}`} value={loading?.progress ?? null} />
      </div>
    );
  }
  if (model.active) {
    return (
      <p className={css.state} role="status">
        <span className={css.done}>
          <Icon name="check" />
        </span>
        <span className="number">
          {mine?.state === 'done'
            ? `In use now. Switching took ${formatMs(mine.tookMs)} ms.`
            : 'This model is in use.'}
        </span>
      </p>
    );
  }
  const answer = view.answer;
  const why = !isUsable(model)
    ? 'Some of its files are missing on the server’s machine.'
    : to !== null
      ? 'Another switch is in progress.'
      : answer?.may_activate === true
        ? null
        : (answer?.why_not ?? 'This page is not allowed to change the model.');
  // Who never may is offered nothing; whoever else may not here and now sees what is in the way.
  const isOffered = answer?.may_activate === true || isOperator;
  return (
    <>
      {mine?.state === 'refused' && (
        <Notice tone="bad" icon="alert" title={mine.why.title} cause={mine.why.cause}>
          {mine.why.text}
        </Notice>
      )}
      <div className={css.use}>
        {isOffered && (
          <Button
            disabled={why !== null}
            aria-describedby="use-note"
            leftSection={<Icon name="check" size={16} />}
            onClick={() => onActivate(model.name)}
            data-testid="use-model"
          >
            Use this model
          </Button>
        )}
        <p id="use-note" className={css.soft} data-testid="use-note">
          {why ?? everyone(recognizer?.clients ?? 0)}
        </p>
      </div>
    </>
  );
}

function everyone(clients: number): string {
  if (clients === 0) return 'For all clients of this server; none is connected now.';
  const who = clients === 1 ? 'one client is' : `${formatCount(clients)} clients are`;
  return `For all clients of this server: ${who} connected and will stay connected.`;
}
