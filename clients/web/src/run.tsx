// The page of one experiment.
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { get, isPrediction, post, request, type Experiment, type RunEvent, type Session } from './api';
import { CircuitCard, withCircuits } from './circuit';
import { CurveControls, Curves, useCurveControls } from './curves';
import { bytes, count, number, samples, seconds, time, timeOfDay } from './format';
import { GenerateCard } from './generate';
import { GradientsCard } from './gradients';
import { useHistory } from './history';
import { Labels } from './labels';
import { Badge, Card, Code, Copy, Fault, Progress, useEvery, useLoad, useTitle } from './parts';
import { PredictCard } from './predict';
import { PredictionCard, ReportCard, snapshotsOf, useReport } from './results';
import { go, link } from './route';
import { ShownCard, sortShown } from './shown';
import { AskTexts, ExamplesCard, TEXTS } from './texts';

/** The tasks whose predictions are drawn, and those whose models go on from a prompt. */
const NUMBERS = ['forecasting', 'regression'], GENERATING = ['words', 'language_model'];

interface Action {
  name: string;
  when: (run: Experiment) => boolean;
  danger?: boolean;
}

const pausing = (run: Experiment) => run.status === 'running' && run.reason === 'user_paused';
const ACTIONS: Action[] = [
  { name: 'pause', when: (run) => (run.status === 'queued' || run.status === 'running') && !pausing(run) },
  { name: 'resume', when: (run) => run.status === 'paused' || pausing(run) },
  { name: 'retry', when: (run) => run.status === 'failed' || run.status === 'cancelled' },
  { name: 'cancel', when: (run) => ['queued', 'running', 'paused'].includes(run.status), danger: true },
];

function Actions({ run, reload }: { run: Experiment; reload: () => void }) {
  const [error, setError] = useState<unknown>(null);
  const place = useRef<HTMLDivElement>(null), busy = useRef(false), acted = useRef(false);
  const shown = ACTIONS.filter((action) => action.when(run));
  const act = async (what: () => Promise<unknown>) => {
    if (busy.current) return;
    busy.current = acted.current = true;
    setError(null);
    await what().catch(setError);
    busy.current = false;
  };
  useEffect(() => { // the button that was pressed has gone, and the focus with it
    if (acted.current && document.activeElement === document.body) place.current?.querySelector<HTMLElement>('button, a')?.focus();
    acted.current = false;
  }, [shown.map((action) => action.name).join()]);
  const remove = () => confirm('Delete this experiment with all its files?') && act(async () => {
    await request('DELETE', `/experiments/${run.id}`);
    go('#/');
  });
  return (
    <>
      <div class="actions" ref={place}>
        {shown.map((action) => (
          <button key={action.name} type="button" class={action.danger ? 'danger' : ''}
            onClick={() => act(async () => { await post(`/experiments/${run.id}/${action.name}`); reload(); })}>
            {action.name[0]!.toUpperCase() + action.name.slice(1)}
          </button>
        ))}
        {run.terminal && run.progress.epoch > 0 ? <a class="button" href={link('new', { from: run.id, weights: run.id })}>Fork</a> : null}
        {isPrediction(run) ? null : <a class="button" href={link('new', { from: run.id })}>Edit as new</a>}
        {run.terminal ? <button type="button" class="danger" onClick={remove}>Delete</button> : null}
      </div>
      <Fault error={error} />
    </>
  );
}

