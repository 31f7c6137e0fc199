// Sign-in by key. The service puts it into a cookie that no script reads; the page forgets it at once.
import { useEffect, useRef, useState } from 'preact/hooks';
import { post, type Session } from './api';
import { Fault } from './parts';

/** `again`: the page was in use, and its key is not taken any more. */
export function SignIn({ done, again }: { done: (session: Session) => void; again: boolean }) {
  const [error, setError] = useState<unknown>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = 'Sign in · qlstmd';
    field.current?.focus();
  }, []);
  const enter = async (event: Event) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const key = String(new FormData(form).get('key')).trim();
    try {
      const session = await post<Session>('/session', { key });
      form.reset();
      done(session);
    } catch (refused) {
      setError(refused);
    }
  };
  return (
    <main class="signin" id="main">
      <form class="card" onSubmit={enter}>
        <h1>Sign in</h1>
        {again ? <p class="warning" role="alert">Your key is not accepted any more: it ran out or was taken back.</p> : null}
        <p class="soft">This service asks for a key. Whoever runs it makes one with <code>qlstmd key add NAME</code>.</p>
        <label class="field">
          <span class="field-label">Key</span>
          <input ref={field} name="key" type="password" autocomplete="current-password" required placeholder="qlstmd_…" />
        </label>
        <Fault error={error} />
        <button class="primary">Sign in</button>
      </form>
    </main>
  );
}
