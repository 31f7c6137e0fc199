// The frame around every page: navigation, and who is signed in.
import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { AGAIN, get, onSignedOut, request, Refusal, type Session } from './api';
import { Compare } from './compare';
import { Data } from './data';
import { Start } from './start';
import { List } from './list';
import { Fault, useEvery } from './parts';
import { link, useRoute, type Route } from './route';
import { Run } from './run';
import { SignIn } from './signin';
import './style.css';

interface Page {
  title: string;
  show: (route: Route, session: Session) => preact.JSX.Element;
}

const PAGES: Record<string, Page> = {
  '': { title: 'Experiments', show: (route) => <List route={route} /> },
  run: { title: 'Experiment', show: (route, session) => <Run key={route.path[1]} id={route.path[1] ?? ''} session={session} /> },
  new: { title: 'New experiment', show: (route, session) => <Start from={route.query.get('from')} weights={route.query.get('weights')} dataset={route.query.get('data')} session={session} /> },
  compare: { title: 'Comparison', show: (route) => <Compare ids={(route.query.get('runs') ?? '').split(',').filter(Boolean)} /> },
  data: { title: 'Data sets', show: (route, session) => <Data name={route.path[1]} session={session} /> },
};

const NAVIGATION: [string, string][] = [['', 'Experiments'], ['data', 'Data sets'], ['new', 'New experiment']];

function Head({ page, session, signOut }: { page: string; session: Session; signOut: () => void }) {
  return (
    <header class="top">
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById('main')?.focus(); }}>Skip to content</a>
      <a class="brand" href="#/"><img src="/assets/icon.svg" alt="" width="28" height="28" />qlstmd</a>
      <nav aria-label="Main">
        {NAVIGATION.map(([path, name]) => <a key={path} href={link(path)} aria-current={path === page ? 'page' : undefined}>{name}</a>)}
      </nav>
      {session.owner !== null ? (
        <div class="who">
          <span class="soft">{session.name} ({session.scope})</span>
          <button type="button" class="small" onClick={signOut}>Sign out</button>
        </div>
      ) : null}
    </header>
  );
}

/** In the place of everything, until the service answers. */
function Down({ error, ask }: { error: unknown; ask: () => void }) {
  useEvery(AGAIN, ask);
  return (
    <main class="signin">
      <div class="card">
        <h1>qlstmd</h1>
        <Fault error={error} />
        <p class="soft">This page asks again every few seconds.</p>
      </div>
    </main>
  );
}

function App() {
  const route = useRoute();
  const [session, setSession] = useState<Session | null>(null);
  const [state, setState] = useState<'asking' | 'out' | 'in' | 'down'>('asking');
  const [error, setError] = useState<unknown>(null);
  const main = useRef<HTMLElement>(null), arrived = useRef(false), lost = useRef(false);
  const name = route.path[0] ?? '';
  const page = PAGES[name] ?? PAGES['']!;

  const enter = (who: Session) => { setSession(who); setState('in'); };
  const ask = () => {
    const signedOut = (refused: unknown) => refused instanceof Refusal && refused.status === 401;
    get<Session>('/session')
      .catch((refused) => {
        if (!signedOut(refused)) throw refused; // a key that is void is forgotten: the service may need none
        return request('DELETE', '/session').then(() => get<Session>('/session'));
      })
      .then(enter, (refused) => {
        setError(refused);
        setState(signedOut(refused) ? 'out' : 'down');
      });
  };
  useEffect(() => {
    onSignedOut.call = () => setState('out');
    ask();
  }, []);
  useEffect(() => {
    document.title = `${page.title} · qlstmd`;
    scrollTo(0, 0);
    if (arrived.current) main.current?.focus({ preventScroll: true }); // what was pressed is gone, or led here
    arrived.current = true;
  }, [page, route.path[1]]);
  useEffect(() => {
    if (state === 'in' && lost.current) {
      document.title = `${page.title} · qlstmd`;
      main.current?.focus({ preventScroll: true });
    }
    lost.current = state === 'out';
  }, [state]);

  if (state === 'out') return <SignIn done={enter} again={session !== null} />;
  if (state === 'down') return <Down error={error} ask={ask} />;
  if (!session) return null;
  const signOut = async () => {
    await request('DELETE', '/session').catch(() => {});
    location.reload();
  };
  return (
    <>
      <Head page={name} session={session} signOut={signOut} />
      <main id="main" ref={main} tabIndex={-1}>{page.show(route, session)}</main>
    </>
  );
}

render(<App />, document.getElementById('app')!);