function Facts({ run }: { run: Experiment }) {
  const best = run.results.best_validation_loss ?? run.results.best_test_loss ?? null;
  const model = isPrediction(run) && run.spec.init_from ? <a href={link(`run/${run.spec.init_from}`)}>its training</a> : null;
  const facts: [string, ComponentChildren][] = [
    ['Data', isPrediction(run) ? run.data.dataset : `${run.data.dataset}: ${samples(run.data)}`],
    ['Parameters', `${count(run.model.parameters)}${run.model.quantum ? ` (${count(run.model.quantum)} angles)` : ''}`],
    ...(model ? [['Model', model]] as [string, ComponentChildren][] : [
      ['Test loss', number(run.results.test_loss)],
      ['Best', best === null ? '–' : `${number(best)} in epoch ${run.results.best_epoch}`],
    ] as [string, string][]),
    ['Ran', `${seconds(run.timings.run_seconds)}${run.attempt > 1 ? `, ${run.attempt} attempts` : ''}`],
    ['Made', time(run.created_at)],
  ];
  if (!run.terminal && run.progress.eta_seconds !== null) facts.splice(facts.findIndex(([name]) => name === 'Ran'), 1, ['Time left', `about ${seconds(run.progress.eta_seconds)}`]);
  return (
    <dl class="facts">
      {facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}

function Events({ events }: { events: RunEvent[] }) {
  const said = (event: RunEvent): string => event.type === 'log'
    ? `${event.level ?? 'log'}: ${event.message ?? ''}`
    : `${event.from ? `${event.from} → ` : ''}${event.to}${event.reason ? ` (${String(event.reason).replace(/_/g, ' ')})` : ''}${event.message ? `: ${event.message}` : ''}`;
  return (
    <Card title="Events">
      <ol class="events" tabIndex={0} aria-label="Events, oldest first">
        {events.map((event) => (
          <li key={event.id}>
            <time dateTime={event.at} title={event.at}>{timeOfDay(event.at)}</time>
            <span>{said(event)}</span>
          </li>
        ))}
      </ol>
    </Card>
  );
}

function Logs({ run }: { run: Experiment }) {
  const [attempt, setAttempt] = useState<number | null>(null);
  const { value, error, reload } = useLoad(
    () => get<{ lines: string[]; attempt: number }>(`/experiments/${run.id}/logs?limit=1000${attempt ? `&attempt=${attempt}` : ''}`),
    [run.id, attempt, run.status],
  );
  useEvery(run.terminal ? null : 3000, reload);
  const aside = run.attempt > 1 ? (
    <label>attempt{' '}
      <select value={attempt ?? run.attempt} onChange={(e) => setAttempt(Number(e.currentTarget.value))}>
        {Array.from({ length: run.attempt }, (_, i) => <option key={i}>{i + 1}</option>)}
      </select>
    </label>
  ) : null;
  return (
    <Card title="Log" aside={aside}>
      <Fault error={error} />
      <pre class="log" tabIndex={0} role="region" aria-label="The worker's log">{value ? value.lines.join('\n') || 'The worker has written nothing.' : ''}</pre>
    </Card>
  );
}

const SNAPSHOT_FILES = [['weights.safetensors', 'weights'], ['predictions.csv', 'predictions']] as const;

function Downloads({ run, done }: { run: Experiment; done: boolean }) {
  const base = `/experiments/${run.id}`;
  const trains = !isPrediction(run);
  const files: [string, string, boolean][] = [
    ['metrics.csv', `${base}/metrics?format=csv`, trains],
    ['weights.safetensors', `${base}/weights`, done && trains],
    ['weights.safetensors of the best epoch', `${base}/weights?epoch=best`, done && run.results.best_epoch !== null],
    ['weights.json', `${base}/weights?format=json`, done && trains],
    ['predictions.csv', `${base}/predictions`, done],
    ['report.json', `${base}/report`, done],
    ['events for TensorBoard', `${base}/tensorboard`, done && trains],
  ];
  return (
    <Card title="Downloads">
      <ul class="files">
        {files.filter(([, , there]) => there).map(([name, path]) => <li key={name}><a href={path} download>{name}</a></li>)}
        {done ? snapshotsOf(run).map((epoch) => (
          <li key={epoch}>
            of epoch {epoch}: {SNAPSHOT_FILES.map(([name, what], i) => (
              <>{i > 0 ? ', ' : ''}<a href={`${base}/${what}?epoch=${epoch}`} download aria-label={`${name} of epoch ${epoch}`}>{name}</a></>
            ))}
          </li>
        )) : null}
      </ul>
    </Card>
  );
}

function Setup({ run }: { run: Experiment }) {
  const { engine } = run;
  return (
    <Card title="Setup" aside={<Copy text={JSON.stringify(run.spec, null, 2)} label="Copy as JSON" />}>
      <p class="soft pad">
        Plan {engine.plan}, {engine.isa}, {String((run.spec.simulation as { precision?: string })?.precision ?? '')}; estimated{' '}
        {seconds(engine.estimated_seconds)}{engine.estimated_bytes ? `, ${bytes(engine.estimated_bytes)}` : ''}; seed {run.spec.training.seed}.
      </p>
      {run.data.warnings?.map((warning) => <p class="warning" key={warning}>{warning}</p>)}
      <details class="pad">
        <summary>The whole spec</summary>
        <Code label="spec" text={JSON.stringify(run.spec, null, 2)} />
      </details>
    </Card>
  );
}

export function Run({ id, session }: { id: string; session: Session }) {
  const history = useHistory(id);
  const controls = useCurveControls();
  const [labelling, setLabelling] = useState(false);
  const labels = useRef<HTMLButtonElement>(null);
  const { run, metrics, events, error, live, lost, reload } = history;
  const { value: report, error: unreported } = useReport(run);
  useTitle(run?.spec.name || 'Experiment');
  const { epochs: shown, others } = useMemo(() => (run ? sortShown(run, events) : { epochs: [], others: events }), [run?.id, events]);
  if (!run) return <><h1>Experiment</h1><Fault error={error} /></>;
  const left = run.status === 'succeeded' || Boolean(run.terminal && report); // weights, predictions and report
  const task = run.spec.data.task ?? 'forecasting';
  const why = run.reason_message ?? (run.reason ? run.reason.replace(/_/g, ' ') : null);
  return (
    <>
      <div class="page-head">
        <div>
          <h1>{run.spec.name || 'Experiment'}</h1>
          <p class="soft id">{run.id} <Copy text={run.id} />{run.spec.tags?.map((tag) => <span class="tag" key={tag}>{tag}</span>)}
            {session.scope !== 'read' ? <button ref={labels} type="button" class="small" aria-expanded={labelling} onClick={() => setLabelling(!labelling)}>Name and tags</button> : null}</p>
          {run.spec.notes ? <p class="notes soft">{String(run.spec.notes)}</p> : null}
        </div>
        {session.scope !== 'read' ? <Actions run={run} reload={reload} /> : null}
      </div>
      <Fault error={error} />
      {labelling ? <Labels run={run} reload={reload} done={() => { setLabelling(false); labels.current?.focus(); }} /> : null}
      <div class="card status-card">
        <div class="status-line">
          <span role="status"><Badge status={run.status} /></span>
          <Progress run={run} />
          <span role="status">
            {live ? <span class="live" title="Follows the experiment">live</span> : null}
            {lost ? <span class="live lost">no connection, trying again</span> : null}
          </span>
          {run.progress.queue_position ? <span class="soft">place {run.progress.queue_position} in the queue</span> : null}
        </div>
        {why && run.status !== 'succeeded' ? <p class={run.status === 'failed' ? 'fault' : 'soft'}>{why}</p> : null}
        {left && run.status !== 'succeeded' ? <p class="soft">What is below is of its last whole epoch.</p> : null}
        <Facts run={run} />
      </div>
      {isPrediction(run) ? null : (
        <Card title="Curves" aside={<CurveControls names={metrics.names} {...controls} />}>
          <Curves metrics={metrics} controls={controls} over={run.terminal} />
        </Card>
      )}
      {run.spec.training.shown_sequences ? <ShownCard run={run} epochs={shown} /> : null}
      {left ? (
        <>
          {NUMBERS.includes(task) ? <PredictionCard run={run} /> : null}
          <div class="two">
            <ReportCard report={report} error={unreported} />
            {isPrediction(run) ? null : GENERATING.includes(task) ? <GenerateCard run={run} session={session} /> : TEXTS.includes(task) ? <AskTexts run={run} session={session} />
              : <PredictCard run={run} session={session} />}
          </div>
          {task === 'tagging' || task === 'translation' ? <ExamplesCard run={run} /> : null}
          {report?.gradients ? <GradientsCard gradients={report.gradients} /> : null}
          {!isPrediction(run) && withCircuits(run).length > 0 ? <CircuitCard run={run} /> : null}
        </>
      ) : null}
      <div class="two">
        <Setup run={run} />
        <Downloads run={run} done={left} />
        <Events events={others} />
        <Logs run={run} />
      </div>
    </>
  );
}
