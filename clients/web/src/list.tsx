// All experiments, newest first: filters, live progress, choosing some to compare.
import { useEffect, useState } from 'preact/hooks';
import { get, STATUSES, type Experiment } from './api';
import { ago, modelName, number, seconds } from './format';
import { Badge, Fault, Progress, useEvery } from './parts';
import { go, link, type Route } from './route';

interface Page {
  experiments: Experiment[];
  next_cursor: string | null;
}

const PAGE = 50;

function matches(run: Experiment, words: string): boolean {
  const text = [run.id, run.spec.name, run.spec.project, ...(run.spec.tags ?? []), run.data.dataset, modelName(run.spec.model.layers)]
    .join(' ').toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function Row({ run, chosen, choose }: { run: Experiment; chosen: boolean; choose: (on: boolean) => void }) {
  const name = run.spec.name || run.id.slice(-8);
  return (
    <tr>
      <td class="cell-choose">
        <input type="checkbox" checked={chosen} aria-label={`Choose ${name} to compare`} onChange={(e) => choose(e.currentTarget.checked)} />
      </td>
      <td class="cell-name">
        <a href={link(`run/${run.id}`)}>{name}</a>
        <span class="soft">
          {run.spec.project !== 'default' ? `${run.spec.project} · ` : ''}{modelName(run.spec.model.layers)}
        </span>
        {run.spec.tags?.map((tag) => <span class="tag" key={tag}>{tag}</span>)}
      </td>
      <td><Badge status={run.status} /></td>
      <td class="cell-progress"><Progress run={run} /></td>
      <td data-label="Data">{run.data.dataset}</td>
      <td data-label="Test loss" class="num">{number(run.results.test_loss, 3)}</td>
      <td data-label="Ran" class="num">{seconds(run.timings.run_seconds)}</td>
      <td data-label="Made" class="soft nowrap">{ago(run.created_at)}</td>
    </tr>
  );
}

function Filters({ route, words, setWords }: { route: Route; words: string; setWords: (words: string) => void }) {
  const [project, setProject] = useState(route.query.get('project') ?? '');
  const status = route.query.get('status') ?? '';
  return (
    <form class="filters" role="search" onSubmit={(e) => { e.preventDefault(); go(link('', { status, project })); }}>
      <label>
        <span>Status</span>
        <select value={status} onChange={(e) => go(link('', { status: e.currentTarget.value, project }))}>
          <option value="">all</option>
          {STATUSES.map((one) => <option key={one}>{one}</option>)}
        </select>
      </label>
      <label>
        <span>Project</span>
        <input value={project} placeholder="all" onInput={(e) => setProject(e.currentTarget.value)}
          onChange={(e) => go(link('', { status, project: e.currentTarget.value }))} />
      </label>
      <label class="grow">
        <span>Words on this page</span>
        <input type="search" value={words} placeholder="name, tag, data set, model" onInput={(e) => setWords(e.currentTarget.value)} />
      </label>
    </form>
  );
}

export function List({ route }: { route: Route }) {
  const query = route.query.toString();
  const [page, setPage] = useState<Page | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [words, setWords] = useState('');
  const [chosen, setChosen] = useState<string[]>([]);

  const load = () => {
    const params = new URLSearchParams(query);
    params.set('limit', String(PAGE));
    get<Page>(`/experiments?${params}`).then((loaded) => { setPage(loaded); setError(null); }, setError);
  };
  useEffect(() => { setPage(null); load(); }, [query]);
  const active = page?.experiments.some((run) => !run.terminal && run.status !== 'paused') ?? false;
  useEvery(active ? 2000 : 10000, load);

  const rows = (page?.experiments ?? []).filter((run) => words === '' || matches(run, words));
  const older = page?.next_cursor ? link('', { ...Object.fromEntries(route.query), cursor: page.next_cursor }) : null;
  const filtered = query !== '' || words !== '';
  return (
    <>
      <div class="page-head">
        <h1>Experiments</h1>
        <div class="actions">
          <a class={`button ${chosen.length < 2 ? 'off' : ''}`} aria-disabled={chosen.length < 2}
            href={chosen.length < 2 ? undefined : link('compare', { runs: chosen.join(',') })}>
            Compare{chosen.length > 0 ? ` (${chosen.length})` : ''}
          </a>
          <a class="button primary" href={link('new')}>New experiment</a>
        </div>
      </div>
      <Filters key={route.query.get('project')} route={route} words={words} setWords={setWords} />
      <Fault error={error} />
      {page && rows.length === 0 ? (
        <div class="empty card">
          <p>{filtered ? 'No experiment fits these filters.' : 'No experiments yet.'}</p>
          {filtered ? <a class="button" href="#/">Show all</a> : <a class="button primary" href={link('new')}>Start the first one</a>}
        </div>
      ) : null}
      {rows.length > 0 ? (
        <div class="card table-place">
          <table class="runs">
            <caption class="unseen">Experiments, newest first</caption>
            <thead>
              <tr>
                <th scope="col"><span class="unseen">Compare</span></th><th scope="col">Name</th><th scope="col">Status</th>
                <th scope="col">Progress</th><th scope="col">Data</th><th scope="col" class="num">Test loss</th>
                <th scope="col" class="num">Ran</th><th scope="col">Made</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((run) => (
                <Row key={run.id} run={run} chosen={chosen.includes(run.id)}
                  choose={(on) => setChosen((old) => (on ? [...old, run.id] : old.filter((id) => id !== run.id)))} />
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      {older || route.query.get('cursor') ? (
        <nav class="pages" aria-label="Pages">
          {route.query.get('cursor') ? (
            <>
              <a class="button" href={link('', { ...Object.fromEntries(route.query), cursor: '' })}>Newest</a>
              <button type="button" onClick={() => history.back()}>Newer</button>
            </>
          ) : null}
          {older ? <a class="button" href={older}>Older</a> : null}
        </nav>
      ) : null}
    </>
  );
}
