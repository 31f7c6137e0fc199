// Name, tags and notes of a run, changed after it was made.
import { useEffect, useRef, useState } from 'preact/hooks';
import { request, type Experiment } from './api';
import { Fault, Field } from './parts';

export function Labels({ run, reload, done }: { run: Experiment; reload: () => void; done: () => void }) {
  const [error, setError] = useState<unknown>(null);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const save = async (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const tags = String(form.get('tags')).split(',').map((tag) => tag.trim()).filter(Boolean);
    try {
      await request('PATCH', `/experiments/${run.id}`, {
        body: JSON.stringify({ name: form.get('name'), tags, notes: String(form.get('notes')).replace(/\r/g, '') }), headers: { 'Content-Type': 'application/json' },
      });
      reload();
      done();
    } catch (refused) {
      setError(refused);
    }
  };
  return (
    <form class="card pad labels" onSubmit={save} aria-label="Name, tags and notes">
      <Field label="Name"><input ref={first} name="name" defaultValue={run.spec.name} maxLength={200} /></Field>
      <Field label="Tags" hint="with commas between"><input name="tags" defaultValue={run.spec.tags?.join(', ')} /></Field>
      <Field label="Notes"><textarea name="notes" rows={4} maxLength={10000} defaultValue={String(run.spec.notes ?? '')} /></Field>
      <Fault error={error} />
      <div class="actions"><button class="primary">Save</button><button type="button" onClick={done}>Leave as it is</button></div>
    </form>
  );
}
