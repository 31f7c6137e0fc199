// Sign-in by key. The service puts it into a cookie that no script reads; the page forgets it at once.
import { useState } from 'preact/hooks';
import { post, type Session } from './api';
import { Fault } from './parts';

export function SignIn({ done }: { done: (session: Session) => void }) {
  const [error, setError] = useState<unknown>(null);
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
        <p class="soft">This service asks for a key. Whoever runs it makes one with <code>qlstmd key add NAME</code>.</p>
        <label class="field">
          <span class="field-label">Key</span>
          <input name="key" type="password" autocomplete="current-password" required placeholder="qlstmd_…" />
        </label>
        <Fault error={error} />
        <button class="primary">Sign in</button>
      </form>
    </main>
  );
}
