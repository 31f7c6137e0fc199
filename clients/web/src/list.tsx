// All experiments, newest first: filters, live progress, choosing some to compare.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { get, STATUSES, type Experiment } from './api';
import { ago, modelName, number, seconds } from './format';
import { Badge, Fault, Progress, useEvery, usePlaces } from './parts';
import { go, link, parse, type Route } from './route';

interface Page {
  experiments: Experiment[];
  next_cursor: string | null;
}

const PAGE = 50;

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
        {run.spec.tags?.map((tag) => <a class="tag" key={tag} href={link('', { tag })} aria-label={`Tag ${tag}`}>{tag}</a>)}
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

const SORTS: [string, string][] = [['', 'newest first'], ['best_test_loss', 'best test loss'], ['test_loss', 'test loss'], ['-test_accuracy', 'test accuracy']];

function Filter({ name, label, placeholder, value, set }: {
  name: string; label: string; placeholder: string; value: string; set: (e: { currentTarget: { value: string } }) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    if (input.current!.value.trim() !== value) input.current!.value = value; // the address was changed elsewhere
  }, [value]);
  return (
    <label class={name === 'text' ? 'grow' : ''}>
      <span>{label}</span>
      <input ref={input} placeholder={placeholder} onChange={set} />
    </label>
  );
}

function Filters({ route }: { route: Route }) {
  const value = (name: string) => route.query.get(name) ?? '';
  const set = (name: string) => (e: { currentTarget: { value: string } }) =>
    go(link('', { ...Object.fromEntries(route.query), cursor: '', [name]: e.currentTarget.value.trim() }));
  const field = (name: string, label: string, placeholder: string) => (
    <Filter name={name} label={label} placeholder={placeholder} value={value(name)} set={set(name)} />
  );
  return (
    <form class="filters" role="search" aria-label="Experiments" onSubmit={(e) => e.preventDefault()}>
      <label>
        <span>Status</span>
        <select value={value('status')} onChange={set('status')}>
          <option value="">all</option>
          {STATUSES.map((one) => <option key={one}>{one}</option>)}
        </select>
      </label>
      <label>
        <span>Kind</span>
        <select value={value('kind')} onChange={set('kind')}>
          <option value="">all</option>
          {['training', 'prediction'].map((one) => <option key={one}>{one}</option>)}
        </select>
      </label>
      {field('project', 'Project', 'all')}
      {field('tag', 'Tag', 'all')}
      <label>
        <span>Order</span>
        <select value={value('sort')} onChange={set('sort')}>{SORTS.map(([sort, name]) => <option key={sort} value={sort}>{name}</option>)}</select>
      </label>
      {field('text', 'Words', 'in name, notes or tags')}
    </form>
  );
}

const REMEMBERED = 20;

/** The pages of a list: the one of `query` with those before and behind it. What was seen is there at once when it comes
 * again, and the next page is asked for ahead, once a page; either way the service is asked how it stands. */
function usePages(query: string, nextOf: (page: Page) => string | null) {
  const [page, setPage] = useState<Page | null>(null);
  const [error, setError] = useState<unknown>(null);
  const seen = useRef(new Map<string, Page>()), asked = useRef(query), ahead = useRef<string | null>(null);
  asked.current = query;

  const ask = async (which: string) => {
    const params = new URLSearchParams(which);
    params.set('limit', String(PAGE));
    const loaded = await get<Page>(`/experiments?${params}`);
    seen.current.delete(which);
    seen.current.set(which, loaded);
    if (seen.current.size > REMEMBERED) seen.current.delete(seen.current.keys().next().value!);
    return loaded;
  };
  const load = async () => {
    try {
      const loaded = await ask(query);
      if (asked.current !== query) return;
      setPage(loaded);
      setError(null);
      const next = nextOf(loaded);
      if (next !== null && ahead.current !== query && !seen.current.has(next)) {
        ahead.current = query;
        ask(next).catch(() => {});
      }
    } catch (refused) {
      if (asked.current === query) setError(refused);
    }
  };
  useLayoutEffect(() => void load(), [query]); // an effect that waits for a frame would hold the request up
  return { page: seen.current.get(query) ?? page, error, load }; // the rows before stay until the new ones are there
}

export function List({ route }: { route: Route }) {
  const query = route.query.toString();
  const olderThan = ({ next_cursor }: Page) => (next_cursor ? link('', { ...Object.fromEntries(route.query), cursor: next_cursor }) : null);
  const { page, error, load } = usePages(query, (loaded) => {
    const older = olderThan(loaded);
    return older && parse(older).query.toString();
  });
  const [chosen, setChosen] = useState<string[]>([]);
  const active = page?.experiments.some((run) => !run.terminal && run.status !== 'paused') ?? false;
  useEvery(active ? 2000 : 10000, load);
  const cursor = route.query.get('cursor');
  useLayoutEffect(() => scrollTo(0, 0), [cursor]);

  const rows = page?.experiments ?? [];
  const places = usePlaces(rows.map((run) => run.id));
  const older = page && olderThan(page);
  const filtered = query !== '';
  return (
    <>
      <div class="page-head">
        <h1>Experiments</h1>
        <div class="actions">
          {chosen.length < 2 ? (
            <button type="button" disabled title="Choose two experiments or more in the list">Compare{chosen.length > 0 ? ' (1)' : ''}</button>
          ) : <a class="button" href={link('compare', { runs: chosen.join(',') })}>Compare ({chosen.length})</a>}
          <a class="button primary" href={link('new')}>New experiment</a>
        </div>
      </div>
      <Filters route={route} />
      <Fault error={error} />
      <p class="unseen" role="status">{page ? `${rows.length === 1 ? '1 experiment' : `${rows.length}${older ? ' or more' : ''} experiments`}${cursor ? ', an older page' : ''}` : ''}</p>
      {page && rows.length === 0 ? (
        <div class="empty card">
          <p>{filtered ? 'No experiment fits these filters.' : 'No experiments yet.'}</p>
          {filtered ? <a class="button" href="#/">Show all</a> : <a class="button primary" href={link('new')}>Start the first one</a>}
        </div>
      ) : null}
      {rows.length > 0 ? (
        <div class="card table-place">
          <table class="runs all">
            <caption class="unseen">Experiments, {SORTS.find(([sort]) => sort === (route.query.get('sort') ?? ''))?.[1] ?? 'in another order'}</caption>
            <thead>
              <tr>
                <th scope="col"><span class="unseen">Compare</span></th><th scope="col">Name</th><th scope="col">Status</th>
                <th scope="col">Progress</th><th scope="col">Data</th><th scope="col" class="num">Test loss</th>
                <th scope="col" class="num">Ran</th><th scope="col">Made</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((run) => (
                <Row key={places.get(run.id)} run={run} chosen={chosen.includes(run.id)}
                  choose={(on) => setChosen((old) => (on ? [...old, run.id] : old.filter((id) => id !== run.id)))} />
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      {older || cursor ? (
        <nav class="pages" aria-label="Pages">
          {cursor ? (
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
