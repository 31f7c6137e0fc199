// The service's API: typed requests, errors that carry the field, and streams of events.

export interface Spec {
  name?: string;
  project?: string;
  tags?: string[];
  data: Record<string, unknown> & { dataset: string; task?: string; window?: number; inputs?: (string | number)[] };
  model: { layers: ({ type: string } & Record<string, unknown>)[] };
  training: Record<string, unknown> & { epochs: number; seed: number };
  [section: string]: unknown;
}

export interface Preview {
  spec: Spec;
  model: { parameters: number; quantum: number; classical: number };
  data: { dataset: string; rows: number; train: number; validation?: number; test: number; warnings?: string[] };
  engine: { version: string; plan: string; isa: string; estimated_seconds: number; estimated_bytes?: number };
}

export interface Experiment extends Preview {
  id: string;
  status: Status;
  terminal: boolean;
  reason: string | null;
  reason_message: string | null;
  attempt: number;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  progress: { epoch: number; epochs: number; eta_seconds: number | null; queue_position: number | null };
  results: Record<string, number | null>;
  timings: { queued_seconds: number | null; run_seconds: number | null; train_seconds: number };
}

/** Predictions of another run's model over a whole data set: no epochs, no weights of its own. */
export const isPrediction = (run: Experiment): boolean => run.spec.kind === 'prediction';

export const STATUSES = ['queued', 'running', 'paused', 'cancelling', 'succeeded', 'failed', 'cancelled'] as const;
export type Status = (typeof STATUSES)[number];

export interface Column {
  name: string;
  numeric: boolean;
  type?: string;
  missing?: number;
  minimum?: number;
  maximum?: number;
  constant?: boolean;
}

export interface Dataset {
  id: string;
  name: string;
  builtin: boolean;
  summary: string | null;
  kind: string;
  description: {
    dialect?: Record<string, string | number | boolean>;
    preview?: (number | string | null)[][];
    notes?: string[];
    time?: number | null;
    compression?: string;
    dtype?: string;
    shape?: number[];
  };
  bytes: number;
  rows: number;
  columns: Column[];
  created_at: string | null;
}

export interface Session {
  name: string;
  owner: string | null;
  scope: 'read' | 'submit' | 'admin';
}

export interface RunEvent {
  id: number;
  type: 'status' | 'epoch' | 'log';
  at: string;
  attempt: number;
  [member: string]: unknown;
}

/** What the service refused: the field it is about (a JSON pointer) and why. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly pointer = '',
  ) {
    super(message);
  }
}

/** Nobody answers, or a service that is about to be there again: the same is asked once more after AGAIN milliseconds. */
export const passing = (error: unknown): boolean => error instanceof Refusal && (error.status === 0 || error.status >= 502);
export const AGAIN = 3000;

/** Called when a request needs a key that is not there. */
export const onSignedOut = { call: () => {} };

async function refusal(reply: Response): Promise<Refusal> {
  const body = await reply.json().catch(() => null);
  const first = body?.errors?.[0];
  return new Refusal(reply.status, first?.message ?? body?.detail ?? `status ${reply.status}`, first?.pointer ?? '');
}

export async function request(method: string, path: string, init: RequestInit = {}): Promise<Response> {
  let reply: Response;
  try {
    reply = await fetch(path, { method, ...init });
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw new Refusal(0, 'the service does not answer');
  }
  if (reply.ok) return reply;
  if (reply.status === 401 && path !== '/session') onSignedOut.call();
  throw await refusal(reply);
}

export const get = async <T>(path: string, signal?: AbortSignal): Promise<T> =>
  (await request('GET', path, { signal })).json();

export const getText = async (path: string, headers: Record<string, string> = {}): Promise<string> =>
  (await request('GET', path, { headers })).text();

export const post = async <T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> => {
  const init: RequestInit = { signal };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { 'Content-Type': 'application/json' };
  }
  const reply = await request('POST', path, init);
  return reply.status === 204 ? (undefined as T) : reply.json();
};

/** All events of an experiment but its epochs, and the id from which a stream goes on. */
export async function eventsBefore(id: string): Promise<{ events: RunEvent[]; after: number }> {
  const events: RunEvent[] = [];
  for (let after = 0; ; ) {
    const page = await get<{ events: RunEvent[]; after: number }>(
      `/experiments/${id}/events?skip=epoch&limit=1000&after=${after}`,
    );
    events.push(...page.events);
    after = page.after;
    if (page.events.length < 1000) return { events, after };
  }
}

export interface Follower {
  happened: (event: RunEvent) => void;
  open: () => void; // also after every loss
  lost: () => void; // the browser comes back by itself
  ended: () => void; // by the service, or refused by it
}

/** Events as they happen, from behind `after`; returns what ends it. */
export function follow(id: string, after: number, { happened, open, lost, ended }: Follower): () => void {
  const source = new EventSource(`/experiments/${id}/events?after=${after}`);
  const take = (message: MessageEvent<string>) => happened(JSON.parse(message.data));
  source.onopen = open;
  for (const type of ['status', 'epoch', 'log']) source.addEventListener(type, take);
  source.addEventListener('end', () => {
    source.close();
    ended();
  });
  source.onerror = () => (source.readyState === EventSource.CLOSED ? ended : lost)();
  return () => source.close();
}
